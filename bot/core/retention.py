"""Deletes what has been kept long enough: one durable job a night, for everything with a limit."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import purge_audit
from bot.core.batches import purge_batches
from bot.core.clock import Clock
from bot.core.config import RetentionConfig
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.jobs.values import Job
from bot.core.outbox import LATEST
from bot.core.ratelimit import purge_blocks
from bot.core.roles import purge_wishes
from bot.core.usage import purge_usage
from db.engine import Database
from db.jobs import cancel_suspended_jobs, delete_finished_jobs
from db.outbox import cancel_suspended_messages, delete_finished_messages
from db.people import erase_owed
from db.role_wishes import delete_of_left_guilds
from db.sessions import delete_expired_sessions
from db.settings import delete_old_revisions

log = structlog.get_logger(__name__)

KIND = "retention"
# Off the full hour, when everybody's nightly work begins.
RULE = "17 3 * * *"
# What waits for the bot to be back in a guild is given up after so long.
LONGEST_ABSENCE = timedelta(days=180)


class Retention:
    """Keeps the nightly clean-up scheduled and does it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: JobService,
        config: RetentionConfig,
        features: FeatureRegistry,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._config = config
        self._features = features
        jobs.register(KIND, self.clean, timeout=timedelta(minutes=10))

    async def schedule(self) -> None:
        """Make sure that the job is there; it stays when it is."""
        async with self._database.write() as session:
            await self._jobs.schedule(
                session, KIND, None, dedupe_key=KIND, recurrence=RULE, replace=False
            )

    async def clean(self, _job: Job, session: AsyncSession) -> None:
        """Delete in the job's own transaction, so that it is done whole or again."""
        now = self._clock.now()
        before = now - timedelta(days=self._config.jobs_days)
        await erase_owed(session, now)
        await purge_usage(session, now, self._config)
        await purge_audit(session, now, self._config)
        await purge_blocks(session, now)
        await purge_wishes(session, now)
        await purge_batches(session, now)
        await cancel_suspended_messages(session, before=now - LATEST)
        await cancel_suspended_jobs(session, left_before=now - LONGEST_ABSENCE, now=now)
        await delete_of_left_guilds(session, now - LONGEST_ABSENCE)
        await delete_finished_jobs(session, before)
        await delete_finished_messages(session, before)
        await delete_expired_sessions(session, now)
        await delete_old_revisions(session, keep=self._config.revisions)
        for feature in self._features.all():
            if feature.purge is not None:
                await feature.purge(session, now)
        log.info("retention_cleaned")
