"""Many giveaways that end in the same second: how long until each is drawn and all is said.

Jobs and outbox work as in the bot, with a courier that takes no time. Beside it as many bare
transactions of one statement as that took: what is over them is the giveaways' own.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import event, func, select, update

from bot.core.clock import SystemClock
from cogs.giveaways.drawing import END_JOB
from db.engine import Database
from db.giveaways import ENDED, Giveaway
from tests.benchmarks.databases import on_each
from tests.cogs.giveaways.stage import CHANNEL, GUILD, Stage, fill, make_giveaway, use_board

# The list is closed, the winners are announced, one is written to, the message is edited.
_DELIVERIES, _ENTRIES = 4, 3
_PATIENCE, _LOOK = 300.0, 0.1


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds until something was done on one database; `of_bare` against bare transactions."""

    database: str
    what: str
    seconds: float
    of_bare: float


def compare(giveaways: int) -> list[Span]:
    """Return how long so many giveaways took on each database."""
    return on_each("ends", partial(_measure, giveaways))


async def _measure(giveaways: int, engine: str, database: Database) -> list[Span]:
    stage = Stage(database, SystemClock())
    use_board(stage)
    # As in the bot: others have their turn while the list of entries is being published.
    stage.drawing.patience = 0.0
    await _prepare(stage, giveaways)
    begun = [0]
    event.listen(database.engine.sync_engine, "begin", partial(_count, begun))
    before = time.perf_counter()
    running = [asyncio.ensure_future(one.run()) for one in (stage.jobs, stage.outbox)]
    await _until(lambda: _are_ended(database, giveaways))
    ended = time.perf_counter() - before
    await _until(lambda: _are_delivered(stage, giveaways * _DELIVERIES))
    delivered = time.perf_counter() - before
    transactions = begun[0]
    await asyncio.gather(stage.jobs.stop(), stage.outbox.stop())
    await asyncio.gather(*running)
    bare = await _bare(database, transactions)
    return [
        Span(engine, f"{transactions:,} bare transactions", bare, 1.0),
        Span(engine, f"{giveaways} giveaways, all drawn and ended", ended, ended / bare),
        Span(engine, "and all of it delivered", delivered, delivered / bare),
    ]


async def _prepare(stage: Stage, giveaways: int) -> None:
    now = stage.clock.now()
    rows = [
        make_giveaway(now, number=one, channel_id=CHANNEL + one, ends_at=now)
        for one in range(giveaways)
    ]
    async with stage.database.write() as session:
        session.add_all(rows)
    for giveaway in rows:
        await fill(stage.database, giveaway.id, _ENTRIES, now)
    async with stage.database.write() as session:
        for giveaway in rows:
            key = f"{END_JOB}:{giveaway.id}"
            await stage.jobs.schedule(session, END_JOB, now, dedupe_key=key, guild_id=GUILD)


def _count(begun: list[int], *_of: object) -> None:
    begun[0] += 1


async def _until(is_so: Any) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not await is_so():
            await asyncio.sleep(_LOOK)


async def _are_ended(database: Database, giveaways: int) -> bool:
    query = select(func.count()).select_from(Giveaway).where(Giveaway.status == ENDED)
    async with database.read() as session:
        return await session.scalar(query) == giveaways


async def _are_delivered(stage: Stage, deliveries: int) -> bool:
    return len(stage.courier.delivered) >= deliveries


async def _bare(database: Database, transactions: int) -> float:
    async with database.read() as session:
        one = (await session.scalars(select(Giveaway.id).limit(1))).one()
    before = time.perf_counter()
    for number in range(transactions):
        async with database.write() as session:
            await session.execute(
                update(Giveaway)
                .where(Giveaway.id == one)
                .values(revision=number)
                .execution_options(synchronize_session=False)
            )
    return time.perf_counter() - before
