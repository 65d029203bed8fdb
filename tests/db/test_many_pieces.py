"""Pieces of thousands of lots are given back at once, however many values a statement takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from db.economy_inventory import NEVER, Lot, Pieces, add_pieces, add_pieces_of
from db.engine import Database

GUILD, START = 1, datetime(2026, 1, 1, tzinfo=UTC)


async def test_more_lots_than_a_statement_takes_are_given(database: Database) -> None:
    pieces = {
        (user_id, 7, START + timedelta(minutes=end)): 2
        for user_id in range(1, 71)
        for end in range(100)
    }
    async with database.write() as session:
        await add_pieces(session, GUILD, 1, 7, [Pieces(START, 1), Pieces(NEVER, 5)])
        await add_pieces_of(session, GUILD, pieces)
        await add_pieces_of(session, GUILD, {(1, 7, NEVER): 3})

    async with database.read() as session:
        query = select(func.count(), func.sum(Lot.quantity)).where(Lot.guild_id == GUILD)
        assert tuple((await session.execute(query)).one()) == (7001, 14_009)
