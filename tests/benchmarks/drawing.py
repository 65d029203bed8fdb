"""A draw of many entries: how long the loop does nothing else meanwhile.

As the bot draws, against the draw alone made on the loop; both in one run, on SQLite.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from cogs.giveaways.verify import digest_of
from db.engine import Database
from tests.benchmarks.draw import GIVEAWAY, draw_provably
from tests.benchmarks.memory import settled
from tests.cogs.giveaways.stage import make_stage

_WINNERS = 50
_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Held:
    """Seconds that the loop's thread worked on end: with the draw on it, and as the bot draws."""

    at_once: float
    longest: float


async def compare(entries: int, database: Database) -> Held:
    """Return how long the loop is held by a draw of so many entries."""
    with settled():
        longest = await _as_the_bot_does(database, entries)
        return Held(_on_the_loop(entries), longest)


def _on_the_loop(count: int) -> float:
    entries = [(digest_of(GIVEAWAY, user_id, "00" * 16), _WEIGHT) for user_id in range(count)]
    before = time.thread_time()
    draw_provably(entries)
    return time.thread_time() - before


async def _as_the_bot_does(database: Database, count: int) -> float:
    stage = make_stage(database)
    giveaway = await stage.add(winner_count=_WINNERS)
    await stage.fill(giveaway, count, _WEIGHT)
    async with database.write() as session:
        await stage.drawing.close(session, giveaway, by=None)
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            # What the loop's own thread works, which other processes don't lengthen.
            before = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - before)

    ticking = asyncio.ensure_future(tick())
    await stage.settle()
    ticking.cancel()
    drawn = len(await stage.drawn(giveaway))
    if drawn != _WINNERS:
        raise RuntimeError(f"{drawn} were drawn instead of {_WINNERS}")
    return longest
