"""The health rules: what was measured goes in, a verdict with its reasons comes out.

Pure: no clock, no I/O. The limits are those of the operating guide; a lost gateway or database is
never a reason to restart, so the verdicts inform and nothing here acts on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from bot.core.contracts import BotCounts, GatewayStatus, ShardStatus
from bot.core.i18n import Message, _

if TYPE_CHECKING:
    from bot.core.config import HealthConfig

MIB = 1024 * 1024


class Verdict(IntEnum):
    """How well a part does; the greater the worse, so that `max` gives the whole."""

    HEALTHY = 0
    DEGRADED = 1
    UNHEALTHY = 2

    @property
    def word(self) -> str:
        """The verdict as the JSON bodies spell it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where degraded and unhealthy begin; seconds, bytes and shares of one."""

    disconnected_ready: float = 5.0
    disconnected_degraded: float = 15.0
    disconnected_unhealthy: float = 180.0
    ack_age_degraded: float = 60.0
    ack_age_ready: float = 90.0
    ack_age_unhealthy: float = 125.0
    latency_degraded: float = 1.0
    unmeasured_degraded: float = 5.0
    startup_unhealthy: float = 300.0
    deaf_after: float = 4 * 3600.0
    ping_degraded: float = 0.25
    ping_ready: float = 2.0
    database_unhealthy: float = 60.0
    lag_degraded: float = 0.25
    stall_unhealthy: float = 30.0
    memory_degraded: float = 0.85
    memory_unhealthy: float = 0.95
    disk_degraded: int = 512 * MIB
    disk_unhealthy: int = 64 * MIB
    unavailable_degraded: float = 0.20
    sample_stale: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseVitals:
    """How the database answered; `ping` is `None` when it did not, sizes are in bytes."""

    ping: float | None = None
    failing_for: float = 0.0
    schema_current: bool = True
    size: int | None = None
    wal_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryVitals:
    """The process's memory in bytes; `limit` is `None` where nothing limits it."""

    rss: int = 0
    uss: int = 0
    vms: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Everything measured in one round."""

    at: datetime
    uptime: float
    gateway: GatewayStatus = field(default_factory=GatewayStatus)
    counts: BotCounts = field(default_factory=BotCounts)
    database: DatabaseVitals = field(default_factory=DatabaseVitals)
    memory: MemoryVitals = field(default_factory=MemoryVitals)
    loop_lag_p99: float = 0.0
    loop_lag_worst: float = 0.0
    disk_free: int | None = None
    dead_tasks: tuple[str, ...] = ()
    failed_features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One part's verdict, with a reason for each thing that is wrong."""

    name: str
    verdict: Verdict = Verdict.HEALTHY
    reasons: tuple[Message, ...] = ()


class _Findings:
    """Collects what is wrong with one part; the worst finding decides."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._verdict = Verdict.HEALTHY
        self._reasons: list[Message] = []

    def add(self, verdict: Verdict, reason: Message) -> None:
        self._verdict = max(self._verdict, verdict)
        self._reasons.append(reason)

    def grade(
        self, value: float, degraded: float, unhealthy: float, reason: Callable[[], Message]
    ) -> None:
        """Judge a value that is the worse the greater it is."""
        if value > degraded:
            self.add(Verdict.UNHEALTHY if value > unhealthy else Verdict.DEGRADED, reason())

    def check(self) -> Check:
        return Check(self._name, self._verdict, tuple(self._reasons))


def judge_gateway(gateway: GatewayStatus, limits: Limits) -> Check:
    """Judge each shard's connection; before the first READY the startup check speaks instead."""
    found = _Findings("gateway")
    if gateway.first_ready:
        for shard in gateway.shards:
            _judge_shard(shard, limits, found)
    return found.check()


def _judge_shard(shard: ShardStatus, limits: Limits, found: _Findings) -> None:
    if not shard.connected:
        gone = shard.disconnected_for
        found.grade(
            gone,
            limits.disconnected_degraded,
            limits.disconnected_unhealthy,
            lambda: _(
                "Shard {shard} has been disconnected for {seconds} s.",
                shard=shard.id,
                seconds=round(gone),
            ),
        )
        return
    if shard.ack_age is not None:
        age = shard.ack_age
        found.grade(
            age,
            limits.ack_age_degraded,
            limits.ack_age_unhealthy,
            lambda: _(
                "Shard {shard} got no heartbeat answer for {seconds} s.",
                shard=shard.id,
                seconds=round(age),
            ),
        )
    if shard.latency is not None and _is_slow(shard.latency, shard.ack_age, limits):
        found.add(Verdict.DEGRADED, _slow_shard(shard.id, shard.latency))


def _is_slow(latency: float, ack_age: float | None, limits: Limits) -> bool:
    if math.isfinite(latency):
        return latency > limits.latency_degraded
    # Until the first heartbeat is answered its age counts from the opening of the connection.
    return ack_age is None or ack_age > limits.unmeasured_degraded


def _slow_shard(shard_id: int, latency: float) -> Message:
    if not math.isfinite(latency):
        return _("Shard {shard} has no measured latency.", shard=shard_id)
    return _(
        "Shard {shard} has a latency of {milliseconds} ms.",
        shard=shard_id,
        milliseconds=round(latency * 1000),
    )


def judge_startup(gateway: GatewayStatus, uptime: float, limits: Limits) -> Check:
    """Judge whether Discord has said READY yet, and how long that may take."""
    if gateway.first_ready:
        return Check("startup")
    late = uptime > limits.startup_unhealthy
    reason = _("Not connected to Discord yet, {seconds} s after the start.", seconds=round(uptime))
    return Check("startup", Verdict.UNHEALTHY if late else Verdict.DEGRADED, (reason,))


def judge_auth(gateway: GatewayStatus) -> Check:
    """Judge whether Discord refuses the bot in a way that no new attempt can change."""
    if gateway.fatal is None:
        return Check("auth")
    reason = _("Discord refuses the bot: {reason}", reason=gateway.fatal)
    return Check("auth", Verdict.UNHEALTHY, (reason,))


def judge_deaf(gateway: GatewayStatus, limits: Limits) -> Check:
    """Judge whether events still arrive; quiet communities exist, so it never gets unhealthy."""
    age = gateway.last_event_age
    if age is None or age <= limits.deaf_after:
        return Check("deaf")
    reason = _("No event has arrived for {hours} h.", hours=round(age / 3600, 1))
    return Check("deaf", Verdict.DEGRADED, (reason,))


def judge_database(database: DatabaseVitals, limits: Limits) -> Check:
    """Judge whether the database answers, and how fast."""
    found = _Findings("database")
    if database.ping is None:
        long_gone = database.failing_for > limits.database_unhealthy
        found.add(
            Verdict.UNHEALTHY if long_gone else Verdict.DEGRADED,
            _(
                "The database has not answered for {seconds} s.",
                seconds=round(database.failing_for),
            ),
        )
    elif database.ping > limits.ping_degraded:
        found.add(
            Verdict.DEGRADED,
            _(
                "The database took {milliseconds} ms for the smallest query.",
                milliseconds=round(database.ping * 1000),
            ),
        )
    return found.check()


def judge_event_loop(p99: float, worst: float, limits: Limits) -> Check:
    """Judge how late the event loop was during the last minute."""
    if worst > limits.stall_unhealthy:
        reason = _("The event loop stood still for {seconds} s.", seconds=round(worst))
        return Check("event_loop", Verdict.UNHEALTHY, (reason,))
    if p99 > limits.lag_degraded:
        reason = _("The event loop is {milliseconds} ms late.", milliseconds=round(p99 * 1000))
        return Check("event_loop", Verdict.DEGRADED, (reason,))
    return Check("event_loop")


def judge_memory(memory: MemoryVitals, limits: Limits) -> Check:
    """Judge the resident memory against the limit of the container or the configuration."""
    found = _Findings("memory")
    if memory.limit:
        share = memory.rss / memory.limit
        found.grade(
            share,
            limits.memory_degraded,
            limits.memory_unhealthy,
            lambda: _("{percent} % of the memory limit is in use.", percent=round(share * 100)),
        )
    return found.check()


def judge_disk(free: int | None, limits: Limits) -> Check:
    """Judge the room left where the database file lies; there is none to judge on a server."""
    if free is None or free >= limits.disk_degraded:
        return Check("disk")
    full = free < limits.disk_unhealthy
    reason = _("Only {megabytes} MB are free beside the database.", megabytes=free // MIB)
    return Check("disk", Verdict.UNHEALTHY if full else Verdict.DEGRADED, (reason,))


def judge_tasks(vitals: Vitals, limits: Limits) -> Check:
    """Judge background tasks, features, and how many guilds Discord holds back."""
    found = _Findings("tasks")
    for name in vitals.dead_tasks:
        found.add(Verdict.DEGRADED, _("The background task {task} has died.", task=name))
    for name in vitals.failed_features:
        found.add(Verdict.DEGRADED, _("The feature {feature} failed to load.", feature=name))
    counts = vitals.counts
    known = counts.guilds + counts.unavailable_guilds
    if known and counts.unavailable_guilds / known > limits.unavailable_degraded:
        found.add(
            Verdict.DEGRADED,
            _(
                "{unavailable} of {known} servers are unavailable on Discord's side.",
                unavailable=counts.unavailable_guilds,
                known=known,
            ),
        )
    return found.check()


def judge(vitals: Vitals, limits: Limits) -> tuple[Check, ...]:
    """Return every check's verdict, in the order in which they are shown."""
    return (
        judge_gateway(vitals.gateway, limits),
        judge_startup(vitals.gateway, vitals.uptime, limits),
        judge_auth(vitals.gateway),
        judge_deaf(vitals.gateway, limits),
        judge_database(vitals.database, limits),
        judge_event_loop(vitals.loop_lag_p99, vitals.loop_lag_worst, limits),
        judge_memory(vitals.memory, limits),
        judge_disk(vitals.disk_free, limits),
        judge_tasks(vitals, limits),
    )


def reasons_not_ready(vitals: Vitals, limits: Limits, *, draining: bool) -> tuple[Message, ...]:
    """Return what keeps the bot from doing its work, nothing when it is ready."""
    gateway, database = vitals.gateway, vitals.database
    reasons: list[Message] = []
    if draining:
        reasons.append(_("The bot is shutting down."))
    if gateway.fatal is not None:
        reasons.append(_("Discord refuses the bot: {reason}", reason=gateway.fatal))
    elif not gateway.first_ready:
        reasons.append(_("Not connected to Discord yet."))
    reasons += _shards_not_ready(gateway.shards, limits)
    if database.ping is None or database.ping > limits.ping_ready:
        reasons.append(_("The database does not answer."))
    elif not database.schema_current:
        reasons.append(_("The database is not migrated to this version."))
    return tuple(reasons)


def _shards_not_ready(shards: Sequence[ShardStatus], limits: Limits) -> Iterable[Message]:
    for shard in shards:
        gone = not shard.connected and shard.disconnected_for > limits.disconnected_ready
        mute = shard.ack_age is not None and shard.ack_age > limits.ack_age_ready
        if gone or mute:
            yield _("Shard {shard} is not connected.", shard=shard.id)


def worst_of(checks: Iterable[Check]) -> Verdict:
    """Return the verdict on the whole."""
    return max((check.verdict for check in checks), default=Verdict.HEALTHY)


def merge(name: str, checks: Mapping[str, Check], parts: Sequence[str]) -> Check:
    """Return several checks as one, for readers who know only the greater parts."""
    chosen = [checks[part] for part in parts if part in checks]
    reasons: tuple[Any, ...] = tuple(reason for check in chosen for reason in check.reasons)
    return Check(name, worst_of(chosen), reasons)


def limits_from(config: HealthConfig) -> Limits:
    """Return the limits with those that the operator has set."""
    return Limits(
        startup_unhealthy=config.startup_seconds,
        latency_degraded=config.gateway_latency_ms / 1000,
        deaf_after=config.deaf_hours * 3600,
        ping_degraded=config.database_ping_ms / 1000,
        lag_degraded=config.loop_lag_ms / 1000,
        memory_degraded=config.memory_degraded_percent / 100,
        memory_unhealthy=config.memory_unhealthy_percent / 100,
        disk_degraded=config.disk_degraded_mb * MIB,
        disk_unhealthy=config.disk_unhealthy_mb * MIB,
        sample_stale=max(20.0, 4 * config.sample_seconds),
    )
