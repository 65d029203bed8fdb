"""Runs claimed jobs and settles each claim, however the run ends.

The handler's transaction also marks the job done: a crash leaves both or neither.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.events import EventBus
from bot.core.jobs.recurrence import Recurrence
from bot.core.jobs.values import Job, JobFailed, JobKind, JobParked, LeaseLost, Park, Retry
from bot.core.work.runner import ERROR_LENGTH, WorkRunner
from db import jobs as table
from db.engine import Database
from db.leases import Shards

log = structlog.get_logger(__name__)


class JobRunner(WorkRunner[table.Job, None]):
    """The work source of the jobs' loop; its public attributes are open to its service."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lease: timedelta,
        bus: EventBus | None,
        shards: Shards | None,
    ) -> None:
        super().__init__("jobs", database, clock, lease=lease, bus=bus, shards=shards)
        self.kinds: dict[str, JobKind] = {}
        self.durations: dict[str, tuple[int, float]] = {}

    async def get_next_due(self) -> datetime | None:
        """Return when a job of a registered kind can next be claimed."""
        async with self._database.read() as session:
            return await table.get_next_due(session, self.kinds, self._shards)

    async def claim(self, limit: int) -> Sequence[table.Job]:
        """Claim due jobs of the registered kinds."""
        async with self._database.write() as session:
            return await table.claim_due_jobs(
                session,
                now=self._clock.now(),
                owner=self._owner,
                lease=self._lease,
                limit=limit,
                kinds=self.kinds,
                shards=self._shards,
            )

    async def work(self, row: table.Job) -> None:
        """Run one claimed job and settle it."""
        kind, job = self.kinds[row.kind], _read_job(row)
        if job.attempt > kind.max_attempts:
            # Its last attempt left no word: the process died of it, or with it.
            await self._give_up(row, job, "the process ended during the last attempt")
            return
        attempting = self._attempting(row, self._attempt(kind, job, row))
        with self._timing(row.kind), attempting as attempt:
            await self._keep_lease(row, attempt)
        await self._settle(row, job, kind, attempt)

    @contextmanager
    def _timing(self, kind: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            count, seconds = self.durations.get(kind, (0, 0.0))
            self.durations[kind] = count + 1, seconds + time.perf_counter() - started

    async def _attempt(self, kind: JobKind, job: Job, row: table.Job) -> None:
        async with asyncio.timeout(kind.timeout.total_seconds()):
            finish = await kind.effect(job) if kind.effect else None
            async with self._database.write() as session:
                again_at = await kind.handler(job, session) if kind.handler else None
                if finish is not None:
                    again_at = await finish(session)
                if not await self._finish(session, row, job, again_at):
                    raise LeaseLost

    async def _finish(
        self, session: AsyncSession, row: table.Job, job: Job, again_at: datetime | None
    ) -> bool:
        now = self._clock.now()
        if again_at is None and job.recurrence is not None:
            again_at = job.recurrence.next_after(max(now, job.due_at))
        if again_at is None:
            return await table.finish_job(session, row, now=now)
        return await table.repeat_job(session, row, due_at=again_at, now=now)

    async def _settle(
        self, row: table.Job, job: Job, kind: JobKind, attempt: asyncio.Task[None]
    ) -> None:
        if attempt.cancelled() and attempt.cancelling():
            await self._return(row, row.due_at, job.attempt - 1, None)
            self._count(job.kind, "interrupted")
            return
        # A cancellation that nobody here asked for is the handler's own mistake.
        error = asyncio.CancelledError() if attempt.cancelled() else attempt.exception()
        match error:
            case None:
                self._count(job.kind, "done")
            case LeaseLost():
                async with self._database.write() as session:
                    is_wanted = await table.begin_again(session, row)
                self._count(job.kind, "again" if is_wanted else "lost")
            case Park():
                await self._park(row, job, error.reason)
            case Retry():
                due_at = self._clock.now() + error.after
                await self._return(row, due_at, job.attempt - 1, str(error))
                self._count(job.kind, "retried")
            case _:
                await self._note_failure(row, job, kind, error)

    async def _note_failure(
        self, row: table.Job, job: Job, kind: JobKind, error: BaseException
    ) -> None:
        if job.attempt >= kind.max_attempts:
            await self._give_up(row, job, _brief(error), error)
            return
        log.warning("job_attempt_failed", kind=job.kind, job=job.dedupe_key, exc_info=error)
        pause = kind.backoff.pause(job.attempt, random.random())  # noqa: S311 - jitter
        await self._return(row, self._clock.now() + pause, job.attempt, _brief(error))
        self._count(job.kind, "error")

    async def _return(
        self, row: table.Job, due_at: datetime, attempts: int, error: str | None
    ) -> None:
        async with self._database.write() as session:
            if not await table.retry_job(
                session, row, due_at=due_at, error=error, attempts=attempts
            ):
                await table.begin_again(session, row)

    async def _park(self, row: table.Job, job: Job, reason: str) -> None:
        async with self._database.write() as session:
            parked = await table.park_job(session, row, reason=reason)
            if not parked:
                await table.begin_again(session, row)
        if parked:
            self._count(job.kind, "parked")
            await self._publish(JobParked(at=self._clock.now(), job=job, reason=reason))

    async def _give_up(
        self, row: table.Job, job: Job, error: str, cause: BaseException | None = None
    ) -> None:
        now = self._clock.now()
        async with self._database.write() as session:
            if job.recurrence is None:
                ended = await table.fail_job(session, row, now=now, error=error)
            else:
                # One bad Monday must not end all Mondays.
                due_at = job.recurrence.next_after(now)
                ended = await table.retry_job(session, row, due_at=due_at, error=error, attempts=0)
            # What changed meanwhile may be what it failed on.
            is_wanted = not ended and await table.begin_again(session, row)
        if is_wanted:
            log.warning("job_attempt_failed", kind=job.kind, job=job.dedupe_key, exc_info=cause)
            self._count(job.kind, "error")
            return
        log.error("job_failed", kind=job.kind, job=job.dedupe_key, error=error, exc_info=cause)
        if ended:
            self._count(job.kind, "failed")
            await self._publish(JobFailed(at=now, job=job, error=error))


def _read_job(row: table.Job) -> Job:
    recurrence = Recurrence(row.recurrence, row.timezone or "UTC") if row.recurrence else None
    return Job(
        id=row.id,
        kind=row.kind,
        dedupe_key=row.dedupe_key,
        guild_id=row.guild_id,
        payload=row.payload,
        due_at=row.due_at,
        attempt=row.attempts,
        created_at=row.created_at,
        recurrence=recurrence,
    )


def _brief(error: BaseException) -> str:
    first_line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first_line}"[:ERROR_LENGTH]
