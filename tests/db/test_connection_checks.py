"""Connections to PostgreSQL: asked whether they live only where that is in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text

from db.engine import Database

CUT_OTHERS = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'pegasus'
""")


@asynccontextmanager
async def logged(database: Database) -> AsyncIterator[list[str]]:
    """Collect what is asked over the database's only connection."""
    queries: list[str] = []
    async with database.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None

    def note(record: asyncpg.LoggedQuery) -> None:
        queries.append(record.query)

    driver.add_query_logger(note)
    yield queries
    driver.remove_query_logger(note)


async def ask(database: Database) -> int | None:
    async with database.read() as session:
        return await session.scalar(text("SELECT 7"))


async def cut(database: Database) -> None:
    """End the database's only connection from the server, and wait until its driver hears of it.

    The server only signals the process that serves the connection, which may take its time.
    """
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    other = Database(database.url.set(drivername="postgresql").render_as_string(False))
    async with other.read() as session:
        assert (await session.scalars(CUT_OTHERS)).all() == [True]
    await other.close()
    async with asyncio.timeout(20):
        while not driver.is_closed():
            await asyncio.sleep(0.01)


async def test_connection_that_was_used_just_now_is_not_asked(postgres_database: Database) -> None:
    async with logged(postgres_database) as queries:
        assert await ask(postgres_database) == 7
    # What is prepared is not among them.
    assert queries == ["BEGIN;", "ROLLBACK;"]


async def test_connection_that_has_rested_is_asked(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine._TRUSTED_SECONDS", 0.0)
    async with logged(postgres_database) as queries:
        assert await ask(postgres_database) == 7
    assert queries == ["BEGIN;", ";", "ROLLBACK;", "BEGIN;", "ROLLBACK;"]


async def test_connection_that_the_server_has_closed_is_replaced(
    postgres_database: Database,
) -> None:
    await ask(postgres_database)
    await cut(postgres_database)
    assert await ask(postgres_database) == 7


async def test_rested_connection_that_was_dropped_unheard_is_replaced(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(postgres_database)
    await cut(postgres_database)
    monkeypatch.setattr("db.engine._TRUSTED_SECONDS", 0.0)
    is_closed = asyncpg.Connection.is_closed
    heard: list[bool] = []

    def hear_late(connection: asyncpg.Connection) -> bool:
        heard.append(is_closed(connection))
        return heard[-1] and len(heard) > 1

    monkeypatch.setattr(asyncpg.Connection, "is_closed", hear_late)
    assert await ask(postgres_database) == 7
    assert heard[0]
