"""A gateway session: who it is for, what it may hear, its sequence number and its replay buffer.

It outlives connections, so a client can resume it; it knows nothing of WebSockets.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from .events import EVENT_INTENTS, Dispatch, Intent
from .models import Application
from .permissions import Permission, channel_permissions, guild_permissions

if TYPE_CHECKING:
    from .channel import Channel
    from .guild import Guild

_VISIBILITY_CACHE_LIMIT = 50_000

# Bots hear of every channel itself, but of what happens inside only where they may look.
_UNFILTERED = frozenset({"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"})


class Outlet(Protocol):
    """What a session writes to while a client is connected."""

    def enqueue(self, frame: bytes) -> None:
        """Take an encoded message to be sent."""
        ...


class Session:
    """One identified client (one shard). `outlet` is None while nobody is connected."""

    def __init__(
        self,
        application: Application,
        intents: int,
        shard_id: int,
        shard_count: int,
        *,
        replay_limit: int,
    ) -> None:
        self.id = secrets.token_hex(16)
        self.application = application
        self.intents = intents
        self.shard_id = shard_id
        self.shard_count = shard_count
        self.sequence = 0
        self.outlet: Outlet | None = None
        self.detached_at: float | None = None
        self.presence: dict[str, object] = {}
        self._replay: deque[tuple[int, bytes]] = deque(maxlen=replay_limit)
        self._visible: dict[int, tuple[int, bool]] = {}

    # -- sending ----------------------------------------------------------------------------------

    def push(self, event: str, body: bytes) -> None:
        """Number an encoded event, remember it for a resume and hand it to the connected client."""
        self.sequence += 1
        frame = b'{"t":"%s","s":%d,"op":0,"d":%s}' % (event.encode(), self.sequence, body)
        self._replay.append((self.sequence, frame))
        if self.outlet is not None:
            self.outlet.enqueue(frame)

    def detach(self) -> None:
        """Remember that the client is gone; events are kept for its return."""
        self.outlet = None
        self.detached_at = time.monotonic()

    def missed_since(self, sequence: int) -> list[bytes] | None:
        """Return the events after `sequence`, or None when the buffer no longer reaches back."""
        oldest = self._replay[0][0] if self._replay else self.sequence + 1
        if sequence + 1 < oldest:
            return None
        return [frame for number, frame in self._replay if number > sequence]

    # -- what it may hear -------------------------------------------------------------------------

    def covers(self, guild: Guild) -> bool:
        """Whether the guild belongs to this session's shard and its bot is a member."""
        if (guild.id >> 22) % self.shard_count != self.shard_id:
            return False
        return self.application.user.id in guild.members

    def hears(self, dispatch: Dispatch) -> bool:
        """Whether the event is for this session: application, shard, intents, permissions."""
        if dispatch.application_id is not None and dispatch.application_id != self.application.id:
            return False
        if dispatch.guild is None:
            return self._hears_directly(dispatch)
        return self._hears_in_guild(dispatch, dispatch.guild)

    def _hears_directly(self, dispatch: Dispatch) -> bool:
        if dispatch.channel is None:
            return dispatch.application_id is not None
        if self.shard_id != 0 or self.application.user not in dispatch.channel.recipients:
            return False
        required = EVENT_INTENTS.get(dispatch.event)
        return required is None or bool(self.intents & required[1])

    def _hears_in_guild(self, dispatch: Dispatch, guild: Guild) -> bool:
        if not self.covers(guild) or not self._intended(dispatch):
            return False
        member = guild.members[self.application.user.id]
        if dispatch.needs and not guild_permissions(member) & dispatch.needs:
            return False
        if (
            dispatch.channel is None
            or dispatch.event in _UNFILTERED
            or dispatch.application_id is not None
        ):
            return True
        return self._sees(guild, dispatch.channel)

    def _intended(self, dispatch: Dispatch) -> bool:
        own = dispatch.subject_id == self.application.user.id
        if own and dispatch.event == "GUILD_MEMBER_ADD":
            return False
        required = EVENT_INTENTS.get(dispatch.event)
        return (
            required is None
            or bool(self.intents & required[0])
            or (own and dispatch.event == "GUILD_MEMBER_UPDATE")
        )

    def _sees(self, guild: Guild, channel: Channel) -> bool:
        """Whether the bot may look into the channel, remembered until permissions change."""
        if channel.thread is not None and channel.thread.private:
            return bool(channel_permissions(guild.members[self.application.user.id], channel))
        known = self._visible.get(channel.id)
        if known is not None and known[0] == guild.revision:
            return known[1]
        bits = channel_permissions(guild.members[self.application.user.id], channel)
        visible = bool(bits & Permission.VIEW_CHANNEL)
        if len(self._visible) >= _VISIBILITY_CACHE_LIMIT:
            self._visible.clear()
        self._visible[channel.id] = (guild.revision, visible)
        return visible

    def reads_content_of(self, dispatch: Dispatch) -> bool:
        """Whether the message's content may be shown.

        By intent, in DMs, on mention and for own messages.
        """
        message = dispatch.message
        if self.intents & Intent.MESSAGE_CONTENT or dispatch.guild is None:
            return True
        if message is None:
            return not dispatch.withheld
        own_id = self.application.user.id
        return message.author.id == own_id or own_id in message.mentions
