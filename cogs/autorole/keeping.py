"""Begins and ends the keeping of roles with its setting: reads all members once, forgets all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.batches import Later, Refused
from bot.core.events import EventBus
from bot.core.jobs import Job, JobService, Retry
from bot.core.settings import SettingsChanged, SettingsStore
from cogs.autorole.backfill import PAGE, MemberLister
from cogs.autorole.service import KEY
from db import autorole as table
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock

JOB = "autorole.look"
_AGAIN = timedelta(minutes=1)


class Keeping:
    """Follows the setting; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        lister: MemberLister,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._lister = lister

    def start(self, bus: EventBus) -> Callable[[], None]:
        """Follow changes of settings; returns what ends it."""
        self._jobs.register(JOB, effect=self._look)
        return bus.subscribe(SettingsChanged, self._settings_changed)

    async def _settings_changed(self, event: SettingsChanged) -> None:
        """Read who has which roles when keeping them begins; forget it when it ends."""
        if event.feature != KEY or not {"enabled", "sticky_enabled"} & event.diff.keys():
            return
        async with self._database.write() as session:
            if await self._keeps(event.guild_id):
                await self._plan(session, event.guild_id, after=0)
            else:
                await table.delete_known(session, event.guild_id)

    async def _keeps(self, guild_id: int) -> bool:
        state = await self._settings.get(guild_id, KEY)
        return state.enabled and state.settings.sticky_enabled

    async def _plan(self, session: AsyncSession, guild_id: int, *, after: int) -> None:
        await self._jobs.schedule(
            session,
            JOB,
            self._clock.now(),
            {"guild_id": str(guild_id), "after": str(after)},
            dedupe_key=f"{JOB}:{guild_id}:{after}",
            guild_id=guild_id,
        )

    async def _look(self, job: Job) -> None:
        """Note the roles of one page of members, and plan the next one."""
        guild_id, after = int(job.payload["guild_id"]), int(job.payload["after"])
        if not await self._keeps(guild_id):
            return
        try:
            page = await self._lister.list_members(guild_id, after=after, limit=PAGE)
        except Later as error:
            raise Retry(_AGAIN, str(error)) from error
        except Refused:
            # Without the intent, or in a guild that was left, there is nothing to read.
            return
        async with self._database.write() as session:
            # What was heard of meanwhile is newer than the page.
            known = {(guild_id, one.user_id): one.role_ids for one in page}
            await table.add_known(session, known)
            if len(page) == PAGE:
                await self._plan(session, guild_id, after=page[-1].user_id)
