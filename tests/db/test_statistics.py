"""The counts of the statistics endpoint."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import guilds, statistics
from db.engine import Database
from db.guilds import SeenGuild, SeenUser

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


async def test_every_count_is_there_from_the_start(database: Database) -> None:
    async with database.read() as session:
        assert await statistics.get_database_counts(session, {}) == {
            "guilds": 0,
            "users": 0,
            "tracked_guilds": 0,
            "economy_users": 0,
            "open_tickets": 0,
            "active_giveaways": 0,
        }


async def test_features_bring_their_own_counts(database: Database) -> None:
    async def count_tickets(session: AsyncSession) -> int:
        return await guilds.count_users(session) * 10

    async with database.write() as session:
        await guilds.save_guilds(session, [SeenGuild(1, "A", NOW), SeenGuild(2, "B", NOW)])
        await guilds.mark_guilds_left(session, {2: NOW})
        await guilds.save_users(session, [SeenUser(1, None, None, NOW)])
        counts = await statistics.get_database_counts(session, {"open_tickets": count_tickets})
    assert (counts["guilds"], counts["tracked_guilds"], counts["users"]) == (1, 2, 1)
    assert (counts["open_tickets"], counts["active_giveaways"]) == (10, 0)
