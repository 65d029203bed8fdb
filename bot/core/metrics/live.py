"""Metrics read from the running process at the moment they are asked for.

A custom collector: nothing here is counted on the way, so guilds, shards and tasks that are gone
leave no stale series behind.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from bot.core.contracts import BotState, ShardStatus
from bot.core.health import HealthSampler
from bot.core.health.rules import DatabaseVitals
from bot.core.jobs.values import JobsSnapshot
from bot.core.metrics import PREFIX, LabelSet
from bot.core.metrics.work import WorkSampler
from bot.core.outbox.deliveries import OutboxSnapshot
from bot.core.roles import RolesSnapshot
from bot.core.supervisor import TaskSupervisor
from db.engine import Database

_CHANNEL_KINDS = 10
# Discord documents about 75 dispatch events; one more than that is a name nobody knows.
_EVENT_NAMES = 90


class IntakeCounts(Protocol):
    """The message intake's plain counters since start."""

    @property
    def messages(self) -> int:
        """Messages of guilds."""
        ...

    @property
    def edits(self) -> int:
        """Edits of messages."""
        ...

    @property
    def built(self) -> int:
        """Messages and edits handed on to discord.py."""
        ...

    @property
    def effects(self) -> int:
        """Effects that gates started."""
        ...

    @property
    def rejected(self) -> Mapping[str, int]:
        """Messages rejected, by gate."""
        ...

    @property
    def events(self) -> Mapping[str, int]:
        """Events, by name."""
        ...

    @property
    def malformed(self) -> Mapping[str, int]:
        """Events that could not be read, by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Database connections by what they do."""

    idle: int = 0
    used: int = 0
    overflow: int = 0


def pool_of(database: Database) -> Callable[[], Pool]:
    """Return the function that reads the database's pool; an unpooled one has no connections."""

    def read() -> Pool:
        pool = database.engine.pool
        if not isinstance(pool, QueuePool):
            return Pool()
        return Pool(idle=pool.checkedin(), used=pool.checkedout(), overflow=max(0, pool.overflow()))

    return read


class LiveMetrics(Collector):
    """Reads gateway, health, tasks, intake, jobs and pool; registered once all of them exist."""

    def __init__(
        self,
        *,
        state: Callable[[], BotState],
        health: HealthSampler,
        supervisor: TaskSupervisor,
        pool: Callable[[], Pool] = Pool,
        intake: Callable[[], IntakeCounts | None] = lambda: None,
        work: WorkSampler | None = None,
    ) -> None:
        self._state = state
        self._health = health
        self._supervisor = supervisor
        self._pool = pool
        self._intake = intake
        self._sampled_work = work
        self._events = LabelSet(_EVENT_NAMES)
        self._gates = LabelSet(10)
        self._job_families = LabelSet(25)
        self._delivery_kinds = LabelSet(15)
        self._role_sources = LabelSet(10)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is to read is known only when it is read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every live value as it stands; whoever renders them may pause in between."""
        parts = (
            self._counts,
            self._gateway,
            self._messages,
            self._work,
            self._database,
            self._process,
        )
        for part in parts:
            # Read in one go, so that nothing changes while it is walked.
            yield from list(part())

    def _counts(self) -> Iterator[Metric]:
        counts = self._state().counts()
        yield _gauge("guilds", "Total number of guilds", counts.guilds)
        yield _gauge("users", "Total number of users", counts.users)
        yield _gauge(
            "unavailable_guilds", "Guilds that Discord holds back", counts.unavailable_guilds
        )
        channels = GaugeMetricFamily(f"{PREFIX}channels", "Channels by type", labels=["type"])
        for kind, count in sorted(counts.channels.items())[:_CHANNEL_KINDS]:
            channels.add_metric([kind], count)
        yield channels

    def _gateway(self) -> Iterator[Metric]:
        gateway = self._state().gateway()
        yield _by_shard("gateway_up", "1 while the shard is connected", gateway.shards, _up)
        yield _by_shard(
            "gateway_latency_seconds",
            "Seconds between heartbeat and answer",
            gateway.shards,
            lambda shard: shard.latency,
        )
        yield _by_shard(
            "gateway_heartbeat_ack_age_seconds",
            "Seconds since the last heartbeat answer",
            gateway.shards,
            lambda shard: shard.ack_age,
        )
        yield _gauge(
            "gateway_last_event_age_seconds", "Seconds since any event", gateway.last_event_age
        )
        yield _gauge(
            "gateway_identify_remaining",
            "Sessions that may still be begun today",
            gateway.identify_remaining,
        )

    def _messages(self) -> Iterator[Metric]:
        counts = self._intake()
        if counts is None:
            return
        yield _counter("messages", "Messages seen", counts.messages)
        yield _counter("message_edits", "Edits seen", counts.edits)
        yield _counter("messages_built", "Messages handed on to discord.py", counts.built)
        yield _counter("message_effects", "Effects that gates started", counts.effects)
        yield _counters(
            "messages_rejected", "Messages rejected", "gate", counts.rejected, self._gates
        )
        yield _counters(
            "gateway_events", "Events from the gateway", "event", counts.events, self._events
        )
        yield _counters(
            "gateway_malformed_events",
            "Events that could not be read",
            "event",
            dict.fromkeys(counts.events, 0) | dict(counts.malformed),
            self._events,
        )

    def _work(self) -> Iterator[Metric]:
        tasks = GaugeMetricFamily(
            f"{PREFIX}background_task_up", "1 while the background task runs", labels=["task"]
        )
        for status in self._supervisor.statuses():
            tasks.add_metric([status.name], float(status.up))
        yield tasks
        if self._sampled_work is not None:
            yield from self._jobs(self._sampled_work.jobs)
            yield from self._deliveries(self._sampled_work.outbox)
            yield from self._role_changes(self._sampled_work.roles)
            backup = self._sampled_work.last_backup_at
            yield _gauge(
                "backup_last_success_timestamp_seconds",
                "When the last backup was made",
                backup.timestamp() if backup else None,
            )
            for gauge, count in self._sampled_work.gauges.items():
                yield _gauge(gauge.name, gauge.description, count)

    def _jobs(self, jobs: JobsSnapshot | None) -> Iterator[Metric]:
        if jobs is None:
            return
        yield _gauge("scheduled_pending", "Durable jobs that wait", jobs.pending)
        yield _gauge("scheduled_parked", "Durable jobs that wait for people", jobs.parked)
        yield _gauge("job_lag_seconds", "Seconds the oldest job is overdue", jobs.oldest_overdue)
        runs: Counter[tuple[str, str]] = Counter()
        for (kind, outcome), count in jobs.runs.items():
            runs[_job_family(kind), outcome] += count
        yield _outcomes("job_runs", "Durable jobs run", "job", runs, self._job_families)
        family = SummaryMetricFamily(
            f"{PREFIX}job_duration_seconds", "Seconds a run of a durable job took", labels=["job"]
        )
        spent: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        for kind, (count, seconds) in jobs.durations.items():
            label = self._job_families.of(_job_family(kind))
            spent[label] = (spent[label][0] + count, spent[label][1] + seconds)
        for label, (count, seconds) in sorted(spent.items()):
            family.add_metric([label], count, seconds)
        yield family

    def _deliveries(self, outbox: OutboxSnapshot | None) -> Iterator[Metric]:
        if outbox is None:
            return
        yield _gauge("deliveries_pending", "Messages that wait to be sent", outbox.pending)
        yield _gauge("deliveries_parked", "Messages that wait for people", outbox.parked)
        yield _gauge(
            "delivery_lag_seconds", "Seconds the oldest message is overdue", outbox.oldest_overdue
        )
        yield _outcomes(
            "deliveries",
            "Attempts to send a message",
            "kind",
            outbox.outcomes,
            self._delivery_kinds,
        )

    def _role_changes(self, roles: RolesSnapshot | None) -> Iterator[Metric]:
        if roles is None:
            return
        waiting = roles.waiting + roles.screening
        yield _gauge("role_changes_pending", "Role changes that wait", waiting)
        yield _gauge("role_changes_parked", "Role changes that wait for people", roles.parked)
        yield _gauge(
            "role_change_lag_seconds",
            "Seconds the oldest role change is overdue",
            roles.oldest_overdue,
        )
        yield _outcomes(
            "role_changes", "Role changes worked on", "source", roles.outcomes, self._role_sources
        )

    def _database(self) -> Iterator[Metric]:
        vitals: DatabaseVitals = self._health.report().vitals.database
        yield _gauge("db_up", "1 while the database answers", float(vitals.ping is not None))
        yield _gauge("db_ping_seconds", "Seconds of the smallest query", vitals.ping)
        yield _gauge("db_size_bytes", "Size of the database with its log", vitals.size)
        yield _gauge("db_wal_bytes", "Size of the write-ahead log", vitals.wal_size)
        pool = self._pool()
        family = GaugeMetricFamily(
            f"{PREFIX}db_pool_connections", "Database connections", labels=["state"]
        )
        for state in ("idle", "used", "overflow"):
            family.add_metric([state], getattr(pool, state))
        yield family

    def _process(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            f"{PREFIX}health_status", "0 healthy, 1 degraded, 2 unhealthy", labels=["check"]
        )
        for check in self._health.report().checks:
            family.add_metric([check.name], float(check.verdict))
        yield family
        limit = self._health.report().vitals.memory.limit
        yield _gauge("memory_limit_bytes", "Memory that the process may use", limit)
        yield _gauge("asyncio_tasks", "Tasks on the event loop", len(asyncio.all_tasks()))


def _job_family(kind: str) -> str:
    """Return whose job it is: there are more kinds than a label may have values."""
    return kind.partition(".")[0]


def _up(shard: ShardStatus) -> float:
    return float(shard.connected)


def _gauge(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text)
    # A value that can't be measured is no sample: neither 0 nor NaN would be true.
    if value is not None and math.isfinite(value):
        family.add_metric([], value)
    return family


def _by_shard(
    name: str,
    text: str,
    shards: Iterable[ShardStatus],
    value_of: Callable[[ShardStatus], float | None],
) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=["shard"])
    for shard in shards:
        value = value_of(shard)
        if value is not None and math.isfinite(value):
            family.add_metric([str(shard.id)], value)
    return family


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _counters(
    name: str, text: str, label: str, values: Mapping[str, int], allowed: LabelSet
) -> Metric:
    summed: dict[str, int] = {}
    for key, value in values.items():
        bounded = allowed.of(key)
        summed[bounded] = summed.get(bounded, 0) + value
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for key, value in sorted(summed.items()):
        family.add_metric([key], value)
    return family


def _outcomes(
    name: str, text: str, label: str, values: Mapping[tuple[str, str], int], allowed: LabelSet
) -> Metric:
    summed: dict[tuple[str, str], int] = {}
    for (key, outcome), value in values.items():
        bounded = (allowed.of(key), outcome)
        summed[bounded] = summed.get(bounded, 0) + value
    family = CounterMetricFamily(PREFIX + name, text, labels=[label, "outcome"])
    for labels, value in sorted(summed.items()):
        family.add_metric(list(labels), value)
    return family
