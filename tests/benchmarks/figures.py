"""The figures of a guild's tickets: how long the loop does nothing else while they are made.

Read as objects at once and counted on the loop, against in pages of rows and counted in a thread as
the bot does; both in one run, on SQLite.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from cogs.tickets.figures import Figures, count_up
from cogs.tickets.summary import sum_up
from db.base import Base
from db.engine import Database
from db.statements import table_of
from db.ticket_messages import TicketMessage
from db.ticket_quality import TicketRating
from db.tickets import Ticket, TicketEvent
from tests.benchmarks.memory import settled
from tests.benchmarks.transcript import Cost, measure

_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
_GUILD = 1
_TABLES = (Ticket, TicketRating, TicketMessage, TicketEvent)


async def compare(tickets: int, folder: Path) -> list[Cost]:
    """Return what both ways cost for so many tickets, as objects first."""
    database = Database(f"sqlite:///{folder}/figures.db")
    since = _AT - timedelta(days=1)

    async def as_objects() -> Figures:
        async with database.read() as session:
            opened: Any = (await session.scalars(select(Ticket))).all()
            ratings: Any = (await session.scalars(select(TicketRating))).all()
        for one in opened:
            # Nobody has written in these.
            one.answered_by = None
        return count_up(opened, ratings, "Europe/Madrid")

    async def as_the_bot_does() -> Figures:
        return await sum_up(database, _GUILD, since, "Europe/Madrid")

    ways: dict[str, Callable[[], Awaitable[Figures]]] = {
        "objects, on the loop": as_objects,
        "pages of rows, in a thread": as_the_bot_does,
    }
    try:
        await _fill(database, tickets)
        # The first time compiles the statements, which takes as long for one ticket.
        results = [await make() for make in ways.values()]
        if results[0] != results[1]:
            raise RuntimeError("the figures differ")
        del results
        with settled():
            return [await measure(name, make) for name, make in ways.items()]
    finally:
        await database.close()


async def _fill(database: Database, count: int) -> None:
    async with database.engine.begin() as connection:
        tables = [table_of(one) for one in _TABLES]
        await connection.run_sync(Base.metadata.create_all, tables=tables)
        await connection.execute(insert(Ticket), [_ticket(one) for one in range(1, count + 1)])
        ratings = [
            {
                "ticket_id": one,
                "guild_id": _GUILD,
                "user_id": 2,
                "stars": one % 5 + 1,
                "rated_at": _AT,
            }
            for one in range(1, count + 1)
        ]
        await connection.execute(insert(TicketRating), ratings)


def _ticket(number: int) -> dict[str, Any]:
    opened = _AT + timedelta(minutes=number)
    return {
        "id": number,
        "guild_id": _GUILD,
        "number": number,
        "category": "Help",
        "user_id": 100 + number,
        "request_id": number,
        "status": "closed",
        "mode": "thread",
        "room_lost": False,
        "name": f"help-{number}",
        "renamed_at": [],
        "room_state": {},
        "claimed_by": number % 20 + 1,
        "priority": "normal",
        "labels": [],
        "staff_roles": [],
        "answers": [{"key": "q", "label": "What", "kind": "line", "shown": ["It breaks"]}],
        "origin": {},
        "created_at": opened,
        "first_reply_at": opened + timedelta(seconds=number % 900),
        "closed_at": opened + timedelta(hours=number % 50),
        "exempt": False,
        "level": 0,
        "revision": 1,
    }
