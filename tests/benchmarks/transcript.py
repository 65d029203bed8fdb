"""A ticket's transcript: how long the loop does nothing else while it is made.

On the loop, as peers do it, against in a thread as the bot does; both in one run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cogs.tickets.transcript import Record, to_html
from db.ticket_messages import TicketMessage
from db.tickets import Ticket
from tests.benchmarks.memory import settled

_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
_TICK = 0.002


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way of making it takes: milliseconds in all, and the loop's longest delay."""

    name: str
    total: float
    delay: float


async def compare(messages: int) -> list[Cost]:
    """Return what both ways cost for so many messages, on the loop first."""
    record = _make(messages)
    to_html(_make(1))
    with settled():
        return [
            await measure("on the loop", lambda: _on_loop(record)),
            await measure("in a thread", lambda: asyncio.to_thread(to_html, record)),
        ]


async def _on_loop(record: Record) -> str:
    return to_html(record)


async def measure(name: str, make: Callable[[], Awaitable[object]]) -> Cost:
    """Return how long something takes, and for how long at most the loop was held by it."""
    delays: list[float] = []

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_TICK)
            delays.append(time.perf_counter() - before - _TICK)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(_TICK * 5)
    begin = time.perf_counter()
    await make()
    total = time.perf_counter() - begin
    await asyncio.sleep(_TICK * 5)
    ticking.cancel()
    return Cost(name, total * 1e3, max(delays) * 1e3)


def _make(messages: int) -> Record:
    ticket = Ticket(
        number=1,
        category="Help",
        user_id=1,
        priority="normal",
        labels=[],
        answers=[],
        created_at=_AT,
    )
    text = "**Message** {n} about `things`, see https://example.org/{n} and <@1>. " + "Words " * 20
    rows = [
        TicketMessage(
            message_id=number,
            author_id=1,
            author_name="Ada",
            is_bot=False,
            is_staff=number % 2 == 0,
            content=text.format(n=number),
            extras={},
            created_at=_AT,
        )
        for number in range(1, messages + 1)
    ]
    return Record(ticket=ticket, guild_name="Harbour", messages=rows, names={"@1": "Ada"})
