"""Command usage: written behind without loss, read back as statistics, purged by retention."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from bot.core import usage as usage_module
from bot.core.config import RetentionConfig
from bot.core.usage import UsageEvent, UsageRecorder, purge_usage
from db.audit import AuditEntry, list_audit_entries
from db.engine import Database
from db.usage import CommandCount, CommandUsageDay, CommandUse
from tests.fakes import FakeClock
from tests.passing_errors import LOCK_TIMEOUT, fail_with


@pytest.fixture
def recorder(database: Database, clock: FakeClock) -> UsageRecorder:
    return UsageRecorder(database, clock)


def use(clock: FakeClock, command: str = "help", **changes: Any) -> UsageEvent:
    event_ = UsageEvent(
        guild_id=10,
        user_id=1,
        command=command,
        kind="slash",
        outcome="ok",
        duration_ms=12,
        at=clock.now(),
    )
    return replace(event_, **changes)


async def count(database: Database, table: type[Any]) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


class Unreliable(Database):
    """A database that fails on purpose, and can be held up in the middle of a write."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.down = False
        self.entered = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        if self.down:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))
        async with super().write() as session:
            self.entered.set()
            await self.go.wait()
            yield session


@pytest.fixture
async def unreliable(database_url: str) -> AsyncIterator[Unreliable]:
    database = Unreliable(database_url)
    yield database
    await database.close()


async def test_flush_writes_uses_and_audit_entries(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    recorder.record(use(clock, "giveaway create"))
    recorder.record(use(clock, "help", guild_id=None, outcome="error"))
    assert recorder.pending == 2
    await recorder.flush()
    assert recorder.pending == 0
    assert await count(database, CommandUse) == 2
    async with database.read() as session:
        entries = {
            (entry.details["command"], entry.guild_id): entry
            for entry in await list_audit_entries(session)
        }
    create = entries["giveaway", 10]
    assert (create.action, create.category) == ("command_executed", "user_action")
    assert create.details == {"command": "giveaway", "subcommand": "create"}
    assert create.created_at == clock.now()
    assert entries["help", 0].details == {"command": "help"}


async def test_refused_command_is_counted_but_no_action(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    for outcome in ("denied", "cooldown"):
        recorder.record(use(clock, outcome=outcome))
    await recorder.flush()
    assert await count(database, CommandUse) == 2
    assert await count(database, AuditEntry) == 0


async def test_flush_of_many_takes_few_statements(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    for number in range(1200):
        recorder.record(use(clock, user_id=number + 1))
    await recorder.flush()
    assert await count(database, CommandUse) == 1200
    assert await count(database, AuditEntry) == 1200
    assert len(statements) < 20


async def test_failure_keeps_events_until_the_database_is_back(
    unreliable: Unreliable, clock: FakeClock
) -> None:
    recorder = UsageRecorder(unreliable, clock)
    recorder.record(use(clock))
    unreliable.down = True
    with pytest.raises(OperationalError):
        await recorder.flush()
    assert recorder.pending == 1
    unreliable.down = False
    recorder.record(use(clock))
    await recorder.flush()
    assert await count(unreliable, CommandUse) == 2


async def test_past_the_bound_new_events_are_dropped_and_counted(
    unreliable: Unreliable, clock: FakeClock
) -> None:
    dropped: list[int] = []
    recorder = UsageRecorder(unreliable, clock, most_pending=3, on_dropped=dropped.append)
    for number in range(5):
        recorder.record(use(clock, f"c{number}"))
    assert (recorder.pending, recorder.dropped, dropped) == (3, 2, [1, 1])
    await recorder.flush()
    assert (await recorder.statistics()).top_commands == tuple(
        CommandCount(f"c{n}", 1) for n in range(3)
    )


async def test_run_writes_by_itself_and_outlives_failures(
    unreliable: Unreliable, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(usage_module, "LONGEST_PAUSE", 0.02)
    recorder = UsageRecorder(unreliable, clock)
    unreliable.down = True
    recorder.record(use(clock))
    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(0.05)
    assert recorder.pending == 1
    unreliable.down = False
    async with asyncio.timeout(30):
        while recorder.pending:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await count(unreliable, CommandUse) == 1


async def test_cancelling_in_the_middle_of_a_write_loses_and_repeats_nothing(
    unreliable: Unreliable, clock: FakeClock
) -> None:
    recorder = UsageRecorder(unreliable, clock)
    unreliable.go.clear()
    recorder.record(use(clock))
    first = asyncio.create_task(recorder.flush())
    await unreliable.entered.wait()
    recorder.record(use(clock))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    last = asyncio.create_task(recorder.flush())
    unreliable.go.set()
    await last
    assert recorder.pending == 0
    assert await count(unreliable, CommandUse) == 2
    assert await count(unreliable, AuditEntry) == 2


async def test_flushes_at_the_same_time_write_each_event_once(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    for _number in range(700):
        recorder.record(use(clock))
    await asyncio.gather(*(recorder.flush() for _number in range(5)))
    assert await count(database, CommandUse) == 700


@pytest.mark.parametrize(
    "bad", [{"user_id": 2**63}, {"command": "a\x00b"}, {"command": "half of a pair: \ud83d"}]
)
async def test_use_that_can_not_be_stored_costs_no_other(
    recorder: UsageRecorder, database: Database, clock: FakeClock, bad: dict[str, Any]
) -> None:
    for number in range(21):
        recorder.record(use(clock, **bad) if number == 13 else use(clock, f"c{number}"))
    with capture_logs() as logs:
        await recorder.flush()
    # SQLite takes a zero byte.
    stored = 21 - recorder.dropped
    assert [line["event"] for line in logs] == ["usage_refused"] * recorder.dropped
    assert recorder.pending == 0
    assert recorder.dropped <= 1
    assert await count(database, CommandUse) == stored
    assert await count(database, AuditEntry) == stored


async def test_passing_error_costs_no_use(
    postgres_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = UsageRecorder(postgres_database, clock)
    for _number in range(20):
        recorder.record(use(clock))
    with monkeypatch.context() as patch:
        patch.setattr(usage_module, "add_usage_batch", partial(fail_with, LOCK_TIMEOUT))
        with pytest.raises(DBAPIError):
            await recorder.flush()
    assert (recorder.pending, recorder.dropped) == (20, 0)
    await recorder.flush()
    assert await count(postgres_database, CommandUse) == 20


async def test_overlong_values_are_cut(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    recorder.record(use(clock, "x" * 300, kind="k" * 99, outcome="o" * 99, duration_ms=2**40))
    await recorder.flush()
    assert recorder.dropped == 0
    assert await count(database, CommandUse) == 1


async def test_statistics_count_commands_and_people(
    recorder: UsageRecorder, clock: FakeClock
) -> None:
    recorder.record(use(clock, at=clock.now() - timedelta(days=3)))
    for user_id in (1, 2, 2):
        recorder.record(use(clock, "giveaway create", user_id=user_id))
    await recorder.flush()
    assert (await recorder.statistics()).top_commands == (
        CommandCount("giveaway create", 3),
        CommandCount("help", 1),
    )
    activity = (await recorder.statistics()).activity
    assert (activity.daily_actions, activity.weekly_actions) == (3, 4)
    assert (activity.daily_active_users, activity.daily_active_guilds) == (2, 1)


async def test_statistics_are_read_once_in_a_few_seconds(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    statements: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2])
    )
    await asyncio.gather(*(recorder.statistics() for _number in range(20)))
    once = len(statements)
    await recorder.statistics()
    assert len(statements) == once
    recorder.record(use(clock))
    await recorder.flush()
    clock.advance(5)
    assert (await recorder.statistics()).top_commands == (CommandCount("help", 1),)


async def test_purge_rolls_up_and_keeps_totals(
    recorder: UsageRecorder, database: Database, clock: FakeClock
) -> None:
    retention = RetentionConfig(command_usage_days=8, usage_daily_days=30)
    recorder.record(use(clock, at=clock.now() - timedelta(days=20)))
    recorder.record(use(clock, at=clock.now() - timedelta(days=40)))
    recorder.record(use(clock))
    await recorder.flush()
    async with database.write() as session:
        assert await purge_usage(session, clock.now(), retention) == 2
    async with database.write() as session:
        assert await purge_usage(session, clock.now(), retention) == 0
    assert await count(database, CommandUse) == 1
    assert await count(database, CommandUsageDay) == 1
    assert (await recorder.statistics()).top_commands == (CommandCount("help", 2),)
