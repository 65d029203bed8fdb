"""The people at the page: who they are, as whom they act, and what only they are shown."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections import deque
from collections.abc import Iterator

from ..channel import Channel
from ..guild import Guild
from ..interactions import Interaction
from ..models import Message, User
from ..permissions import Permission, channel_permissions
from ..world import World
from .feed import Feed

MOST_VISITORS = 50
MOST_PAGES = 4
# How many of a visitor's interactions are remembered, with the ephemeral answers to them.
REMEMBERED = 200


_LONGEST_BASE = 23
_NOT_IN_USERNAMES = re.compile(r"[^a-z0-9._]+")


class FullHouseError(Exception):
    """Every place at the page is taken by somebody who is there."""


class Visitor:
    """A browser with its own account; as an admin it acts as the owner of each guild."""

    def __init__(self, world: World, token: str, account: User) -> None:
        self.token = token
        self.account = account
        self.admin = False
        self.feeds: list[Feed] = []
        self._world = world
        self._begun: deque[Interaction] = deque(maxlen=REMEMBERED)
        self._dismissed: deque[int] = deque(maxlen=REMEMBERED)

    # -- as whom they act -------------------------------------------------------------------------

    def person(self, guild: Guild) -> User:
        """Return as whom the visitor acts in a guild."""
        return self._world.users[guild.owner_id] if self.admin else self.account

    def viewer_of(self, channel: Channel) -> User | None:
        """Return as whom the visitor sees a channel, None when they may not see it."""
        if channel.guild is None:
            return next((user for user in channel.recipients if self._is(user)), None)
        user = self.person(channel.guild)
        member = channel.guild.members.get(user.id)
        if member is None:
            return None
        return user if channel_permissions(member, channel) & Permission.VIEW_CHANNEL else None

    def _is(self, user: User) -> bool:
        if user is self.account:
            return True
        owners = (guild.owner_id for guild in self._world.guilds.values())
        return self.admin and user.id in owners

    # -- what only they are shown -----------------------------------------------------------------

    def note_interaction(self, interaction: Interaction) -> None:
        """Remember an interaction they set off; its answers are theirs to see."""
        self._begun.append(interaction)

    def interaction(self, interaction_id: int) -> Interaction | None:
        """Return one of the interactions they set off."""
        return next((entry for entry in self._begun if entry.id == interaction_id), None)

    def interaction_with(self, token: str) -> Interaction | None:
        """Return the interaction of theirs that has this token."""
        return next((entry for entry in self._begun if entry.token == token), None)

    def private_messages(self, channel: Channel | None = None) -> Iterator[Message]:
        """Yield the ephemeral answers they have not dismissed, in one channel or in all."""
        for interaction in self._begun:
            if channel is not None and interaction.channel is not channel:
                continue
            for message in interaction.messages:
                if message.ephemeral and self._may_still_see(interaction, message):
                    yield message

    def _may_still_see(self, interaction: Interaction, message: Message) -> bool:
        viewer = self.viewer_of(interaction.channel)
        return (
            viewer is interaction.user and not message.deleted and message.id not in self._dismissed
        )

    def dismiss(self, message: Message) -> None:
        """Take an ephemeral answer off their screen."""
        self._dismissed.append(message.id)

    # -- their open pages -------------------------------------------------------------------------

    def open_feed(self) -> Feed:
        """Open a feed for one more page; beyond the limit the oldest page is cut off."""
        feed = Feed()
        self.feeds.append(feed)
        while len(self.feeds) > MOST_PAGES:
            self.feeds.pop(0).close()
        return feed

    def close_feed(self, feed: Feed) -> None:
        """Forget a page that is gone."""
        if feed in self.feeds:
            self.feeds.remove(feed)


def _username(display_name: str) -> str:
    """Return a username of its own, of a display name's Latin letters where it has any.

    Discord's usernames are ASCII: https://support.discord.com/hc/en-us/articles/12620128861463
    """
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode()
    base = _NOT_IN_USERNAMES.sub("", plain.lower()).strip(".")[:_LONGEST_BASE]
    return f"{base or 'visitor'}_{secrets.token_hex(4)}"


class Visitors:
    """Everyone at the page, by the token in their cookie; at most `limit`."""

    def __init__(self, world: World, *, limit: int = MOST_VISITORS) -> None:
        self._world = world
        self._limit = limit
        self._by_token: dict[str, Visitor] = {}

    def __iter__(self) -> Iterator[Visitor]:
        return iter(tuple(self._by_token.values()))

    def __len__(self) -> int:
        return len(self._by_token)

    def find(self, token: str) -> Visitor | None:
        """Return whose token this is."""
        return self._by_token.get(token)

    def welcome(self, display_name: str) -> Visitor:
        """Open an account for a new visitor; raises FullHouseError when nobody's place is free.

        A visitor whose page is closed makes room for the new one.
        """
        if len(self._by_token) >= self._limit:
            self._make_room()
        account = self._world.add_user(_username(display_name), global_name=display_name)
        visitor = Visitor(self._world, secrets.token_urlsafe(32), account)
        self._by_token[visitor.token] = visitor
        return visitor

    def _make_room(self) -> None:
        absent = next((entry for entry in self if not entry.feeds), None)
        if absent is None:
            raise FullHouseError
        self.see_off(absent)

    def see_off(self, visitor: Visitor) -> None:
        """Forget a visitor; their account leaves every guild it has joined."""
        self._by_token.pop(visitor.token, None)
        for feed in visitor.feeds:
            feed.close()
        for guild in self._world.guilds.values():
            guild.remove_member(visitor.account.id)

    def close(self) -> None:
        """End every open page's feed."""
        for visitor in self:
            for feed in visitor.feeds:
                feed.close()
