"""What all parts of the case service share: its tools, its turns and how rows become cases."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bot.core.cases.policy import CasePolicy, DefaultPolicy
from bot.core.cases.values import (
    Case,
    CaseChanged,
    CaseKind,
    CaseState,
    Change,
    Enforcer,
    Sanction,
    SanctionKind,
    Target,
)
from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.events import Event, EventBus
from bot.core.guild_locale import locale_of_guild
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.problems.news import BASICS, LOG_CHANNEL
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from db import cases as table
from db import sanctions as sanction_table
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

ENFORCE_JOB = "cases.enforce"
SANCTION_JOB = "cases.lift"
COMPARE_JOB = "cases.compare"
UNDO_JOB = "cases.undo"

# Decides what follows from new cases of one guild, in the transaction that opens them.
Follower = Callable[["AsyncSession", Sequence[Case]], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Desk:
    """The tools of one process's case service; a farewell is waited for up to `dm_seconds`."""

    database: Database
    clock: Clock
    jobs: JobService
    outbox: OutboxService
    bus: EventBus
    supervisor: TaskSupervisor
    settings: SettingsStore
    state: Callable[[], BotState]
    dm_seconds: float = 5.0
    policy: CasePolicy = field(default_factory=DefaultPolicy)
    enforcer: Enforcer | None = None
    followers: dict[str, Follower] = field(default_factory=dict)
    turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    @asynccontextmanager
    async def turn(self, guild_id: int, user_ids: Collection[int]) -> AsyncIterator[None]:
        """Let nothing else of this process happen to these people meanwhile.

        Between processes the sanction's stamp and the jobs settle who came last.
        """
        async with AsyncExitStack() as stack:
            for user_id in sorted(set(user_ids)):
                lock = self.turns.setdefault((guild_id, user_id), asyncio.Lock())
                await stack.enter_async_context(lock)
            yield

    async def locale(self, guild_id: int) -> str | None:
        """Return the guild's language, for texts that no single reader decides."""
        return await locale_of_guild(self.settings, self.state(), guild_id)

    def guild_name(self, guild_id: int) -> str:
        """Return the guild's name, as far as it is known."""
        guild = self.state().guild(guild_id)
        return guild.name if guild else "Discord"

    async def log_channel(self, guild_id: int) -> int | None:
        """Return where messages about cases go: the policy's channel, else the guild's log."""
        chosen = await self.policy.log_channel_id(guild_id)
        if chosen is not None:
            return chosen
        basics = (await self.settings.get(guild_id, BASICS)).settings
        return getattr(basics, LOG_CHANNEL, None)

    def publish(self, case: Case, what: Change) -> None:
        """Tell the rest of the bot what became of a case, after the commit; returns at once.

        Whoever listens may order something about the same member, who has one turn at a time.
        """
        self.spread(CaseChanged(at=self.clock.now(), case=case, what=what))

    def spread(self, event: Event) -> None:
        """Publish an event without waiting for those who listen."""
        self.supervisor.spawn("case news", self.bus.publish(event))

    async def schedule_look(
        self,
        session: AsyncSession,
        sanction: sanction_table.Sanction,
        due_at: datetime | None,
    ) -> None:
        """Have the sanction looked at then, and at no other time; `None` is never."""
        await self.look_at(session, sanction.guild_id, sanction.user_id, sanction.kind, due_at)

    async def look_at(
        self,
        session: AsyncSession,
        guild_id: int,
        user_id: int,
        kind: str,
        due_at: datetime | None,
    ) -> None:
        """Have what is wanted of a member compared with Discord at that time; `None` is never."""
        key = f"{SANCTION_JOB}:{guild_id}:{user_id}:{kind}"
        if due_at is None:
            await self.jobs.cancel(session, key)
            return
        # No subject: erasing a person must not leave them banned for ever.
        await self.jobs.schedule(
            session,
            SANCTION_JOB,
            due_at,
            {"user_id": str(user_id), "kind": str(kind)},
            dedupe_key=key,
            guild_id=guild_id,
        )


async def compare_soon(
    desk: Desk, session: AsyncSession, case: table.Case, kind: SanctionKind
) -> None:
    """Have what holds a case's member on Discord made what is wanted of them, at once."""
    await desk.jobs.schedule(
        session,
        COMPARE_JOB,
        desk.clock.now(),
        {"case_id": case.id, "user_id": str(case.target_id), "kind": str(kind)},
        dedupe_key=f"{COMPARE_JOB}:{case.guild_id}:{case.target_id}:{kind}",
        guild_id=case.guild_id,
    )


def make_stamp() -> int:
    """Return a number that no other change of a sanction has."""
    return secrets.randbits(62)


def read_case(row: table.Case) -> Case:
    """Return a case as the rest of the bot knows it."""
    return Case(
        id=row.id,
        guild_id=row.guild_id,
        number=row.number,
        kind=CaseKind(row.kind),
        state=CaseState(row.state),
        target=Target(row.target_id, row.target_name or "", row.target_is_bot),
        moderator_id=row.moderator_id,
        moderator_name=row.moderator_name or "",
        source=row.source,  # pyright: ignore[reportArgumentType] - what was written came from an order
        reason=row.reason,
        points=row.points,
        created_at=row.created_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        deleted_at=row.deleted_at,
        failure=row.failure,
        role_id=row.role_id,
        points_until=row.points_until,
        details=row.details,
    )


def read_sanction(row: sanction_table.Sanction) -> Sanction:
    """Return a sanction as the rest of the bot knows it."""
    return Sanction(
        row.guild_id, row.user_id, SanctionKind(row.kind), row.case_id, row.ends_at, row.role_id
    )
