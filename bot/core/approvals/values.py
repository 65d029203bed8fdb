"""What features and the service for approvals say to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from bot.core.contracts import Actor
from bot.core.i18n import Message
from bot.core.preflight import Action

LONGEST_PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalOrder:
    """Something that somebody wants done to many; `people` are their ids and names.

    `dedupe_key` names the occasion: asked twice, there is one request. `payload` holds ids and
    numbers that the kind's executor needs, never texts of people.
    """

    guild_id: int
    kind: str
    requester: Actor
    dedupe_key: str
    people: Sequence[tuple[int, str]]
    reason: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A request that two people want, as its executor sees it."""

    id: int
    guild_id: int
    requester: Actor
    approver_id: int
    people: Sequence[tuple[int, str]]
    reason: str | None
    payload: Mapping[str, Any]


# Does what was approved and says how it ended; it may be called again after a crash, so every
# deed in it needs a key of its own.
Executor = Callable[[Approved], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """One kind of request: what it is called, and what whoever decides has to be allowed.

    `title` has the placeholder `count`.
    """

    title: Message
    action: Action
    execute: Executor


class ApprovalPolicy(Protocol):
    """What a guild has decided about second approvals."""

    async def approve_from(self, guild_id: int) -> int:
        """Return from how many people on a second yes is needed; 0 is never."""
        ...

    async def patience(self, guild_id: int) -> timedelta:
        """Return how long a request stands."""
        ...

    async def channel_id(self, guild_id: int) -> int | None:
        """Return where requests are shown, `None` where there is no such place."""
        ...


class DefaultApprovals:
    """Nothing needs a second yes: many guilds have a single moderator."""

    async def approve_from(self, guild_id: int) -> int:  # noqa: ARG002
        """Return 0, which is never."""
        return 0

    async def patience(self, guild_id: int) -> timedelta:  # noqa: ARG002
        """Return an hour."""
        return timedelta(hours=1)

    async def channel_id(self, guild_id: int) -> int | None:  # noqa: ARG002
        """Return `None`: nobody has chosen a place."""
        return None
