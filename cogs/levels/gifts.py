"""Counts the experience that other features give, as a job of each gift; free of discord.py."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event as database_event

from bot.core.leveling import GIFT_JOB
from cogs.levels.announcing import Rise
from cogs.levels.book import Book
from cogs.levels.reconciling import MemberFinder
from cogs.levels.settings import KEY
from db import level_gifts as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.jobs import Finish, Job, JobService
    from bot.core.settings import SettingsStore
    from db.engine import Database

# Discord is asked for each of those who have left.
_LONGEST = timedelta(minutes=30)
Spawn = Callable[[str, Coroutine[Any, Any, None]], object]


class Gifts:
    """Does the jobs of `bot.core.leveling`; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        book: Book,
        finder: MemberFinder,
        spawn: Spawn,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._book = book
        self._finder = finder
        self._spawn = spawn

    def start(self, jobs: JobService) -> None:
        """Begin to give, with what earlier runs have left."""
        jobs.register(
            GIFT_JOB,
            effect=self._look_up,
            timeout=_LONGEST,
            max_attempts=1000,
            outlasts_absence=True,
        )

    async def _look_up(self, job: Job) -> Finish | None:
        """Find out what roles those have who are given something; it is counted with the job."""
        guild_id = job.guild_id or 0
        async with self._database.read() as session:
            waiting = await table.list_waiting(session, job.payload["keys"])
        if not waiting:
            return None
        # So that nobody needs a second connection in the transaction.
        await self._settings.get(guild_id, KEY)
        found = await self._finder.find(guild_id, {one.user_id for one in waiting})
        keys = [one.key for one in waiting]

        async def finish(session: AsyncSession) -> datetime | None:
            await self._count(session, guild_id, keys, found)
            return None

        return finish

    async def _count(
        self,
        session: AsyncSession,
        guild_id: int,
        keys: Collection[str],
        found: Mapping[int, frozenset[int]],
    ) -> None:
        given = await table.take_gifts(session, keys, self._clock.now())
        if not given:
            return
        held = {one: found.get(one) for one in given}
        rises = await self._book.give(session, guild_id, held, given)
        if rises:
            self._tell_after_commit(session, rises)

    def _tell_after_commit(self, session: AsyncSession, rises: Sequence[Rise]) -> None:
        def tell(_session: object) -> None:
            self._spawn(f"{KEY}.gifts", self._book.tell(rises))

        database_event.listen(session.sync_session, "after_commit", tell, once=True)
