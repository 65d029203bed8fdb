"""SQLite's driver: what SQLAlchemy gets from it, and in how many steps of its thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine import Database
from db.sqlite_driver import FIRST_ROWS, SteppingConnection, connect

# More rows than come with the statement itself.
MANY = 2 * FIRST_ROWS + 7
COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
)


class Counting(SteppingConnection):
    """A connection that counts the steps of its thread."""

    steps = 0

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        self.steps += 1
        return await super()._execute(fn, *args, **kwargs)


@pytest.fixture
async def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counting]:
    monkeypatch.setattr("db.sqlite_driver.SteppingConnection", Counting)
    connection = await connect(str(tmp_path / "a.db"), isolation_level=None)
    assert isinstance(connection, Counting)
    yield connection
    await connection.close()


async def test_statement_takes_one_step(connection: Counting) -> None:
    cursor = connection.cursor()
    await cursor.execute("SELECT ?, 'two'", (1,))
    assert [column[0] for column in cursor.description] == ["?", "'two'"]
    assert await cursor.fetchall() == [(1, "two")]
    await cursor.close()
    assert connection.steps == 1


@pytest.mark.parametrize("number", [0, 1, FIRST_ROWS - 1, FIRST_ROWS, FIRST_ROWS + 1, MANY])
async def test_all_rows_come(connection: Counting, number: int) -> None:
    cursor = connection.cursor()
    await cursor.execute(f"SELECT * FROM ({COUNT}) WHERE i > 0 LIMIT {number}", (MANY,))
    assert await cursor.fetchall() == [(i,) for i in range(1, number + 1)]
    assert await cursor.fetchall() == []
    await cursor.close()


@pytest.mark.parametrize("size", [1, 7, FIRST_ROWS, FIRST_ROWS + 1, MANY])
async def test_pages_are_read_one_by_one(connection: Counting, size: int) -> None:
    cursor = connection.cursor()
    await cursor.execute(COUNT, (MANY,))
    rows: list[Any] = []
    while page := await cursor.fetchmany(size):
        assert len(page) == min(size, MANY - len(rows))
        rows += page
    assert rows == [(i,) for i in range(1, MANY + 1)]
    assert connection.steps <= 4


async def test_long_result_is_iterated_over_and_left(connection: Counting) -> None:
    cursor = connection.cursor()
    await cursor.execute(COUNT, (MANY,))
    assert await cursor.fetchone() == (1,)
    seen = [row[0] async for row in cursor]
    assert seen == [*range(2, MANY + 1)]
    await cursor.execute(COUNT, (MANY,))
    await cursor.close()
    assert await cursor.fetchmany(5) == []
    # Nothing is left open that would keep the table from being made.
    await connection.execute("CREATE TABLE a (x)")


async def test_changed_rows_are_counted_and_numbered(connection: Counting) -> None:
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE a (x UNIQUE)")
    assert (cursor.rowcount, cursor.description) == (-1, None)
    await cursor.executemany("INSERT INTO a VALUES (?)", [(i,) for i in range(MANY)])
    assert cursor.rowcount == MANY
    await cursor.execute("INSERT INTO a VALUES (-1)")
    assert (cursor.rowcount, cursor.lastrowid) == (1, MANY + 1)
    await cursor.execute("UPDATE a SET x = -x - 2 RETURNING x")
    assert len(await cursor.fetchall()) == MANY + 1
    assert cursor.rowcount == MANY + 1
    assert await cursor.fetchall() == []


async def test_failed_statement_leaves_nothing_open(sqlite_database: Database) -> None:
    async with sqlite_database.write() as session:
        await session.execute(text("CREATE TABLE a (x UNIQUE)"))
        await session.execute(text("INSERT INTO a VALUES (1)"))
    with pytest.raises(IntegrityError):
        async with sqlite_database.write() as session:
            await session.execute(text("INSERT INTO a VALUES (1)"))
    async with sqlite_database.write() as session:
        await session.execute(text("DROP TABLE a"))


async def test_streamed_result_comes_in_pages(sqlite_database: Database) -> None:
    query = text(COUNT.replace("?", ":most"))
    async with sqlite_database.read() as session:
        result = await session.stream(query, {"most": MANY})
        pages = [len(page) async for page in result.partitions(300)]
    assert sum(pages) == MANY
    assert max(pages) == 300
