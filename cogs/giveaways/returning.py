"""Gives back what was used in a giveaway that is cancelled; free of discord.py.

A job does it, so many people in each of its transactions: what a transaction has given back it has
deleted, so nobody is given anything twice, whenever the process ends.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from bot.core.ledger import Holder, hold
from db import giveaway_items as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.jobs import Job, JobService
    from db.giveaways import Giveaway

RETURN_JOB = "giveaways.return"
# Accounts that are held at once: their owners pay and play meanwhile.
_PEOPLE_AT_ONCE = 100


class Returning:
    """Gives back what people have used."""

    def __init__(self, clock: Clock, jobs: JobService) -> None:
        self._clock = clock
        self._jobs = jobs

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(RETURN_JOB, self._give_back, max_attempts=1000, outlasts_absence=True)

    async def order(self, session: AsyncSession, giveaway: Giveaway) -> None:
        """Have all be given back that was used, after the commit of the caller's transaction.

        The giveaway is over in it, so that nobody uses more.
        """
        if await table.has_uses(session, giveaway.id):
            await self._jobs.schedule(
                session,
                RETURN_JOB,
                self._clock.now(),
                dedupe_key=f"{RETURN_JOB}:{giveaway.id}",
                guild_id=giveaway.guild_id,
            )

    async def _give_back(self, job: Job, session: AsyncSession) -> datetime | None:
        giveaway_id = UUID(job.dedupe_key.removeprefix(f"{RETURN_JOB}:"))
        people = await table.list_users(session, giveaway_id, limit=_PEOPLE_AT_ONCE)
        if not people or job.guild_id is None:
            return None
        now = self._clock.now()
        await hold(session, job.guild_id, {Holder.user(one) for one in people})
        await table.give_back(session, giveaway_id, job.guild_id, people, now)
        return now if len(people) == _PEOPLE_AT_ONCE else None
