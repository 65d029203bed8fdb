"""The service for cases: what features, automod and the web call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from bot.core.cases.policy import CasePolicy
from bot.core.cases.values import (
    UNCHANGED,
    Case,
    CaseEdit,
    CaseKind,
    CaseNote,
    Enforcer,
    Evidence,
    Order,
    Sanction,
    SanctionKind,
    Unchanged,
)
from bot.core.contracts import Actor
from bot.core.errors import AppError

# Told after each case of many: how many are done, of how many.
Progress = Callable[[int, int], Awaitable[None]]


class CaseService:
    """Orders, records, changes and reads cases, of all guilds; one per process."""

    def use(self, enforcer: Enforcer) -> None:
        """Carry cases out with this from now on; until there is one they wait."""
        raise NotImplementedError

    def use_policy(self, policy: CasePolicy) -> None:
        """Ask this from now on what guilds have decided."""
        raise NotImplementedError

    async def order(self, order: Order) -> Case:
        """Record a case and carry it out; returns it applied, or planned when Discord is late.

        What was ordered under the same `dedupe_key` before is returned as it is and not repeated.
        Raises `InvalidInput` for an order that makes no sense, and `Denied`, `NotFound` or
        `DiscordFailed` when Discord refuses for good: the case is then on record as failed.
        """
        raise NotImplementedError

    async def order_many(
        self, orders: Sequence[Order], progress: Progress | None = None
    ) -> list[Case | AppError]:
        """Carry out many orders of one guild; each has its case or its error, in their order."""
        raise NotImplementedError

    async def record(self, order: Order) -> Case | None:
        """Record what has happened on Discord already; `None` when its key is known."""
        raise NotImplementedError

    async def undo(
        self, guild_id: int, number: int, actor: Actor, reason: str | None = None
    ) -> Case:
        """Take a case back: its points, and what it did if that still holds."""
        raise NotImplementedError

    async def get(self, guild_id: int, number: int) -> Case:
        """Return a case, deleted or not; raises `NotFound`."""
        raise NotImplementedError

    async def get_by_id(self, case_id: int) -> Case:
        """Return a case by its id in the database; raises `NotFound`."""
        raise NotImplementedError

    async def list(
        self,
        guild_id: int,
        *,
        target_id: int | None = None,
        moderator_id: int | None = None,
        kinds: Collection[CaseKind] | None = None,
        before_number: int | None = None,
        limit: int = 25,
        include_deleted: bool = False,
    ) -> Sequence[Case]:
        """Return a guild's cases, newest first; the last one's number gets the next page."""
        raise NotImplementedError

    async def edit(
        self,
        guild_id: int,
        number: int,
        *,
        actor: Actor,
        reason: str | None | Unchanged = UNCHANGED,
        duration: timedelta | None | Unchanged = UNCHANGED,
    ) -> Case:
        """Change reason or duration, counted from the case's beginning; `None` is for good."""
        raise NotImplementedError

    async def delete(self, guild_id: int, number: int, actor: Actor) -> Case:
        """Hide a case and take its points back; its number is never given again.

        What it did on Discord stays: `undo` lifts that.
        """
        raise NotImplementedError

    async def add_note(self, guild_id: int, number: int, text: str, actor: Actor) -> CaseNote:
        """Add a note under a case."""
        raise NotImplementedError

    async def list_notes(self, case: Case) -> Sequence[CaseNote]:
        """Return the notes of a case, oldest first."""
        raise NotImplementedError

    async def history(self, case: Case) -> Sequence[CaseEdit]:
        """Return the changes to a case, oldest first."""
        raise NotImplementedError

    async def add_evidence(  # noqa: PLR0917
        self,
        guild_id: int,
        number: int,
        filename: str,
        content_type: str,
        data: bytes,
        actor: Actor,
    ) -> Evidence:
        """Keep a file with a case; raises `InvalidInput` when it is too large or one too many."""
        raise NotImplementedError

    async def list_evidence(self, case: Case) -> Sequence[Evidence]:
        """Return what is kept with a case, oldest first."""
        raise NotImplementedError

    async def read_evidence(self, guild_id: int, evidence_id: int) -> tuple[Evidence, bytes]:
        """Return a file that is kept with a case of the guild; raises `NotFound`."""
        raise NotImplementedError

    async def points(self, guild_id: int, user_id: int, now: datetime) -> int:
        """Return a member's points that count: not undone, deleted or expired."""
        raise NotImplementedError

    async def sanction_of(self, guild_id: int, user_id: int, kind: SanctionKind) -> Sanction | None:
        """Return what holds a member, or `None`."""
        raise NotImplementedError

    async def on_member_joined(self, guild_id: int, user_id: int) -> None:
        """Put someone who comes back under what still holds them."""
        raise NotImplementedError

    @staticmethod
    def is_own_reason(text: str | None) -> bool:
        """Tell whether an audit log reason is one that cases write."""
        raise NotImplementedError
