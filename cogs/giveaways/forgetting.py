"""Forgets each night the giveaways that were kept for as long as their guild says.

Free of discord.py. Each transaction deletes a bounded part, so that others get their turn.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.retention import LONGEST_ABSENCE
from cogs.giveaways.series import job_of
from cogs.giveaways.settings import KEY, SHORTEST_KEPT
from db import giveaway_retention as table

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.jobs import JobService
    from bot.core.settings import SettingsStore
    from db.engine import Database

PURGE_JOB = "giveaways.purge"
_DAILY = "50 3 * * *"
_TIMEOUT = timedelta(minutes=10)


class Forgetting:
    """Deletes what has been over for long enough, and all of a guild that the bot left as long."""

    def __init__(
        self, database: Database, clock: Clock, *, settings: SettingsStore, jobs: JobService
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs

    async def start(self) -> None:
        """Have it done each night from now on."""
        self._jobs.register(PURGE_JOB, effect=self._purge, timeout=_TIMEOUT)
        async with self._database.write() as session:
            await self._jobs.schedule(
                session, PURGE_JOB, None, dedupe_key=PURGE_JOB, recurrence=_DAILY, replace=False
            )

    async def _purge(self, _job: Any) -> None:
        now = self._clock.now()
        # No guild keeps less, so that most have nothing to be looked at.
        async with self._database.read() as session:
            oldest = await table.map_oldest(session, now - SHORTEST_KEPT)
            left = await table.map_left(session, now - SHORTEST_KEPT)
        guilds = sorted({*oldest, *left})
        await self._settings.warm(guilds)
        for guild_id in guilds:
            # Also of a guild that the bot has left, as it was set or by default.
            settings = (await self._settings.get(guild_id, KEY)).settings
            before = now - settings.keep_for
            # What has waited for longer than this for the bot to be back is not taken up again.
            left_before = max(before, now - LONGEST_ABSENCE)
            if left.get(guild_id, now) < left_before or oldest.get(guild_id, now) < before:
                await self._purge_guild(guild_id, before, left_before)

    async def _purge_guild(self, guild_id: int, before: datetime, left_before: datetime) -> None:
        while True:
            async with self._database.write() as session:
                found = await table.hold_expired(session, guild_id, before, left_before=left_before)
                if found:
                    await table.delete_giveaways(session, found)
                    continue
                for series in await table.delete_series(
                    session, guild_id, before, left_before=left_before
                ):
                    # It waits where the bot is gone, and would come up for ever.
                    await self._jobs.cancel(session, job_of(series))
                await table.delete_rest(session, guild_id, before)
                return
