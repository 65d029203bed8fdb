"""The sampler: true measurements, on time, whatever fails."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core import health
from bot.core.contracts import BotState, GatewayStatus, ShardStatus
from bot.core.health import HealthSampler
from bot.core.health.lag import LoopLagProbe
from bot.core.health.rules import Verdict
from bot.core.health.vitals import HostProbe
from bot.core.nullstate import NullState
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.fakes import FakeClock


class _Ready(NullState):
    def gateway(self) -> GatewayStatus:
        return GatewayStatus(first_ready=True)


def _sampler(
    database: Database,
    clock: FakeClock,
    *,
    state: BotState | None = None,
    supervisor: TaskSupervisor | None = None,
    **options: object,
) -> HealthSampler:
    return HealthSampler(
        database,
        lambda: state or _Ready(),
        supervisor or TaskSupervisor(),
        clock,
        lag=LoopLagProbe(),
        host=HostProbe(database_path=database.path),
        **options,  # type: ignore[arg-type]
    )


async def test_sampler_before_the_first_sample(sqlite_database: Database, clock: FakeClock) -> None:
    sampler = _sampler(sqlite_database, clock)
    assert sampler.report().verdict is Verdict.DEGRADED
    assert not sampler.readiness().ready


async def test_sampler_measures_the_database(database: Database, clock: FakeClock) -> None:
    sampler = _sampler(database, clock)
    report = await sampler.sample()
    assert report.verdict is Verdict.HEALTHY
    assert sampler.readiness().ready
    assert report.vitals.database.ping is not None
    assert (report.vitals.database.size or 0) > 10_000
    assert report.vitals.memory.rss > 1_000_000
    assert (report.vitals.disk_free is None) == (database.dialect == "postgresql")


async def test_sampler_without_a_client_is_not_ready(
    sqlite_database: Database, clock: FakeClock
) -> None:
    sampler = _sampler(sqlite_database, clock, state=NullState())
    assert (await sampler.sample()).check("startup").verdict is Verdict.DEGRADED
    clock.advance(301)
    assert (await sampler.sample()).check("startup").verdict is Verdict.UNHEALTHY


async def test_sampler_news_is_not_overwritten_by_a_round_begun_before(
    sqlite_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = _sampler(sqlite_database, clock)
    measuring, may_go_on, ping = asyncio.Event(), asyncio.Event(), sqlite_database.ping

    async def slow() -> float:
        measuring.set()
        await may_go_on.wait()
        return await ping()

    monkeypatch.setattr(sqlite_database, "ping", slow)
    early = asyncio.create_task(sampler.sample())
    await measuring.wait()
    monkeypatch.setattr(sqlite_database, "ping", ping)
    monkeypatch.setattr(sampler, "_state", lambda: NullState("4004: bad token"))
    await sampler.sample()
    may_go_on.set()
    assert (await early).verdict is Verdict.UNHEALTHY
    assert sampler.report().verdict is Verdict.UNHEALTHY


async def test_sampler_refused_for_good(sqlite_database: Database, clock: FakeClock) -> None:
    sampler = _sampler(sqlite_database, clock, state=NullState("4004: bad token"))
    report = await sampler.sample()
    assert report.verdict is Verdict.UNHEALTHY
    assert "4004: bad token" in str(report.check("auth").reasons[0])


async def test_sampler_outlives_a_lost_database(tmp_path: Path, clock: FakeClock) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/gone.db")
    sampler = _sampler(database, clock)
    assert (await sampler.sample()).check("database").verdict is Verdict.DEGRADED
    clock.advance(61)
    assert (await sampler.sample()).check("database").verdict is Verdict.UNHEALTHY
    (tmp_path / "missing").mkdir()
    assert (await sampler.sample()).check("database").verdict is Verdict.HEALTHY
    (tmp_path / "missing").rename(tmp_path / "elsewhere")
    await database.close()
    clock.advance(5)
    report = await sampler.sample()
    assert report.check("database").verdict is Verdict.DEGRADED
    assert report.vitals.database.failing_for == 0
    await database.close()


async def test_sampler_sees_that_the_file_is_gone_or_another(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "pegasus.db"
    database = Database(f"sqlite:///{path}")
    sampler = _sampler(database, clock)
    assert (await sampler.sample()).check("database").verdict is Verdict.HEALTHY
    path.rename(tmp_path / "aside")
    assert (await sampler.sample()).check("database").verdict is Verdict.DEGRADED
    path.write_bytes(b"")
    clock.advance(61)
    assert (await sampler.sample()).check("database").verdict is Verdict.UNHEALTHY
    (tmp_path / "aside").replace(path)
    assert (await sampler.sample()).check("database").verdict is Verdict.HEALTHY
    await database.close()


async def test_sampler_sees_that_another_process_keeps_the_write_lock(
    sqlite_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine._LOCK_PATIENCE_MS", 1)
    sampler = _sampler(sqlite_database, clock)
    await sampler.sample()
    assert sqlite_database.path is not None
    with closing(sqlite3.connect(sqlite_database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        clock.advance(16)
        report = await sampler.sample()
        assert report.check("database").verdict is Verdict.DEGRADED
        assert not sampler.readiness().ready
        clock.advance(61)
        assert (await sampler.sample()).check("database").verdict is Verdict.UNHEALTHY
        other.execute("ROLLBACK")
    assert (await sampler.sample()).check("database").verdict is Verdict.HEALTHY


async def test_sampler_does_not_wait_for_ever_to_write(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()
    monkeypatch.setattr(health, "WRITE_CHECK_TIMEOUT", 0.05)
    monkeypatch.setattr(database, "check_writable", never.wait)
    sampler = _sampler(database, clock)
    assert (await sampler.sample()).check("database").verdict is Verdict.DEGRADED
    monkeypatch.undo()
    assert (await sampler.sample()).verdict is Verdict.HEALTHY


async def test_sampler_stale_after_twenty_seconds(
    sqlite_database: Database, clock: FakeClock
) -> None:
    sampler = _sampler(sqlite_database, clock)
    await sampler.sample()
    clock.advance(20)
    assert sampler.report().verdict is Verdict.HEALTHY
    clock.advance(timedelta(seconds=0.5))
    assert sampler.report().verdict is Verdict.UNHEALTHY
    assert not sampler.readiness().ready
    assert sampler.uptime == 20.5


async def test_readiness_does_not_wait_for_a_sample(
    sqlite_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _Ready()
    sampler = _sampler(sqlite_database, clock, state=state)
    await sampler.sample()
    gone = ShardStatus(0, connected=False, disconnected_for=5.1)
    monkeypatch.setattr(state, "gateway", lambda: GatewayStatus(first_ready=True, shards=(gone,)))
    assert [str(one) for one in sampler.readiness().reasons] == ["Shard 0 is not connected."]


async def test_sampler_draining(sqlite_database: Database, clock: FakeClock) -> None:
    sampler = _sampler(sqlite_database, clock)
    await sampler.sample()
    sampler.begin_draining()
    assert [str(one) for one in sampler.readiness().reasons] == ["The bot is shutting down."]


async def test_sampler_schema_that_is_behind(sqlite_database: Database, clock: FakeClock) -> None:
    answers = iter([False, True])

    async def is_current() -> bool:
        return next(answers)

    sampler = _sampler(sqlite_database, clock, schema_current=is_current)
    await sampler.sample()
    assert not sampler.readiness().ready
    await sampler.sample()
    assert sampler.readiness().ready
    await sampler.sample()
    assert sampler.readiness().ready


async def test_sampler_names_dead_tasks_and_failed_features(
    sqlite_database: Database, clock: FakeClock
) -> None:
    supervisor, died = TaskSupervisor(lambda *_: died.set()), asyncio.Event()

    async def die() -> None:
        raise RuntimeError("on purpose")

    supervisor.start("fragile", die)
    await died.wait()
    sampler = _sampler(
        sqlite_database, clock, supervisor=supervisor, failed_features=lambda: ["welcome"]
    )
    report = await sampler.sample()
    assert [str(one) for one in report.check("tasks").reasons] == [
        "The background task fragile has died.",
        "The feature welcome failed to load.",
    ]
    await supervisor.stop()


async def test_sampler_runs_until_it_is_ended(sqlite_database: Database, clock: FakeClock) -> None:
    sampler, supervisor = _sampler(sqlite_database, clock, every=0.01), TaskSupervisor()
    supervisor.start("health", sampler.run)
    async with asyncio.timeout(30):
        while sampler.report().verdict is not Verdict.HEALTHY:
            await asyncio.sleep(0.01)
    await supervisor.stop()
