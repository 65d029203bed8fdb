"""Roles that staff give for a time: given now, taken by a durable job; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.i18n import Message, _
from bot.core.jobs import Job, JobService
from bot.core.roles import RoleChange, RoleService, RoleSource
from db import autorole as table
from db.autorole import EndedRole, TemporaryRole
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock

JOB = "autorole.role_end"
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Loan:
    """A role of a member."""

    guild_id: int
    user_id: int
    role_id: int


class TemporaryRoles:
    """Gives roles for a time and takes them when it is over; one per process."""

    def __init__(
        self, database: Database, clock: Clock, *, jobs: JobService, roles: RoleService
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._roles = roles

    def start(self) -> None:
        """Go on with what earlier runs have given."""
        self._jobs.register(JOB, self._end_in_time, outlasts_absence=True)

    async def give(
        self, loan: Loan, duration: timedelta, *, actor_id: int, reason: Message | str
    ) -> datetime:
        """Have a member given a role until then; return when it ends. A repeat sets a new end."""
        ends_at = self._clock.now() + duration
        async with self._database.write() as session:
            values = {
                "guild_id": loan.guild_id,
                "user_id": loan.user_id,
                "role_id": loan.role_id,
                "ends_at": ends_at,
                "given_by": actor_id,
            }
            row_id = await table.put_temporary(session, values)
            await self._roles.want(session, [_change(loan, want=True, reason=reason)])
            # The job names nobody: it is needed also when the member's data is erased.
            await self._jobs.schedule(
                session,
                JOB,
                ends_at,
                {"row_id": row_id},
                dedupe_key=f"{JOB}:{row_id}",
                guild_id=loan.guild_id,
            )
        return ends_at

    async def end(self, loan: Loan, reason: Message | str) -> bool:
        """Have a role taken before its time; False when it was not given for a time."""
        async with self._database.write() as session:
            ended = await table.take_temporary(session, loan.guild_id, loan.user_id, loan.role_id)
            if ended is None:
                return False
            await self._jobs.cancel(session, f"{JOB}:{ended.id}")
            await self._take(session, ended, reason)
        return True

    async def list(self, guild_id: int, user_id: int | None = None) -> Sequence[TemporaryRole]:
        """Return which roles a guild's members have for a time, those that end soonest first."""
        async with self._database.read() as session:
            return await table.list_temporary(session, guild_id, user_id)

    async def _end_in_time(self, job: Job, session: AsyncSession) -> None:
        # The row decides: it goes once, with the wish.
        ended = await table.take_due_temporary(session, job.payload["row_id"], self._clock.now())
        if ended is not None:
            await self._take(session, ended, _("The time for this role is over"))

    async def _take(self, session: AsyncSession, ended: EndedRole, reason: Message | str) -> None:
        loan = Loan(ended.guild_id, ended.user_id, ended.role_id)
        # Whoever is away must not get it back as one of the roles that they had.
        await table.drop_known(session, loan.guild_id, loan.user_id, loan.role_id)
        await self._roles.want(session, [_change(loan, want=False, reason=reason)])


def _change(loan: Loan, *, want: bool, reason: Message | str) -> RoleChange:
    return RoleChange(
        guild_id=loan.guild_id,
        user_id=loan.user_id,
        role_id=loan.role_id,
        want=want,
        source=RoleSource.COMMAND,
        reason=reason,
    )
