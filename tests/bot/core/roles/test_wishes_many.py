"""Claims cost the same however many wishes are due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from sqlalchemy import text

from bot.core.roles import PRIORITIES, RoleSource
from bot.core.roles.runner import BATCH
from db import role_wish_claims as table
from tests.bot.core.roles.world import GUILD, OTHER_GUILD, RED, World, change

CLAIMS = 6
# Twice is usual; sorting all that are due takes thirty times as long as sorting few.
MOST_TIMES = 10


def test_claims_look_at_every_priority_there_is() -> None:
    assert set(table.PRIORITIES) == set(PRIORITIES.values())


async def test_claim_costs_no_more_while_a_hundred_thousand_are_due(world: World) -> None:
    numbers = count(1)
    few = CLAIMS * BATCH
    await world.want_all(change(user_id, RED) for user_id in range(5_000, 5_000 + few))
    await world.want(change(5_000, RED, guild_id=OTHER_GUILD))
    with_few = await _claim(world, numbers)
    await world.want_all(change(user_id, RED) for user_id in range(10_000, 100_000))
    await world.want_all(
        change(user_id, RED, guild_id=OTHER_GUILD) for user_id in range(6_000, 16_000)
    )
    await world.want(change(199_999, RED, source=RoleSource.COMMAND))
    with_many = await _claim(world, numbers, first=199_999)
    assert with_many < MOST_TIMES * with_few


async def _claim(world: World, numbers: Iterator[int], *, first: int | None = None) -> float:
    """Claim some times, `first` before all others; return the seconds that the quickest took."""
    now, spans = world.clock.now(), []
    async with world.database.write() as session:
        # Until autovacuum comes by, within a minute, PostgreSQL knows nothing of rows so new, and
        # sorts all that are due.
        await session.execute(text("ANALYZE role_wishes"))
        for turn in range(CLAIMS):
            begun = time.perf_counter()
            guilds = await table.list_due_guilds(session, now=now, limit=8, without=(), shards=None)
            rows = await table.claim_wishes(
                session,
                GUILD,
                now=now,
                claim=next(numbers),
                lease_until=now + timedelta(minutes=1),
                limit=BATCH,
            )
            await table.get_next_due(session, without={GUILD}, shards=None)
            spans.append(time.perf_counter() - begun)
            assert guilds == [GUILD, OTHER_GUILD]
            assert len(rows) == BATCH
            assert (rows[0].user_id == first) == (first is not None and turn == 0)
    return min(spans)
