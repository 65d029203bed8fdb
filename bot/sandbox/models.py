"""The values a simulated community is made of.

They hold facts; guilds, channels and the world change them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channel import Channel
    from .guild import Guild

Json = dict[str, Any]


class ChannelType(enum.IntEnum):
    """Discord's kinds of channels.

    https://discord.com/developers/docs/resources/channel#channel-object-channel-types
    """

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread."""
        return self in (
            ChannelType.ANNOUNCEMENT_THREAD,
            ChannelType.PUBLIC_THREAD,
            ChannelType.PRIVATE_THREAD,
        )

    @property
    def is_textual(self) -> bool:
        """Whether messages can be sent in it."""
        return self not in (ChannelType.CATEGORY, ChannelType.FORUM)


class MessageFlag:
    """Discord's message flags, as far as they mean anything here.

    https://discord.com/developers/docs/resources/message#message-object-message-flags
    """

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    HAS_SNAPSHOT = 1 << 14
    COMPONENTS_V2 = 1 << 15


class MemberFlag:
    """Discord's member flags, as far as they mean anything here.

    https://discord.com/developers/docs/resources/guild#guild-member-object-guild-member-flags
    """

    DID_REJOIN = 1 << 0
    BYPASSES_VERIFICATION = 1 << 2
    QUARANTINED = 1 << 7


@dataclass(slots=True, eq=False)
class User:
    """An account. `dms_open` False makes every direct message to it fail with 50007."""

    id: int
    name: str
    global_name: str | None = None
    bot: bool = False
    avatar: str | None = None
    locale: str = "en-US"
    dms_open: bool = True

    @property
    def display_name(self) -> str:
        """The name people see."""
        return self.global_name or self.name

    @property
    def mention(self) -> str:
        """How it is written in a message."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Role:
    """A role; the guild's default role (@everyone) has the guild's own id and position 0."""

    id: int
    guild: Guild = field(repr=False)
    name: str
    permissions: int = 0
    position: int = 1
    color: int = 0
    hoist: bool = False
    mentionable: bool = False
    managed: bool = False
    bot_id: int | None = None

    @property
    def mention(self) -> str:
        """How it is written in a message."""
        return f"<@&{self.id}>"


@dataclass(slots=True)
class Overwrite:
    """A channel's exception for a role (`type` 0) or a member (`type` 1)."""

    id: int
    type: int
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild.

    Half a million of them fit in memory; payloads are made when they are sent.
    """

    user: User
    guild: Guild = field(repr=False)
    joined_at: datetime
    roles: tuple[int, ...] = ()
    nick: str | None = None
    pending: bool = False
    timed_out_until: datetime | None = None
    flags: int = 0

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def display_name(self) -> str:
        """The name people see."""
        return self.nick or self.user.display_name

    @property
    def mention(self) -> str:
        """How it is written in a message."""
        return f"<@{self.user.id}>"


@dataclass(slots=True)
class Ban:
    """A banned user, with the reason given."""

    user: User
    reason: str | None = None


@dataclass(slots=True)
class Attachment:
    """A file of a message; its bytes are served under the sandbox's own CDN path."""

    id: int
    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"
    description: str | None = None
    width: int | None = None
    height: int | None = None
    title: str | None = None


@dataclass(slots=True)
class Reaction:
    """The users who reacted to a message with one emoji; `emoji` is a character or `name:id`."""

    emoji: str
    users: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Message:
    """A message in a channel, or an ephemeral one, which only its interaction keeps."""

    id: int
    channel: Channel = field(repr=False)
    author: User
    content: str = ""
    type: int = 0
    flags: int = 0
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: tuple[int, ...] = ()
    mention_roles: tuple[int, ...] = ()
    mention_everyone: bool = False
    reactions: dict[str, Reaction] = field(default_factory=dict)
    edited_at: datetime | None = None
    pinned_at: datetime | None = None
    tts: bool = False
    nonce: str | None = None
    reference: Json | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction: Json | None = None
    poll: Json | None = None
    sticker_items: list[Json] = field(default_factory=list)
    snapshots: list[Json] = field(default_factory=list)
    author_override: Json | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    def find_component(self, custom_id: str) -> Json | None:
        """Return the component with this `custom_id`, however deeply nested, or None."""
        return next(
            (
                found
                for found in walk_components(self.components)
                if found.get("custom_id") == custom_id
            ),
            None,
        )

    def find_labelled(self, label: str) -> Json | None:
        """Return the button with this label, or None."""
        return next(
            (found for found in walk_components(self.components) if found.get("label") == label),
            None,
        )

    def text(self) -> str:
        """Return everything a person reads in the message.

        Content, embeds, forwarded texts, text displays and labels.
        """
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title") or "", embed.get("description") or ""]
            parts += [
                f"{entry.get('name')} {entry.get('value')}" for entry in embed.get("fields") or ()
            ]
            parts.append((embed.get("footer") or {}).get("text") or "")
        parts += [snapshot["message"].get("content") or "" for snapshot in self.snapshots]
        for component in walk_components(self.components):
            parts += [str(component[key]) for key in ("content", "label") if component.get(key)]
        return "\n".join(part for part in parts if part)


@dataclass(slots=True, eq=False)
class Webhook:
    """A webhook of a channel; `application_id` is set when a bot made it."""

    id: int
    channel: Channel = field(repr=False)
    name: str
    token: str = field(repr=False)
    creator: User | None = None
    application_id: int | None = None
    avatar: str | None = None


@dataclass(slots=True)
class Invite:
    """An invite to a channel; `max_age` is in seconds, 0 never ends."""

    code: str
    channel: Channel = field(repr=False)
    inviter: User | None
    created_at: datetime
    max_age: int = 86_400
    max_uses: int = 0
    uses: int = 0
    temporary: bool = False

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, None for never."""
        return self.created_at + timedelta(seconds=self.max_age) if self.max_age else None

    @property
    def valid(self) -> bool:
        """Whether somebody can still come in by it."""
        if self.max_uses and self.uses >= self.max_uses:
            return False
        return self.ends_at is None or self.ends_at > datetime.now(UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Team:
    """People in the developer portal who own applications together; the first owns the team."""

    id: int
    name: str
    members: tuple[User, ...]


@dataclass(slots=True, eq=False)
class Application:
    """A bot in the developer portal.

    Its account, token, privileged intents and registered commands. With a `team`, that owns it.
    """

    id: int
    name: str
    token: str = field(repr=False)
    user: User
    owner: User
    allowed_intents: int
    guild_installable: bool = True
    team: Team | None = None
    commands: dict[int, Json] = field(default_factory=dict)
    guild_commands: dict[int, dict[int, Json]] = field(default_factory=dict)
    command_permissions: dict[int, dict[int, list[Json]]] = field(default_factory=dict)

    def commands_in(self, guild_id: int | None) -> list[Json]:
        """Return the commands usable in a guild, its own before global ones, or in a DM."""
        local = list(self.guild_commands.get(guild_id, {}).values()) if guild_id else []
        names = {(command["type"], command["name"]) for command in local}
        return local + [c for c in self.commands.values() if (c["type"], c["name"]) not in names]


def walk_components(components: Iterable[Json]) -> list[Json]:
    """Return every component of a message or modal, parents before children."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        children = list(component.get("components") or ())
        children += [
            component[key]
            for key in ("accessory", "component")
            if isinstance(component.get(key), dict)
        ]
        found += walk_components(children)
    return found
