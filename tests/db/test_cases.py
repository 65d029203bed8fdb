"""Cases in the database: lists and sums read along an index however many cases there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, insert, text
from sqlalchemy.dialects import postgresql, sqlite

from db import cases as table
from db.engine import Database

GUILD, OTHER, MANY = 1 << 40, 2 << 40, 100_000
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
KINDS = ("warn", "note", "timeout", "ban", "kick")
QUERIES: dict[str, Select[Any]] = {
    "guild": table.pick_cases(GUILD),
    "page": table.pick_cases(GUILD, before_number=50_000),
    "target": table.pick_cases(GUILD, target_id=17),
    "moderator": table.pick_cases(GUILD, moderator_id=3, before_number=70_000),
    "kind": table.pick_cases(GUILD, kinds=["ban"]),
    "kinds": table.pick_cases(GUILD, kinds=["ban", "kick"], before_number=70_000),
    "points": table.pick_points(GUILD, 17, NOW, ["applied", "ended"]),
}


@pytest.fixture
async def full(database: Database) -> Database:
    """A database with 100,000 cases of one guild, and some of another."""
    rows = [make_row(GUILD, number) for number in range(1, MANY + 1)]
    rows += [make_row(OTHER, number) for number in range(1, 1_001)]
    async with database.write() as session:
        connection = await session.connection()
        for start in range(0, len(rows), 5_000):
            await connection.execute(insert(table.Case), rows[start : start + 5_000])
    async with database.write() as session:
        await session.execute(text("ANALYZE"))
    return database


def make_row(guild_id: int, number: int) -> dict[str, Any]:
    return {
        "guild_id": guild_id,
        "number": number,
        "kind": KINDS[0] if number % 1_000 else KINDS[number // 1_000 % len(KINDS)],
        "state": "applied",
        "target_id": number % 20_000,
        "target_is_bot": False,
        "moderator_id": number % 50,
        "source": "command",
        "points": 1,
        "created_at": NOW - timedelta(minutes=number),
        "delete_seconds": 0,
        "notify": False,
        "revision": 0,
        "details": {},
    }


async def test_lists_of_100_000_cases_read_along_an_index(full: Database):
    plans = {name: await explain(full, query) for name, query in QUERIES.items()}

    for name, plan in plans.items():
        assert "SCAN cases" not in plan, name
        assert "Seq Scan on cases" not in plan, name
        assert "index" in plan.lower(), name
    # The order comes from the index, too; where it does not, a page of rows is all that is sorted.
    for name in ("guild", "page", "moderator"):
        assert "TEMP B-TREE" not in plans[name], name
        assert "Sort" not in plans[name], (name, plans[name])


async def test_pages_hold_what_they_should(full: Database):
    async with full.read() as session:
        page = await table.list_cases(session, GUILD, kinds=["ban", "kick"], limit=3)
        points = await table.sum_points(session, GUILD, 17, NOW, ["applied"])

    assert [case.number for case in page] == [99_000, 98_000, 94_000]
    assert points == 5


async def explain(database: Database, query: Select[Any]) -> str:
    if database.dialect == "sqlite":
        compiled, prefix = query.compile(dialect=sqlite.dialect(), **_INLINE), "EXPLAIN QUERY PLAN"
    else:
        compiled, prefix = query.compile(dialect=postgresql.dialect(), **_INLINE), "EXPLAIN"
    async with database.read() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(f"{prefix} {compiled}")
        return "\n".join(str(row[-1]) for row in rows)


_INLINE: dict[str, Any] = {"compile_kwargs": {"literal_binds": True}}
