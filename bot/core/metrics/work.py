"""Keeps the latest of durable work and backups, so that a scrape asks no database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.features import Gauge
from bot.core.jobs import JobService
from bot.core.jobs.values import JobsSnapshot
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import OutboxSnapshot
from bot.core.roles import RoleService, RolesSnapshot
from db.backup_log import get_last_backup_at
from db.engine import Database

log = structlog.get_logger(__name__)

SAMPLE_SECONDS = 10.0


class WorkSampler:
    """Reads the snapshots of the services at intervals; `None` until the first was read."""

    def __init__(
        self,
        jobs: JobService,
        outbox: OutboxService,
        database: Database,
        *,
        roles: RoleService | None = None,
        gauges: Sequence[Gauge] = (),
        every: float = SAMPLE_SECONDS,
    ) -> None:
        self._database = database
        self._job_service = jobs
        self._outbox_service = outbox
        self._role_service = roles
        self._gauges = gauges
        self._every = every
        self.jobs: JobsSnapshot | None = None
        self.outbox: OutboxSnapshot | None = None
        self.roles: RolesSnapshot | None = None
        self.last_backup_at: datetime | None = None
        self.gauges: Mapping[Gauge, int] = {}

    async def run(self) -> None:
        """Sample until cancelled; while the database is away the last numbers stand."""
        while True:
            try:
                await self.sample()
            except (SQLAlchemyError, OSError) as error:
                log.debug("work_not_sampled", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def sample(self) -> None:
        """Read the snapshots, when the last backup was made, and what the features count."""
        self.jobs = await self._job_service.snapshot()
        self.outbox = await self._outbox_service.snapshot()
        if self._role_service is not None:
            self.roles = await self._role_service.snapshot()
        async with self._database.read() as session:
            self.last_backup_at = await get_last_backup_at(session)
            self.gauges = {gauge: await gauge.count(session) for gauge in self._gauges}
