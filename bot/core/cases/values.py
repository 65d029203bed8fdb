"""What cases are made of: the values that features, the service and Discord's side share.

A case is a numbered record of something done to a member. Pure; knows neither database nor Discord.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Literal, Protocol

from bot.core.contracts import Actor
from bot.core.events import Event

# Discord's own limit of a timeout; longer ones are renewed:
# https://discord.com/developers/docs/resources/guild#modify-guild-member
LONGEST_TIMEOUT = timedelta(days=28)
MAX_REASON = 1_000
# What Discord deletes at most of what a banned member wrote.
MAX_DELETE_WINDOW = timedelta(days=7)

# What Discord's bulk ban takes at once.
MOST_BANS = 200
MAX_EVIDENCE_BYTES = 10 * 1024 * 1024
MAX_EVIDENCE = 10

CaseSource = Literal["command", "automod", "audit_log", "appeal", "web", "system"]
Change = Literal["applied", "failed", "edited", "undone", "ended", "deleted"]


class Unchanged(Enum):
    """The mark for a value that an edit leaves alone, where `None` is a value too."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


class CaseKind(StrEnum):
    """What was done."""

    NOTE = "note"
    WARN = "warn"
    TIMEOUT = "timeout"
    UNTIMEOUT = "untimeout"
    MUTE = "mute"
    UNMUTE = "unmute"
    KICK = "kick"
    SOFTBAN = "softban"
    BAN = "ban"
    TEMPBAN = "tempban"
    UNBAN = "unban"
    ADD_ROLE = "add_role"
    REMOVE_ROLE = "remove_role"


class CaseState(StrEnum):
    """How far an order was carried out; records that need no call to Discord begin as applied."""

    PLANNED = "planned"
    APPLIED = "applied"
    FAILED = "failed"
    # Taken back by staff, or lifted by time; what it did on Discord no longer holds.
    UNDONE = "undone"
    ENDED = "ended"


class SanctionKind(StrEnum):
    """What a member can be under for a time; at most one of each kind at once."""

    TIMEOUT = "timeout"
    MUTE = "mute"
    BAN = "ban"


class Told(StrEnum):
    """Whether the member was written to about a case."""

    NOT_MEANT = "not_meant"
    WRITTEN = "written"
    # Discord does not answer, or not yet.
    WAITING = "waiting"
    # They take no messages from this server, or Discord knows of none between them and the bot.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a case is about; the name is the one at the time."""

    id: int
    name: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something to be done to one member, and recorded.

    `dedupe_key` names the occasion (an interaction's id, an incident): ordered twice, it is done
    once. `duration` bounds timeouts, mutes and temporary bans; `None` means for good, which a
    timeout can't be. `points` are warn points; `None` takes the guild's default for the kind.
    `delete_window` is how far back a ban removes messages. `notify` writes to the member: before a
    kick or ban, since afterwards nobody can. `details` are shown with the case (rule, link).
    """

    guild_id: int
    kind: CaseKind
    target: Target
    moderator: Actor
    source: CaseSource
    dedupe_key: str
    reason: str | None = None
    duration: timedelta | None = None
    points: int | None = None
    delete_window: timedelta = timedelta()
    role_id: int | None = None
    notify: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a case sets off: its points reach a threshold; without a duration it is for good."""

    points: int
    kind: CaseKind
    duration: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as people see it; `number` counts from 1 in each guild."""

    id: int
    guild_id: int
    number: int
    kind: CaseKind
    state: CaseState
    target: Target
    moderator_id: int
    moderator_name: str
    source: CaseSource
    reason: str | None
    points: int
    created_at: datetime
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: int | None = None
    deleted_at: datetime | None = None
    failure: str | None = None
    role_id: int | None = None
    points_until: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def follow_up(self) -> FollowUp | None:
        """Return what the case has set off, `None` for nothing."""
        found = self.details.get("follow_up")
        if not found:
            return None
        seconds = found["seconds"]
        duration = timedelta(seconds=seconds) if seconds else None
        return FollowUp(found["points"], CaseKind(found["kind"]), duration)


@dataclass(frozen=True, slots=True)
class Sanction:
    """What a member is under now; without `ends_at` for good."""

    guild_id: int
    user_id: int
    kind: SanctionKind
    case_id: int
    ends_at: datetime | None
    role_id: int | None = None


@dataclass(frozen=True, slots=True)
class CaseEdit:
    """One change to a case; `before` and `after` are texts, `None` where there was nothing."""

    field: str
    before: str | None
    after: str | None
    editor_id: int | None
    edited_at: datetime


@dataclass(frozen=True, slots=True)
class CaseNote:
    """What somebody of the staff wrote under a case."""

    id: int
    text: str
    author_id: int | None
    author_name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file kept with a case; `sha256` is the hexadecimal digest of its bytes."""

    id: int
    case_id: int
    filename: str
    content_type: str
    size: int
    sha256: str
    added_by: int | None
    added_at: datetime


class Enforcer(Protocol):
    """Takes what a case orders to Discord; each call may be repeated without harm.

    Raises `NotPermitted` when people have to put a permission or a role's place right, `Gone` when
    the member, role or ban is not there (any more), and `Delayed` when it may work later, all from
    `bot.core.cases.outcomes`.
    """

    async def ban(
        self, guild_id: int, user_id: int, *, reason: str, delete_window: timedelta
    ) -> None:
        """Ban a person, who need not be a member."""
        ...

    async def ban_many(
        self, guild_id: int, user_ids: Sequence[int], *, reason: str, delete_window: timedelta
    ) -> frozenset[int]:
        """Ban up to `MOST_BANS` people with one call; returns those who could not be banned."""
        ...

    async def unban(self, guild_id: int, user_id: int, *, reason: str) -> None:
        """Lift a ban; raises `Gone` when there is none."""
        ...

    async def kick(self, guild_id: int, user_id: int, *, reason: str) -> None:
        """Remove a member."""
        ...

    async def joined_at(self, guild_id: int, user_id: int) -> datetime | None:
        """Return since when a member is there, `None` where Discord doesn't say."""
        ...

    async def time_out(
        self, guild_id: int, user_id: int, *, until: datetime | None, reason: str
    ) -> None:
        """Time a member out until an instant at most 28 days ahead, or end it with `None`."""
        ...

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Give a role."""
        ...

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Take a role."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Event):
    """A case was recorded; it may still have to be carried out."""

    case: Case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChanged(Event):
    """A case was carried out, failed, edited, undone, ended or deleted."""

    case: Case
    what: Change
