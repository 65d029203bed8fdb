"""The database fixtures themselves: what every other database test leans on."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import func, select, text

from db.engine import Database
from db.guilds import Guild
from db.jobs import Job, add_job
from db.version import is_at_head
from tests import postgres
from tests.postgres import (
    PostgresAdmin,
    PostgresUnavailable,
    ScratchDatabase,
    TestRun,
    find_binaries,
    run_in_thread,
)

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is about the server that the tests bring along holds beside another one, too."""
    monkeypatch.setattr(postgres, "EXTERNAL_URL", "")


@pytest.fixture
def other_scratch(
    postgres_admin: PostgresAdmin, scratch: ScratchDatabase
) -> Iterator[ScratchDatabase]:
    """A scratch database beside the one of this process's other tests."""
    other = ScratchDatabase(postgres_admin, scratch.template, f"{scratch.template}_other")
    yield other
    other.drop()


@pytest.mark.parametrize("turn", [1, 2])
async def test_database_is_migrated_and_empty_for_every_test(database: Database, turn: int) -> None:
    assert await is_at_head(database)
    async with database.write() as session:
        assert await session.scalar(select(func.count()).select_from(Guild)) == 0
        session.add(Guild(id=turn, name="left behind", joined_at=NOW))


async def test_cleaned_scratch_has_no_rows_numbers_or_locks(
    other_scratch: ScratchDatabase,
) -> None:
    url = other_scratch.get_url()
    assert await add_first_job(url) == 1
    locker = await asyncpg.connect(url)
    closed = asyncio.Event()
    locker.add_termination_listener(lambda _: closed.set())
    await locker.execute("BEGIN; LOCK TABLE jobs")
    other_scratch.clean()
    await asyncio.wait_for(closed.wait(), 30)
    assert other_scratch.get_url() == url
    assert await add_first_job(url) == 1


async def add_first_job(url: str) -> int:
    database = Database(url)
    try:
        async with database.write() as session:
            job = await add_job(session, kind="k", dedupe_key="a", due_at=NOW, now=NOW)
            assert job is not None
            assert await session.scalar(select(func.count()).select_from(Job)) == 1
            return job.id
    finally:
        await database.close()


def test_cleaned_scratch_keeps_no_heap_of_deleted_rows(other_scratch: ScratchDatabase) -> None:
    async def ask(query: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(other_scratch.get_url())
        rows = await connection.fetch(query)
        await connection.close()
        return rows

    table = "moderation_audit_marks"
    run_in_thread(ask(f"INSERT INTO {table} SELECT i, i FROM generate_series(1, 20000) i"))
    other_scratch.clean()
    [size] = run_in_thread(ask(f"SELECT count(*), pg_relation_size('{table}') FROM {table}"))
    assert tuple(size) == (0, 0)


def test_scratch_with_changed_schema_is_replaced(other_scratch: ScratchDatabase) -> None:
    async def change(url: str) -> None:
        database = Database(url)
        async with database.write() as session:
            await session.execute(text("CREATE TABLE extra (id integer)"))
        await database.close()

    url = other_scratch.get_url()
    run_in_thread(change(url))
    other_scratch.clean()
    assert other_scratch.get_url() != url


def test_server_ends_with_the_run_that_owns_it(own_server: None) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        run = TestRun.begin(owner.pid)
        url = run.start_server()
        assert run.start_server() == url
        with PostgresAdmin(url) as admin:
            assert admin.has_database("postgres")
        owner.kill()
    for _ in range(200):
        if not run.folder.exists():
            break
        run_in_thread(asyncio.sleep(0.05))
    assert not run.folder.exists()
    with pytest.raises(PostgresUnavailable, match="can't be reached"), PostgresAdmin(url):
        pass


def test_missing_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PostgresUnavailable, match="PEGASUS_TEST_POSTGRES_URL"):
        find_binaries()


def test_unstartable_server_is_explained(own_server: None) -> None:
    run = TestRun.begin()
    try:
        (run.folder / "data").mkdir()
        (run.folder / "data" / "something").touch()
        with pytest.raises(PostgresUnavailable, match="initdb failed"):
            run.start_server()
    finally:
        run.end()
