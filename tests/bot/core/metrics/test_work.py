"""The sampled numbers of jobs and deliveries."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.config import JobsConfig
from bot.core.features import Gauge
from bot.core.jobs import JobService
from bot.core.jobs.values import JobsSnapshot
from bot.core.metrics.work import WorkSampler
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from db.backup_log import add_backup_made
from db.engine import Database
from tests.fakes import FakeClock


def _sampler(database: Database, clock: FakeClock) -> tuple[WorkSampler, JobService]:
    supervisor = TaskSupervisor()
    jobs = JobService(database, clock, JobsConfig(), supervisor)
    return WorkSampler(jobs, OutboxService(database, clock, supervisor), database, every=0.01), jobs


async def test_work_sampler_reads_both_services(database: Database, clock: FakeClock) -> None:
    sampler, jobs = _sampler(database, clock)
    assert (sampler.jobs, sampler.outbox) == (None, None)
    async with database.write() as session:
        await jobs.schedule(session, "tick", clock.now(), {}, dedupe_key="tick")
    clock.advance(timedelta(seconds=30))
    await sampler.sample()
    assert sampler.jobs is not None
    assert (sampler.jobs.pending, sampler.jobs.oldest_overdue) == (1, 30.0)
    assert sampler.outbox is not None
    assert sampler.outbox.pending == 0


async def test_work_sampler_knows_the_last_backup(database: Database, clock: FakeClock) -> None:
    sampler, _jobs = _sampler(database, clock)
    await sampler.sample()
    assert sampler.last_backup_at is None
    async with database.write() as session:
        await add_backup_made(session, clock.now())
    await sampler.sample()
    assert sampler.last_backup_at == clock.now()


async def test_work_sampler_counts_what_features_have(database: Database, clock: FakeClock) -> None:
    async def count_rows(session: AsyncSession) -> int:
        return await session.scalar(text("SELECT count(*) FROM jobs")) or 0

    gauge = Gauge("ponds_open", "Ponds that are open", count_rows)
    supervisor = TaskSupervisor()
    jobs = JobService(database, clock, JobsConfig(), supervisor)
    outbox = OutboxService(database, clock, supervisor)
    sampler = WorkSampler(jobs, outbox, database, gauges=(gauge,))
    assert sampler.gauges == {}
    async with database.write() as session:
        await jobs.schedule(session, "tick", clock.now(), {}, dedupe_key="tick")
    await sampler.sample()
    assert sampler.gauges == {gauge: 1}


async def test_work_sampler_outlives_a_lost_database(
    sqlite_database: Database, clock: FakeClock
) -> None:
    _, jobs = _sampler(sqlite_database, clock)
    supervisor = TaskSupervisor()
    outbox = OutboxService(sqlite_database, clock, supervisor)
    sampler = WorkSampler(_Flaky(jobs), outbox, sqlite_database, every=0.01)  # type: ignore[arg-type]
    supervisor.start("work_sampler", sampler.run)
    async with asyncio.timeout(30):
        while sampler.outbox is None:
            await asyncio.sleep(0.01)
    [status] = supervisor.statuses()
    assert status.restarts == 0
    await supervisor.stop()


class _Flaky:
    """A job service whose database is away for the first few questions."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs
        self._failures: list[Exception] = [OSError("refused"), PoolTimeout("full")]

    async def snapshot(self) -> JobsSnapshot:
        if self._failures:
            raise self._failures.pop()
        return await self._jobs.snapshot()
