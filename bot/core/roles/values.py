"""What role changes are made of: the values that features and Discord's side share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.core.events import Event
from bot.core.i18n import Message
from bot.core.roles.rules import RoleSource


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """That a member is to have a role (`want`) or not to have it.

    `reason` is for Discord's audit log, a `Message` in the guild's language. Nothing is done before
    `not_before`. With `after_screening` it waits until the member has passed membership screening,
    which a role would let them skip. `occasion` (at most 40 characters) names what it is part of,
    if that may be withdrawn as a whole; "a:b" is part of the occasion "a".
    """

    guild_id: int
    user_id: int
    role_id: int
    want: bool
    source: RoleSource
    reason: Message | str | None = None
    not_before: datetime | None = None
    after_screening: bool = False
    occasion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Event):
    """Discord has a role change that was wanted; it may have been so before.

    Published once per wish, and not at all when the process dies right after recording it.
    """

    guild_id: int
    user_id: int
    role_id: int
    given: bool
    source: RoleSource


@dataclass(frozen=True, slots=True)
class RolesSnapshot:
    """How wishes stand; `oldest_overdue` is in seconds and 0 when nothing is late.

    `due` are those that wait for nothing but their turn.
    `outcomes` counts this process's results by source and outcome.
    """

    waiting: int = 0
    screening: int = 0
    parked: int = 0
    due: int = 0
    oldest_overdue: float = 0.0
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)


class RoleChanger(Protocol):
    """Takes role changes to Discord; each call may be repeated without harm.

    Raises the outcomes of `bot.core.cases.outcomes`, as an enforcer does.
    """

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Give a role."""
        ...

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Take a role."""
        ...

    async def is_pending(self, guild_id: int, user_id: int) -> bool:
        """Return whether a member has yet to pass membership screening."""
        ...
