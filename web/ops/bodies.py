"""The JSON of the health endpoints; strangers get the status, the rest is for the operator."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

import bot
from bot.core.contracts import GatewayStatus
from bot.core.health import HealthReport
from bot.core.health.rules import Check, MemoryVitals, Verdict, merge
from bot.core.metrics.live import Pool
from web.responses import timestamp

Status = Literal["healthy", "degraded", "unhealthy"]
_DISCORD_CHECKS = ("gateway", "startup", "auth", "deaf")
_PASS_WARN_FAIL = {Verdict.HEALTHY: "pass", Verdict.DEGRADED: "warn", Verdict.UNHEALTHY: "fail"}


class Camel(BaseModel):
    """A body whose names are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CheckBody(Camel):
    """One part's status, with a reason for each thing that is wrong."""

    status: Status
    reasons: list[str] = []


class DiscordBody(CheckBody):
    """The connection to Discord; `latency` is in milliseconds, null before there is one."""

    latency: int | None
    guilds: int
    users: int


class ConnectionsBody(Camel):
    """Database connections of this process."""

    active: int
    idle: int
    total: int


class DatabaseBody(CheckBody):
    """The database; `latency` is that of the smallest query, in milliseconds."""

    connections: ConnectionsBody
    latency: float | None
    size: int | None


class MemoryUsageBody(Camel):
    """Memory in bytes.

    The names of the heap are aliases for what this process has instead: `heapUsed` is the memory
    that is its own, `heapTotal` its limit (or all it has mapped), `external` the memory it shares.
    """

    heap_used: int
    heap_total: int
    rss: int
    external: int


class MemoryBody(CheckBody):
    """The process's memory."""

    usage: MemoryUsageBody


class EventLoopBody(CheckBody):
    """How late the event loop is; the 99th percentile of the last minute, in milliseconds."""

    lag: float


class DiskBody(CheckBody):
    """Free bytes beside the database file; null for a database server."""

    free: int | None


class ChecksBody(Camel):
    """Every part."""

    discord: DiscordBody
    database: DatabaseBody
    memory: MemoryBody
    event_loop: EventLoopBody
    disk: DiskBody
    tasks: CheckBody


class HealthBody(Camel):
    """The health of the process; all but status and timestamp is for the operator."""

    status: Status
    timestamp: str = Field(examples=["2024-01-01T00:00:00.000Z"])
    uptime: int | None = Field(default=None, description="Seconds since the start.")
    version: str | None = None
    checks: ChecksBody | None = None


class ReadyBody(Camel):
    """Whether the bot does its work now; the reasons are for the operator."""

    ready: bool
    timestamp: str = Field(examples=["2024-01-01T00:00:00.000Z"])
    reasons: list[str] | None = None


def brief(report: HealthReport, at: str) -> HealthBody:
    """Return what strangers learn."""
    return HealthBody(status=_status(report.verdict), timestamp=at)


def full(report: HealthReport, pool: Pool, at: str) -> HealthBody:
    """Return everything, in the shape of the Pegasus document with more checks beside its own."""
    vitals = report.vitals
    checks = {check.name: check for check in report.checks}
    part = _Parts(checks)
    return HealthBody(
        status=_status(report.verdict),
        timestamp=at,
        uptime=int(vitals.uptime),
        version=bot.__version__,
        checks=ChecksBody(
            discord=DiscordBody(
                **part.of("discord", *_DISCORD_CHECKS),
                latency=latency_of(vitals.gateway),
                guilds=vitals.counts.guilds,
                users=vitals.counts.users,
            ),
            database=DatabaseBody(
                **part.of("database"),
                connections=ConnectionsBody(
                    active=pool.used, idle=pool.idle, total=pool.used + pool.idle
                ),
                latency=_milliseconds(vitals.database.ping),
                size=vitals.database.size,
            ),
            memory=MemoryBody(**part.of("memory"), usage=usage_of(vitals.memory)),
            event_loop=EventLoopBody(
                **part.of("event_loop", "event_loop", "sampler"),
                lag=_milliseconds(vitals.loop_lag_p99) or 0.0,
            ),
            disk=DiskBody(**part.of("disk"), free=vitals.disk_free),
            tasks=CheckBody(**part.of("tasks")),
        ),
    )


def standard(report: HealthReport, *, with_detail: bool) -> dict[str, Any]:
    """Return the body of `application/health+json`, which says pass, warn and fail."""
    body: dict[str, Any] = {"status": _PASS_WARN_FAIL[report.verdict]}
    if with_detail:
        at = timestamp(report.vitals.at)
        body |= {"version": "1", "releaseId": bot.__version__}
        body["checks"] = {
            check.name: [
                {
                    "status": _PASS_WARN_FAIL[check.verdict],
                    "time": at,
                    "output": " ".join(map(str, check.reasons)),
                }
            ]
            for check in report.checks
        }
    return body


def usage_of(memory: MemoryVitals) -> MemoryUsageBody:
    """Return the memory under the names of the Pegasus document."""
    return MemoryUsageBody(
        heap_used=memory.uss,
        heap_total=memory.limit or memory.vms,
        rss=memory.rss,
        external=max(0, memory.rss - memory.uss),
    )


def latency_of(gateway: GatewayStatus) -> int | None:
    """Return the mean latency of the shards in milliseconds, `None` when none has one."""
    known = [
        shard.latency
        for shard in gateway.shards
        if shard.latency is not None and math.isfinite(shard.latency)
    ]
    return round(sum(known) / len(known) * 1000) if known else None


class _Parts:
    """The verdicts by name, as the fields that every check has."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks

    def of(self, name: str, *parts: str) -> dict[str, Any]:
        merged = merge(name, self._checks, parts or (name,))
        return {"status": _status(merged.verdict), "reasons": [str(one) for one in merged.reasons]}


def _status(verdict: Verdict) -> Any:
    return verdict.word


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
