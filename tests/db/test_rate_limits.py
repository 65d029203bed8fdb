"""Blocks of repeat offenders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db import rate_limits
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def block(database: Database, user_id: int, until: datetime, strikes: int = 1) -> None:
    async with database.write() as session:
        await rate_limits.save_block(
            session, user_id=user_id, limit_class="heavy", blocked_until=until, strikes=strikes
        )


async def test_block_is_replaced_by_the_next(database: Database) -> None:
    await block(database, 1, NOW)
    await block(database, 1, NOW + HOUR, 2)
    async with database.read() as session:
        [row] = await rate_limits.list_blocks(session)
    assert (row.user_id, row.limit_class) == (1, "heavy")
    assert (row.blocked_until, row.strikes) == (NOW + HOUR, 2)


async def test_list_blocks_in_force_puts_the_worst_first(database: Database) -> None:
    await block(database, 1, NOW + HOUR, 1)
    await block(database, 2, NOW + HOUR, 3)
    await block(database, 3, NOW, 9)
    async with database.read() as session:
        active = await rate_limits.list_blocks(session, active_at=NOW)
        worst = await rate_limits.list_blocks(session, limit=1)
    assert [row.user_id for row in active] == [2, 1]
    assert [row.user_id for row in worst] == [3]


async def test_expired_blocks_are_gone(database: Database) -> None:
    await block(database, 1, NOW + HOUR)
    await block(database, 2, NOW - HOUR)
    async with database.write() as session:
        assert await rate_limits.delete_blocks_before(session, NOW) == 1
        assert [row.user_id for row in await rate_limits.list_blocks(session)] == [1]
