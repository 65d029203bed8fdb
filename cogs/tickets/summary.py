"""Reads what a guild's figures are made of, in pages, and has them counted in a thread."""

from __future__ import annotations

import asyncio
from datetime import datetime

from cogs.tickets.deadlines import STEPS
from cogs.tickets.figures import Figures, Late, count_up
from db import ticket_quality as table
from db.engine import Database
from db.ticket_quality import Opened, Rated

MOST_COUNTED = 10_000
# Each page takes the loop a few milliseconds; others get their turn in between.
_PAGE = 500


async def sum_up(database: Database, guild_id: int, since: datetime, zone: str) -> Figures:
    """Return the figures of the newest tickets since an instant, of at most ten thousand."""
    tickets = await _read_opened(database, guild_id, since)
    ratings = await _read_ratings(database, guild_id, since)
    late, is_cut = await _read_late(database, guild_id, since), len(tickets) > MOST_COUNTED
    return await asyncio.to_thread(
        count_up, tickets[:MOST_COUNTED], ratings, zone, late=late, is_cut=is_cut
    )


async def _read_late(database: Database, guild_id: int, since: datetime) -> Late:
    async with database.read() as session:
        steps = await table.count_events(session, guild_id, since, STEPS)
    return Late(*(steps.get(one, 0) for one in STEPS))


async def _read_opened(database: Database, guild_id: int, since: datetime) -> list[Opened]:
    found: list[Opened] = []
    before: int | None = None
    async with database.read() as session:
        while len(found) <= MOST_COUNTED:
            page = await table.list_opened(session, guild_id, since, _PAGE, before=before)
            found += page
            if len(page) < _PAGE:
                break
            before = page[-1].number
    return found


async def _read_ratings(database: Database, guild_id: int, since: datetime) -> list[Rated]:
    found: list[Rated] = []
    async with database.read() as session:
        while len(found) < MOST_COUNTED:
            after = found[-1].ticket_id if found else 0
            page = await table.list_ratings(session, guild_id, since, after=after, limit=_PAGE)
            found += page
            if not page:
                break
    return found
