"""The truth table of health and readiness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.config import HealthConfig
from bot.core.contracts import BotCounts, GatewayStatus, ShardStatus
from bot.core.health.rules import (
    MIB,
    DatabaseVitals,
    Limits,
    MemoryVitals,
    Verdict,
    Vitals,
    judge,
    limits_from,
    reasons_not_ready,
    worst_of,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIMITS = Limits()
SHARD = ShardStatus(0, connected=True, latency=0.05, ack_age=20.0)
GATEWAY = GatewayStatus(shards=(SHARD,), first_ready=True, last_event_age=1.0)
WELL = Vitals(
    at=NOW,
    uptime=1000,
    gateway=GATEWAY,
    counts=BotCounts(guilds=100),
    database=DatabaseVitals(ping=0.001),
    memory=MemoryVitals(rss=100 * MIB, limit=1000 * MIB),
    disk_free=10_000 * MIB,
)
OK, DEGRADED, UNHEALTHY = Verdict.HEALTHY, Verdict.DEGRADED, Verdict.UNHEALTHY


def _shard(**values: Any) -> dict[str, Any]:
    return {"gateway": replace(GATEWAY, shards=(SHARD, replace(SHARD, id=1, **values)))}


def _gateway(**values: Any) -> dict[str, Any]:
    return {"gateway": replace(GATEWAY, **values)}


def _memory(percent: float) -> dict[str, Any]:
    return {"memory": MemoryVitals(rss=int(percent * 10 * MIB), limit=1000 * MIB)}


TABLE = [
    ("gateway", _shard(connected=False, disconnected_for=15), OK),
    ("gateway", _shard(connected=False, disconnected_for=15.1), DEGRADED),
    ("gateway", _shard(connected=False, disconnected_for=180), DEGRADED),
    ("gateway", _shard(connected=False, disconnected_for=180.1), UNHEALTHY),
    ("gateway", _shard(ack_age=60), OK),
    ("gateway", _shard(ack_age=60.1), DEGRADED),
    ("gateway", _shard(ack_age=125), DEGRADED),
    ("gateway", _shard(ack_age=125.1), UNHEALTHY),
    ("gateway", _shard(ack_age=None, latency=None), OK),
    ("gateway", _shard(latency=1.0), OK),
    ("gateway", _shard(latency=1.1), DEGRADED),
    ("gateway", _shard(latency=float("inf")), DEGRADED),
    ("gateway", _shard(latency=float("nan")), DEGRADED),
    ("gateway", _shard(latency=float("inf"), ack_age=5.0), OK),
    ("gateway", _shard(latency=float("inf"), ack_age=5.1), DEGRADED),
    ("startup", _gateway(first_ready=False) | {"uptime": 300}, DEGRADED),
    ("startup", _gateway(first_ready=False) | {"uptime": 300.1}, UNHEALTHY),
    ("auth", _gateway(fatal="4004"), UNHEALTHY),
    ("deaf", _gateway(last_event_age=4 * 3600.0), OK),
    ("deaf", _gateway(last_event_age=4 * 3600.1), DEGRADED),
    ("deaf", _gateway(last_event_age=1e9), DEGRADED),
    ("deaf", _gateway(last_event_age=None), OK),
    ("database", {"database": DatabaseVitals(ping=0.25)}, OK),
    ("database", {"database": DatabaseVitals(ping=0.251)}, DEGRADED),
    ("database", {"database": DatabaseVitals(ping=None, failing_for=0)}, DEGRADED),
    ("database", {"database": DatabaseVitals(ping=None, failing_for=60)}, DEGRADED),
    ("database", {"database": DatabaseVitals(ping=None, failing_for=60.1)}, UNHEALTHY),
    ("event_loop", {"loop_lag_p99": 0.25, "loop_lag_worst": 30}, OK),
    ("event_loop", {"loop_lag_p99": 0.251}, DEGRADED),
    ("event_loop", {"loop_lag_worst": 30.1}, UNHEALTHY),
    ("memory", _memory(85), OK),
    ("memory", _memory(85.1), DEGRADED),
    ("memory", _memory(95), DEGRADED),
    ("memory", _memory(95.1), UNHEALTHY),
    ("memory", {"memory": MemoryVitals(rss=10**12, limit=None)}, OK),
    ("disk", {"disk_free": 512 * MIB}, OK),
    ("disk", {"disk_free": 512 * MIB - 1}, DEGRADED),
    ("disk", {"disk_free": 64 * MIB}, DEGRADED),
    ("disk", {"disk_free": 64 * MIB - 1}, UNHEALTHY),
    ("disk", {"disk_free": None}, OK),
    ("tasks", {"dead_tasks": ("jobs",)}, DEGRADED),
    ("tasks", {"failed_features": ("welcome",)}, DEGRADED),
    ("tasks", {"counts": BotCounts(guilds=80, unavailable_guilds=20)}, OK),
    ("tasks", {"counts": BotCounts(guilds=79, unavailable_guilds=21)}, DEGRADED),
    ("tasks", {"counts": BotCounts()}, OK),
]


def test_judge_all_is_well() -> None:
    checks = judge(WELL, LIMITS)
    assert [check.name for check in checks] == [
        "gateway",
        "startup",
        "auth",
        "deaf",
        "database",
        "event_loop",
        "memory",
        "disk",
        "tasks",
    ]
    assert worst_of(checks) is OK
    assert not any(check.reasons for check in checks)


@pytest.mark.parametrize(("name", "change", "expected"), TABLE)
def test_judge_one_thing_wrong(name: str, change: dict[str, Any], expected: Verdict) -> None:
    checks = {check.name: check for check in judge(replace(WELL, **change), LIMITS)}
    assert checks[name].verdict is expected
    assert bool(checks[name].reasons) == (expected is not OK)
    assert all(check.verdict is OK for check in checks.values() if check.name != name)
    for reason in checks[name].reasons:
        assert "{" not in reason.render("en")
        assert "{" not in reason.render("es")


def test_judge_worst_decides_the_whole() -> None:
    change = _shard(ack_age=70) | {"disk_free": 0}
    assert worst_of(judge(replace(WELL, **change), LIMITS)) is UNHEALTHY


READY_TABLE = [
    ({}, True),
    (_shard(connected=False, disconnected_for=5), True),
    (_shard(connected=False, disconnected_for=5.1), False),
    (_shard(ack_age=90), True),
    (_shard(ack_age=90.1), False),
    (_shard(latency=float("inf")), True),
    (_gateway(first_ready=False), False),
    (_gateway(fatal="4014"), False),
    (_gateway(last_event_age=1e9), True),
    ({"database": DatabaseVitals(ping=2.0)}, True),
    ({"database": DatabaseVitals(ping=2.1)}, False),
    ({"database": DatabaseVitals(ping=None)}, False),
    ({"database": DatabaseVitals(ping=0.1, schema_current=False)}, False),
    ({"disk_free": 0}, True),
    ({"dead_tasks": ("jobs",)}, True),
]


@pytest.mark.parametrize(("change", "ready"), READY_TABLE)
def test_ready(change: dict[str, Any], ready: bool) -> None:
    reasons = reasons_not_ready(replace(WELL, **change), LIMITS, draining=False)
    assert (not reasons) is ready


def test_ready_ends_with_draining() -> None:
    [reason] = reasons_not_ready(WELL, LIMITS, draining=True)
    assert str(reason) == "The bot is shutting down."


def test_limits_are_the_documented_ones_by_default() -> None:
    assert limits_from(HealthConfig()) == LIMITS


def test_limits_follow_the_configuration() -> None:
    limits = limits_from(HealthConfig(loop_lag_ms=100, disk_degraded_mb=2000, deaf_hours=1.0))
    assert limits.lag_degraded == 0.1
    assert limits.disk_degraded == 2000 * MIB
    assert limits.deaf_after == 3600
