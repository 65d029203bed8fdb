"""The engine: transactions, locking, and errors that tell a lost database from a wrong query."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from db.engine import (
    Database,
    UnsupportedDatabase,
    driver_url,
    is_about_rows,
    is_connection_error,
)
from db.guilds import Guild
from db.migrate import upgrade
from tests.passing_errors import PASSING_STATES, fail_with

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def guild(number: int, joined_at: datetime = NOW) -> Guild:
    return Guild(id=number, name="Guild", joined_at=joined_at)


async def count(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(Guild)) or 0


async def test_write_commits_when_the_block_ends(database: Database) -> None:
    async with database.write() as session:
        session.add(guild(1))
    assert await count(database) == 1


async def test_write_rolls_back_when_the_block_raises(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as session:
            session.add(guild(1))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 0


async def test_read_keeps_nothing(database: Database) -> None:
    async with database.read() as session:
        session.add(guild(1))
        await session.flush()
    assert await count(database) == 0


async def test_cancelled_write_leaves_nothing_and_no_lock(database: Database) -> None:
    started = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            session.add(guild(1))
            await session.flush()
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30), database.write() as session:
        session.add(guild(2))
    assert await count(database) == 1


async def test_instants_come_back_aware_in_utc(database: Database) -> None:
    madrid = timezone(timedelta(hours=2))
    async with database.write() as session:
        session.add(guild(1, datetime(2026, 6, 1, 14, 0, 0, 123456, tzinfo=madrid)))
    async with database.read() as session:
        stored = await session.scalar(select(Guild.joined_at))
    assert stored == datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert stored.tzinfo is UTC


async def test_naive_instant_is_refused(database: Database) -> None:
    async with database.write() as session:
        session.add(guild(1, datetime(2026, 6, 1)))  # noqa: DTZ001
        with pytest.raises(StatementError, match="naive datetime"):
            await session.flush()
        session.expunge_all()


async def test_readers_never_wait_for_a_writer(database: Database) -> None:
    async with database.write() as session:
        session.add(guild(1))
        await session.flush()
        async with asyncio.timeout(30):
            assert await count(database) == 0
    assert await count(database) == 1


async def test_read_then_write_in_one_transaction_is_never_outrun(database: Database) -> None:
    async with database.write() as session:
        session.add(guild(1))

    async def increase() -> None:
        async with database.write() as session:
            row = await session.get(Guild, 1, with_for_update=True)
            assert row is not None
            row.settings = {"count": row.settings.get("count", 0) + 1}

    await asyncio.gather(*(increase() for _ in range(20)))
    async with database.read() as session:
        assert await session.scalar(select(Guild.settings)) == {"count": 20}


async def test_fifty_writers_at_once_all_succeed(database: Database) -> None:
    async def write(number: int) -> float:
        started = time.perf_counter()
        async with database.write() as session:
            session.add(guild(number))
        return time.perf_counter() - started

    waits = await asyncio.gather(*(write(number) for number in range(50)))
    assert await count(database) == 50
    assert max(waits) < 10


async def test_writers_of_two_processes_share_a_file(sqlite_url: str) -> None:
    # Two `Database` objects share no queue, just as two processes don't.
    first, second = Database(sqlite_url), Database(sqlite_url)

    async def write(database: Database, number: int) -> None:
        async with database.write() as session:
            session.add(guild(number))

    try:
        writes = [write(first, n) for n in range(20)] + [write(second, 100 + n) for n in range(20)]
        await asyncio.gather(*writes)
        assert await count(first) == 40
    finally:
        await first.close()
        await second.close()


async def test_locked_file_is_given_up_after_the_busy_timeout(sqlite_url: str) -> None:
    database = Database(sqlite_url, busy_timeout=0.3)
    try:
        with locked(database), pytest.raises(OperationalError, match="locked") as caught:
            async with database.write() as session:
                session.add(guild(1))
        assert is_connection_error(caught.value)
        assert await count(database) == 0
    finally:
        await database.close()


async def test_lock_that_is_let_go_in_time_is_waited_for(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    try:
        with locked(database):
            write = asyncio.create_task(add(database, guild(1)))
            await asyncio.sleep(0.3)
            assert not write.done()
        await write
        assert await count(database) == 1
    finally:
        await database.close()


@pytest.mark.parametrize("seconds", [0.02, 0.15, 0.4])
async def test_wait_for_a_locked_file_ends_with_the_callers_patience(
    sqlite_url: str, seconds: float
) -> None:
    database = Database(sqlite_url, pool_size=1, busy_timeout=30)
    loop = asyncio.get_running_loop()
    try:
        with locked(database):
            started = loop.time()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):
                    await add(database, guild(1))
            assert loop.time() - started < 10
            assert await count(database) == 0
        # Whatever the wait was cut off in, no connection is lost to it and none holds a lock.
        await asyncio.gather(*(add(database, guild(number)) for number in range(2, 7)))
        assert await count(database) == 5
    finally:
        await database.close()


async def add(database: Database, row: Guild) -> None:
    async with database.write() as session:
        session.add(row)


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Hold the write lock of a database's file, as another process does."""
    assert database.path is not None
    with closing(sqlite3.connect(database.path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        yield
        intruder.execute("ROLLBACK")


@pytest.mark.parametrize("number", [1, 2**63])
async def test_refused_row_is_told_from_a_wrong_statement(database: Database, number: int) -> None:
    await add(database, guild(1))
    with pytest.raises((IntegrityError, OverflowError, DBAPIError)) as refused:
        await add(database, guild(number))
    assert is_about_rows(refused.value)
    async with database.read() as session:
        with pytest.raises(DBAPIError) as wrong:
            await session.execute(text("SELECT * FROM nowhere"))
    assert not is_about_rows(wrong.value)


@pytest.mark.parametrize("state", PASSING_STATES)
async def test_passing_error_is_about_no_row(postgres_database: Database, state: str) -> None:
    async with postgres_database.read() as session:
        with pytest.raises(DBAPIError) as passing:
            await fail_with(state, session)
    assert not is_about_rows(passing.value)


async def test_locked_table_is_about_no_row(sqlite_database: Database) -> None:
    locked = sqlite3.OperationalError("database table is locked")
    assert not is_about_rows(OperationalError("INSERT", {}, locked))


async def test_errors_name_no_parameters(database: Database) -> None:
    async with database.write() as session:
        session.add(Guild(id=1, name="a secret name", joined_at=NOW))
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as session:
            session.add(Guild(id=1, name="a secret name", joined_at=NOW))
    assert "a secret name" not in str(caught.value)
    assert not is_connection_error(caught.value)


async def test_ping_takes_a_moment(database: Database) -> None:
    assert 0 < await database.ping() < 2


async def test_wrong_query_is_no_connection_error(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(Exception, match="nowhere") as caught:
            await session.execute(text("SELECT * FROM nowhere"))
    assert not is_connection_error(caught.value)


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), FileNotFoundError()])
def test_other_programs_io_errors_are_no_connection_errors(error: OSError) -> None:
    with pytest.raises(OSError) as raised:
        raise error
    assert not is_connection_error(raised.value)


async def test_refused_connection_is_a_connection_error() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
    await assert_unavailable(f"postgresql://bot:hunter2@127.0.0.1:{port}/pegasus")


async def test_silent_server_is_given_up_after_two_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        await assert_unavailable(
            f"postgresql://bot:hunter2@127.0.0.1:{silent.getsockname()[1]}/pegasus"
        )
        assert time.perf_counter() - started < 25


async def test_missing_postgres_database_is_a_connection_error(postgres_url: str) -> None:
    await assert_unavailable(postgres_url.replace("/pegasus_test", "/missing_test"))


async def test_unreachable_sqlite_file_is_a_connection_error(tmp_path: Path) -> None:
    await assert_unavailable(f"sqlite:///{tmp_path}/no/such/folder/pegasus.db")


async def test_file_that_is_no_database_is_a_connection_error(tmp_path: Path) -> None:
    (tmp_path / "pegasus.db").write_text("these are notes, and no database at all " * 99)
    await assert_unavailable(f"sqlite:///{tmp_path}/pegasus.db")


async def test_lost_connection_is_a_connection_error_and_heals(postgres_database: Database) -> None:
    cut = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Exception, match=r"terminating|closed") as caught:
        async with postgres_database.read() as session:
            await session.execute(cut)
    assert is_connection_error(caught.value)
    assert await count(postgres_database) == 0


async def assert_unavailable(url: str) -> None:
    database = Database(url)
    try:
        with pytest.raises(Exception, match=r".*") as caught:
            await database.ping()
        assert is_connection_error(caught.value)
        assert "hunter2" not in f"{caught.value} {caught.value!r}"
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///data/pegasus.db", "sqlite+aiosqlite"),
        ("sqlite+pysqlite:////var/pegasus.db", "sqlite+aiosqlite"),
        ("postgres://u@h/d", "postgresql+asyncpg"),
        ("postgresql://u:p@h:1/d", "postgresql+asyncpg"),
        ("postgresql+psycopg://u@h/d", "postgresql+asyncpg"),
    ],
)
def test_url_is_taken_as_operators_write_it(url: str, driver: str) -> None:
    assert driver_url(url).drivername == driver


@pytest.mark.parametrize(
    "url",
    ["", "pegasus.db", "mysql://u:hunter2@h/d", "postgresql://u:hunter2@h:port/d", "sqlite://"],
)
def test_other_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnsupportedDatabase) as caught:
        driver_url(url)
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "url",
    ["postgresql://bot:hunter2@db/pegasus", "postgresql://bot@db/pegasus?password=hunter2"],
)
def test_password_shows_nowhere(url: str) -> None:
    database = Database(url)
    assert "hunter2" not in f"{database!r} {database.safe_url} {database.engine!r}"
    assert database.safe_url.startswith("postgresql://bot")


async def test_new_sqlite_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pegasus.db"
    database = Database(f"sqlite:///{path}")
    try:
        await upgrade(database)
        for file in (path, path.with_name("pegasus.db-wal")):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        await database.close()


async def test_close_waits_for_what_was_cancelled_to_give_its_connection_back(
    database: Database,
) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            await session.execute(text("SELECT 1"))
            begun.set()
            await asyncio.sleep(60)

    writing = asyncio.create_task(write())
    await begun.wait()
    pool: Any = database.engine.pool
    writing.cancel()
    await database.close()
    assert pool.checkedout() == 0
    assert database.engine.pool is not pool
    with pytest.raises(asyncio.CancelledError):
        await writing
