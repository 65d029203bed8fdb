"""Sees to it that a change of the rules reaches everybody: a job begins the batch that does it.

Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.contracts import SYSTEM
from bot.core.jobs import Job, JobService, Retry
from bot.core.settings import SettingsChanged
from cogs.levels.reconciling import KIND, order_sync
from cogs.levels.settings import KEY

if TYPE_CHECKING:
    from bot.core.batches import BatchService
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.events import EventBus
    from db.engine import Database

JOB = "levels.rules"
# What somebody changes in one go is one change.
SETTLED_AFTER = timedelta(seconds=20)
_RULES = frozenset({"curve", "rewards", "reward_mode", "enabled"})


class Ruling:
    """Listens for changes of what levels take and give."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jobs: JobService,
        batches: BatchService,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._batches = batches
        self._state = state

    def start(self, bus: EventBus) -> Callable[[], None]:
        """Begin to listen; returns the function that ends it."""
        self._jobs.register(JOB, effect=self._begin)
        return bus.subscribe(SettingsChanged, self.settings_changed)

    async def settings_changed(self, event: SettingsChanged) -> None:
        """Have the members brought in line soon after the rules have changed."""
        if event.feature != KEY or _RULES.isdisjoint(event.diff) or not event.state.enabled:
            return
        async with self._database.write() as session:
            await self._jobs.schedule(
                session,
                JOB,
                self._clock.now() + SETTLED_AFTER,
                dedupe_key=f"{JOB}:{event.guild_id}",
                guild_id=event.guild_id,
            )

    async def _begin(self, job: Job) -> None:
        guild_id = job.guild_id or 0
        guild = self._state().guild(guild_id)
        if guild is None:
            return
        if await self._batches.get_open(guild_id, KIND) is not None:
            # Under way with the rules of before: those it has done are to be looked at again.
            raise Retry(timedelta(seconds=30), "a batch is under way")
        order = order_sync(guild_id, 0, SYSTEM, locale=guild.locale, members=guild.member_count)
        batch = await self._batches.begin(order)
        # Nobody has ordered it, so there is nobody to be told.
        await self._batches.note_told(batch.id)
