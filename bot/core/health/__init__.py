"""The health sampler: measures every five seconds, so that a probe only reads what is there.

The rules are in `bot.core.health.rules`; how it is put as JSON is the web's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.health.lag import LoopLagProbe
from bot.core.health.rules import (
    Check,
    DatabaseVitals,
    Limits,
    Verdict,
    Vitals,
    judge,
    reasons_not_ready,
    worst_of,
)
from bot.core.health.vitals import HostProbe
from bot.core.i18n import Message, _
from bot.core.supervisor import TaskSupervisor
from db.engine import Database

log = structlog.get_logger(__name__)

SAMPLE_SECONDS = 5.0
PING_TIMEOUT = 2.0
# The size of a PostgreSQL database is a walk over its files: once a minute is enough.
SIZE_EVERY = 60.0
# Whether it can be written costs a lock, so it is asked more rarely while all is well.
WRITE_CHECK_EVERY = 15.0
# Another process may hold SQLite's lock for a while without harm.
WRITE_CHECK_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The verdicts of the latest round, with what they were made from."""

    vitals: Vitals
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole process."""
        return worst_of(self.checks)

    def check(self, name: str) -> Check:
        """Return one check by name; a name nobody judges is healthy."""
        return next((check for check in self.checks if check.name == name), Check(name))


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the bot does its work, and what keeps it from that."""

    at: datetime
    reasons: tuple[Message, ...]

    @property
    def ready(self) -> bool:
        """True when nothing keeps it from working."""
        return not self.reasons


class HealthSampler:
    """Takes the process's vitals at intervals and judges them; never raises for what it measures.

    `state` is asked each round, because the client comes to exist after the sampler.
    `failed_features` names features that could not be loaded; `schema_current` answers whether the
    tables are at the newest migration.
    """

    def __init__(
        self,
        database: Database,
        state: Callable[[], BotState],
        supervisor: TaskSupervisor,
        clock: Clock,
        *,
        lag: LoopLagProbe,
        host: HostProbe,
        limits: Limits | None = None,
        every: float = SAMPLE_SECONDS,
        failed_features: Callable[[], Sequence[str]] = tuple,
        schema_current: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._database = database
        self._state = state
        self._supervisor = supervisor
        self._clock = clock
        self._lag = lag
        self._host = host
        self.limits = limits or Limits()
        self._every = every
        self._failed_features = failed_features
        self._schema_current = schema_current
        self._started = clock.monotonic()
        self.started_at = clock.now()
        self._failing_since: float | None = None
        self._written_at: float | None = None
        self._schema_known_current = schema_current is None
        self._size: tuple[float, int | None] | None = None
        self._latest: tuple[float, HealthReport] | None = None
        self._begun = self._latest_number = 0
        self._draining = False

    @property
    def uptime(self) -> float:
        """Seconds since the sampler was made, which is when the process started."""
        return self._clock.monotonic() - self._started

    def begin_draining(self) -> None:
        """Be not ready from now on: the process is about to stop."""
        self._draining = True

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(self._every)

    async def sample(self) -> HealthReport:
        """Take one round of measurements and return what it says.

        A round that was begun before another is no news once that one is there.
        """
        self._begun += 1
        number, state = self._begun, self._state()
        host = await asyncio.to_thread(self._host.measure)
        database = await self._examine_database(host.database_size, host.wal_size)
        vitals = Vitals(
            at=self._clock.now(),
            uptime=self.uptime,
            gateway=state.gateway(),
            counts=state.counts(),
            database=database,
            memory=host.memory,
            loop_lag_p99=self._lag.p99(),
            loop_lag_worst=self._lag.worst(),
            disk_free=host.disk_free,
            dead_tasks=tuple(task.name for task in self._supervisor.statuses() if not task.up),
            failed_features=tuple(self._failed_features()),
        )
        if number > self._latest_number:
            self._latest_number = number
            report = HealthReport(vitals, judge(vitals, self.limits))
            self._latest = (self._clock.monotonic(), report)
        return self.report()

    def report(self) -> HealthReport:
        """Return the verdicts on the latest sample; one older than 20 s is a bad sign itself."""
        if self._latest is None:
            vitals = self._before_the_first()
            reason = _("Nothing has been measured yet.")
            return HealthReport(vitals, (Check("sampler", Verdict.DEGRADED, (reason,)),))
        taken, report = self._latest
        age = self._clock.monotonic() - taken
        if age <= self.limits.sample_stale:
            return report
        reason = _("The last measurement is {seconds} s old.", seconds=round(age))
        stale = Check("sampler", Verdict.UNHEALTHY, (reason,))
        return HealthReport(report.vitals, (*report.checks, stale))

    def readiness(self) -> Readiness:
        """Return whether the bot does its work now: the connections as they are, else as sampled.

        How the gateway stands is in memory, so that a lost one need not wait for a sample.
        """
        report = self.report()
        stale = report.check("sampler")
        reasons = stale.reasons
        if self._latest is not None:
            vitals = report.vitals
            # Before that `/health` would still deny what `/ready` says.
            if vitals.gateway.first_ready:
                vitals = replace(vitals, gateway=self._state().gateway())
            reasons += reasons_not_ready(vitals, self.limits, draining=self._draining)
        elif self._draining:
            reasons += (_("The bot is shutting down."),)
        return Readiness(self._clock.now(), reasons)

    def _before_the_first(self) -> Vitals:
        return Vitals(
            at=self.started_at, uptime=self.uptime, database=DatabaseVitals(schema_current=False)
        )

    async def _examine_database(self, size: int | None, wal: int | None) -> DatabaseVitals:
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                ping = await self._database.ping()
                if not self._schema_known_current and self._schema_current is not None:
                    self._schema_known_current = await self._schema_current()
                if self._database.dialect == "postgresql":
                    size = await self._server_side_size()
            await self._check_writable()
        except (SQLAlchemyError, OSError) as error:  # a TimeoutError is an OSError
            return self._no_answer(error, size, wal)
        if self._failing_since is not None:
            log.info("database_answers_again")
        self._failing_since = None
        return DatabaseVitals(
            ping=ping, schema_current=self._schema_known_current, size=size, wal_size=wal
        )

    async def _check_writable(self) -> None:
        now = self._clock.monotonic()
        if self._written_at is None or now - self._written_at >= WRITE_CHECK_EVERY:
            # Forgotten first: as long as it fails, every round asks again.
            self._written_at = None
            async with asyncio.timeout(WRITE_CHECK_TIMEOUT):
                await self._database.check_writable()
            self._written_at = now

    def _no_answer(self, error: Exception, size: int | None, wal: int | None) -> DatabaseVitals:
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.warning("database_does_not_answer", error=type(error).__name__, reason=str(error))
        return DatabaseVitals(
            failing_for=now - self._failing_since,
            schema_current=self._schema_known_current,
            size=size,
            wal_size=wal,
        )

    async def _server_side_size(self) -> int | None:
        now = self._clock.monotonic()
        if self._size is None or now - self._size[0] > SIZE_EVERY:
            async with self._database.read() as session:
                size = await session.scalar(text("SELECT pg_database_size(current_database())"))
            self._size = (now, size)
        return self._size[1]
