"""What the kernel and the web know of Discord: plain values, and the protocol that supplies them.

`bot.state` fills these in from discord.py's cache; tests fill them in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

# Permission names are Discord's own, in the spelling of discord.py's flags: "send_messages".
Permissions = frozenset[str]
ChannelKind = Literal["text", "news", "voice", "stage", "forum", "category", "thread"]
Source = Literal["command", "panel", "web", "api", "system"]


@dataclass(frozen=True, slots=True)
class GuildSummary:
    """A guild as a page or a rule needs it; `verification_level` is Discord's, 0 to 4.

    `largest_upload` is how many bytes a file may have that is sent there; boosts raise it.
    """

    id: int
    name: str
    owner_id: int
    member_count: int
    icon_url: str | None = None
    locale: str = "en-US"
    joined_at: datetime | None = None
    bot_permissions: Permissions = frozenset()
    system_channel_id: int | None = None
    verification_level: int = 0
    largest_upload: int = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChannelSummary:
    """A channel or thread, with what the bot may do in it; a private thread is `private`."""

    id: int
    guild_id: int
    name: str
    kind: ChannelKind
    position: int = 0
    parent_id: int | None = None
    bot_permissions: Permissions = frozenset()
    private: bool = False


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """A role; `assignable` is true when the bot may give and take it.

    `permissions` are what it allows in the whole guild; a `mentionable` one anybody may mention.
    """

    id: int
    guild_id: int
    name: str
    position: int
    colour: int = 0
    managed: bool = False
    assignable: bool = True
    permissions: Permissions = frozenset()
    mentionable: bool = False


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member as permission and hierarchy rules see one."""

    id: int
    guild_id: int
    name: str
    top_role_position: int = 0
    permissions: Permissions = frozenset()
    is_guild_owner: bool = False
    is_bot: bool = False
    role_ids: frozenset[int] = frozenset()
    joined_at: datetime | None = None
    created_at: datetime | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changed something, and through which door.

    `rank` is the position of their highest role, for those to whom Discord's ranks apply: neither
    the guild's owner nor the bot's.
    """

    user_id: int
    source: Source
    name: str = ""
    ip: str | None = None
    user_agent: str | None = None
    rank: int | None = field(default=None, compare=False)


SYSTEM = Actor(0, "system", "Pegasus")


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One gateway connection; seconds throughout, `None` where there is nothing to measure.

    It is connected while Discord sends it events, so from READY or RESUMED on. Before the first
    heartbeat is answered `latency` is not finite.
    """

    id: int
    connected: bool
    latency: float | None = None
    ack_age: float | None = None
    disconnected_for: float = 0.0


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The gateway as a whole; `fatal` names a close that reconnecting can't cure."""

    shards: Sequence[ShardStatus] = ()
    first_ready: bool = False
    last_event_age: float | None = None
    fatal: str | None = None
    identify_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class BotCounts:
    """How much this process sees of Discord; channels are counted by kind."""

    guilds: int = 0
    unavailable_guilds: int = 0
    users: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)


class BotState(Protocol):
    """The live view of Discord for the kernel and the web; it never waits and never fetches."""

    def gateway(self) -> GatewayStatus:
        """Return the state of the connections."""
        ...

    def counts(self) -> BotCounts:
        """Return what this process sees, summed."""
        ...

    def guild(self, guild_id: int) -> GuildSummary | None:
        """Return a guild, or `None` when the bot is not in it."""
        ...

    def guilds(self) -> Sequence[GuildSummary]:
        """Return every guild of this process."""
        ...

    def channels(self, guild_id: int) -> Sequence[ChannelSummary]:
        """Return a guild's channels in the order the client shows them."""
        ...

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        """Return one channel or thread of the guild."""
        ...

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        """Return a guild's roles, highest first, without @everyone."""
        ...

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        """Return one role of the guild."""
        ...

    def member(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return a cached member, or `None` when it is not in the cache."""
        ...

    def me(self, guild_id: int) -> MemberFacts | None:
        """Return the bot's own membership of the guild."""
        ...


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A message as gates and observers judge it, made from the raw gateway payload.

    `raw` is the payload itself, for what only few need (embeds, polls, snapshots); it must not be
    changed. `edited` is true for MESSAGE_UPDATE.
    """

    id: int
    guild_id: int
    channel_id: int
    author_id: int
    content: str
    role_ids: frozenset[int]
    raw: Mapping[str, object]
    author_is_bot: bool = False
    webhook_id: int | None = None
    edited: bool = False
