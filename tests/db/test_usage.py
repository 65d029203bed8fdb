"""Command usage: what was rolled up and what was not add up to the same totals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db import usage
from db.engine import Database
from db.usage import Activity, CommandCount, UsageRecord

NOW = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)


def use(
    command: str = "help", *, days: float = 0, user: int = 1, guild: int | None = 1, **more: Any
) -> UsageRecord:
    values: dict[str, Any] = {"kind": "slash", "outcome": "ok", "duration_ms": 12} | more
    return UsageRecord(
        user_id=user,
        guild_id=guild,
        command=command,
        created_at=NOW - timedelta(days=days),
        **values,
    )


async def record(database: Database, *records: UsageRecord) -> None:
    async with database.write() as session:
        await usage.add_usage_batch(session, records)


async def top(database: Database, since: datetime = LONG_AGO, **more: Any) -> list[CommandCount]:
    async with database.read() as session:
        return await usage.get_top_commands(session, since=since, **more)


async def roll_up(database: Database, before: date) -> int:
    async with database.write() as session:
        return await usage.roll_up(session, before=before)


async def test_empty_batch_writes_nothing(database: Database) -> None:
    await record(database)
    assert await top(database) == []


async def test_top_commands_are_ordered_by_use_then_name(database: Database) -> None:
    await record(database, use("b"), use("a"), use("c"), use("c", user=2), use("c", guild=None))
    assert await top(database) == [CommandCount("c", 3), CommandCount("a", 1), CommandCount("b", 1)]
    assert await top(database, limit=1) == [CommandCount("c", 3)]
    assert await top(database, guild_id=1, limit=1) == [CommandCount("c", 2)]


async def test_what_was_refused_is_no_activity(database: Database) -> None:
    refused = [use("help", outcome=outcome, user=9) for outcome in ("denied", "cooldown")]
    old = [use("ban", days=5, outcome="denied", user=9), use("ban", days=5)]
    await record(database, use("help"), *refused, *old)
    expected = Activity(
        daily_actions=1, weekly_actions=2, daily_active_users=1, daily_active_guilds=1
    )
    for _ in range(2):  # as single uses, and rolled up
        assert await top(database) == [CommandCount("ban", 1), CommandCount("help", 1)]
        async with database.read() as session:
            assert await usage.get_activity(session, NOW) == expected
        await roll_up(database, before=NOW.date())
    async with database.read() as session:
        (day,) = await usage.list_activity_days(session, since=LONG_AGO.date())
    assert (day.actions, day.users) == (1, 1)


async def test_top_commands_start_at_the_instant(database: Database) -> None:
    await record(database, use("old", days=8), use("new", days=6))
    assert await top(database, NOW - timedelta(days=7)) == [CommandCount("new", 1)]


@pytest.mark.parametrize("rolled_up_to", [0, 3, 30])
async def test_roll_up_changes_no_total(database: Database, rolled_up_to: int) -> None:
    records = [
        use("help", days=day, user=user, guild=guild)
        for day in (0, 1, 2, 5, 20, 40)
        for user in (1, 2)
        for guild in (1, 2)
    ]
    await record(database, *records, use("ping", days=40, outcome="E005"))
    before = await top(database)
    await roll_up(database, (NOW - timedelta(days=rolled_up_to)).date())
    assert await top(database) == before


async def test_roll_up_counts_people_once_a_day(database: Database) -> None:
    await record(
        database,
        use("help", days=5, user=1),
        use("help", days=5, user=1),
        use("ping", days=5, user=2, guild=2),
        use("ping", days=5, user=1, guild=None),
    )
    assert await roll_up(database, NOW.date()) == 4
    async with database.read() as session:
        [day] = await usage.list_activity_days(session, since=LONG_AGO.date())
    assert (day.day, day.actions) == ((NOW - timedelta(days=5)).date(), 4)
    assert (day.users, day.guilds) == (2, 2)


async def test_roll_up_twice_and_of_latecomers_adds_up(database: Database) -> None:
    await record(database, use(days=5), use(days=5, user=2))
    await roll_up(database, NOW.date())
    assert await roll_up(database, NOW.date()) == 0
    await record(database, use(days=5))
    await roll_up(database, NOW.date())
    assert await top(database) == [CommandCount("help", 3)]


async def test_activity_counts_the_last_day_and_week(database: Database) -> None:
    await record(
        database,
        use(user=1, guild=1),
        use(user=1, guild=2, days=0.5),
        use(user=2, guild=None, days=0.9),
        use(user=3, days=1.1),
        use(user=4, days=6.9),
        use(user=5, days=7.1),
    )
    async with database.read() as session:
        assert await usage.get_activity(session, NOW) == Activity(3, 5, 2, 2)


async def test_activity_of_nothing_is_zero(database: Database) -> None:
    async with database.read() as session:
        assert await usage.get_activity(session, NOW) == Activity(0, 0, 0, 0)


async def test_delete_days_before_forgets_old_totals(database: Database) -> None:
    await record(database, use("old", days=40), use("new", days=5))
    await roll_up(database, NOW.date())
    async with database.write() as session:
        assert await usage.delete_days_before(session, (NOW - timedelta(days=30)).date()) == 2
    assert await top(database) == [CommandCount("new", 1)]
