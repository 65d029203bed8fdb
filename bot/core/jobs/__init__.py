"""Durable jobs: whatever happens later survives restarts, happens once and is not forgotten.

A job is a row. One process claims it for a time, and its handler's transaction also marks it done,
so a crash at any point leaves it either done whole or still to do. Knows nothing of what jobs do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.backoff import Backoff
from bot.core.clock import Clock
from bot.core.events import EventBus
from bot.core.jobs.recurrence import Recurrence
from bot.core.jobs.runner import JobRunner
from bot.core.jobs.values import (
    Effect,
    Finish,
    Handler,
    Job,
    JobFailed,
    JobKind,
    JobParked,
    JobsSnapshot,
    Park,
    Retry,
)
from bot.core.supervisor import TaskSupervisor
from bot.core.work import WorkService
from bot.core.work.loop import Pace
from db import jobs as table
from db.engine import Database
from db.leases import OPEN_STATES, Shards
from db.notify import Notifier

__all__ = [
    "Effect",
    "Finish",
    "Handler",
    "Job",
    "JobFailed",
    "JobLimits",
    "JobParked",
    "JobService",
    "JobsSnapshot",
    "Park",
    "Retry",
]

CATCH_UP_PAUSE = timedelta(seconds=0.5)
DEFAULT_BACKOFF = Backoff()


class JobLimits(Protocol):
    """The part of the configuration that concerns jobs; durations in seconds."""

    @property
    def poll_seconds(self) -> float:
        """The longest time between two looks for work."""
        ...

    @property
    def lease_seconds(self) -> float:
        """How long a claim lasts unless it is extended."""
        ...

    @property
    def concurrency(self) -> int:
        """How many jobs run at once."""
        ...


class JobService(WorkService[table.Job]):
    """Schedules jobs in the caller's transaction and runs those of the registered kinds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: JobLimits,
        supervisor: TaskSupervisor,
        *,
        bus: EventBus | None = None,
        shards: Shards | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._database = database
        pace = Pace(
            concurrency=limits.concurrency,
            poll=timedelta(seconds=limits.poll_seconds),
            catch_up=CATCH_UP_PAUSE,
        )
        self._runner = JobRunner(
            database,
            clock,
            lease=timedelta(seconds=limits.lease_seconds),
            bus=bus,
            shards=shards,
        )
        super().__init__(
            "jobs", self._runner, clock=clock, supervisor=supervisor, pace=pace, notifier=notifier
        )

    # --- for features ------------------------------------------------------------------------

    def register(
        self,
        kind: str,
        handler: Handler | None = None,
        *,
        effect: Effect | None = None,
        timeout: timedelta = timedelta(minutes=1),
        max_attempts: int = 10,
        backoff: Backoff = DEFAULT_BACKOFF,
        outlasts_absence: bool = False,
    ) -> None:
        """Say what a kind of job does; a kind registered again is replaced.

        `handler(job, session)` decides: it runs in the transaction that marks the job done, so it
        must be short, and what people are to see goes into the outbox. What it wrote is rolled back
        whole when it raises. An instant that it returns is when the job runs again.
        `effect(job)` runs before it, outside of any transaction: for calls that take long and may
        be made twice without harm (lift a ban, give a role), or to find out at leisure what is then
        stored by the function it returns, in that same transaction. All together get the timeout.
        Raise `Park` or `Retry` for what is no failure; anything else is tried again with backoff.
        When the bot leaves a guild its jobs are cancelled, unless they `outlasts_absence`: what was
        promised, or has to be given back, then waits and is done once the bot is there again.
        """
        self._runner.kinds[kind] = JobKind(
            handler=handler,
            effect=effect,
            timeout=timeout,
            max_attempts=max_attempts,
            backoff=backoff,
            outlasts_absence=outlasts_absence,
        )
        self.wake()

    async def schedule(
        self,
        session: AsyncSession,
        kind: str,
        due_at: datetime | None,
        payload: Mapping[str, Any] | None = None,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
        subject_id: int | None = None,
        recurrence: str | None = None,
        timezone: str | None = None,
        replace: bool = True,
    ) -> bool:
        """Add a job in the caller's transaction; False when its key was taken and stays as it was.

        With `replace` the latest call wins: the job is pending anew, whatever had become of it.
        Without, the first call wins for as long as the row is kept. `due_at` may be `None` for a
        job that repeats: it begins with the next occurrence of the cron rule, which is wall time
        in `timezone` (UTC if none). The payload holds ids, never texts of people; `subject_id` is
        the person whom it or the key names, with whose data the job is exported and erased.
        Raises `InvalidInput` for a rule or zone that is none.
        """
        rule = Recurrence.parse(recurrence, timezone or "UTC") if recurrence else None
        now = self._clock.now()
        if due_at is None:
            due_at = rule.next_after(now) if rule else now
        added = await table.add_job(
            session,
            kind=kind,
            dedupe_key=dedupe_key,
            due_at=due_at,
            now=now,
            guild_id=guild_id,
            subject_id=subject_id,
            payload=dict(payload or {}),
            recurrence=rule.rule if rule else None,
            timezone=rule.timezone if rule else timezone,
            replace=replace,
        )
        await self._loop.wake_after_commit(session)
        return added is not None

    async def hasten(self, session: AsyncSession, dedupe_key: str, due_at: datetime) -> bool:
        """Have a job that waits run at an instant unless it is due sooner; False if it does not.

        One that runs at this moment is left alone: its handler has to see for itself, in its
        transaction, what was changed meanwhile.
        """
        hastened = await table.hasten_job(session, dedupe_key, due_at)
        await self._loop.wake_after_commit(session)
        return hastened

    async def ensure(
        self,
        session: AsyncSession,
        kind: str,
        due_at: datetime,
        payload: Mapping[str, Any] | None = None,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
    ) -> None:
        """Have a job run by an instant that sees what this transaction stores.

        One that waits stays, and no later than it was: many calls within its time become one run.
        One that runs at this moment may have read what was before, so it runs again once it has
        ended, and its handler is rolled back; two runs that were at work at once could overtake
        each other on Discord.
        """
        if not await table.want_job(session, dedupe_key, due_at):
            await self.schedule(
                session, kind, due_at, payload, dedupe_key=dedupe_key, guild_id=guild_id
            )
        await self._loop.wake_after_commit(session)

    async def cancel(self, session: AsyncSession, dedupe_key: str) -> bool:
        """Cancel a job in the caller's transaction; False when none with that key was open."""
        return await table.cancel_job(session, dedupe_key, now=self._clock.now())

    async def is_open(self, session: AsyncSession, dedupe_key: str) -> bool:
        """Return whether a job with that key still has to be done."""
        job = await table.get_job(session, dedupe_key)
        return job is not None and job.state in OPEN_STATES

    async def map_due(
        self, session: AsyncSession, dedupe_keys: Collection[str]
    ) -> Mapping[str, datetime]:
        """Return when the jobs with these keys run, by key; those that are done are left out."""
        return await table.map_due(session, dedupe_keys)

    async def resume_parked(self, *, guild_id: int | None = None, reason: str | None = None) -> int:
        """Run parked jobs again, of one guild or for one reason; return how many there were."""
        async with self._database.write() as session:
            count = await table.resume_parked(
                session, now=self._clock.now(), guild_id=guild_id, reason=reason
            )
        self.wake()
        return count

    async def suspend(self, session: AsyncSession, guild_id: int) -> None:
        """End a guild's jobs, since the bot has left it; those that outlast that only wait."""
        lasting = [name for name, kind in self._runner.kinds.items() if kind.outlasts_absence]
        await table.cancel_jobs(
            session, guild_id=guild_id, now=self._clock.now(), but_kinds=lasting
        )
        await table.suspend_jobs(session, guild_id=guild_id, kinds=lasting)

    async def take_up(self, session: AsyncSession, guild_id: int) -> None:
        """Go on with the jobs that have waited for a guild, at their time or at once."""
        await table.take_up_jobs(session, guild_id=guild_id)
        await self._loop.wake_after_commit(session)

    # --- for whoever runs it -----------------------------------------------------------------

    async def snapshot(self) -> JobsSnapshot:
        """Return how the jobs stand, for health and metrics."""
        now = self._clock.now()
        async with self._database.read() as session:
            backlog = await table.get_backlog(session, now)
        return JobsSnapshot.of(
            backlog,
            now,
            runs=dict(self._runner.outcomes),
            durations=dict(self._runner.durations),
        )
