"""Claims cost the same however many wishes are due."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import text

from bot.core.roles import PRIORITIES, RoleSource
from bot.core.roles.runner import BATCH
from db import role_wish_claims as table
from tests.bot.core.roles.world import GUILD, OTHER_GUILD, RED, World, change

# A few milliseconds are usual; sorting all that are due takes more than a hundred.
MOST_SECONDS = 0.04


def test_claims_look_at_every_priority_there_is() -> None:
    assert set(table.PRIORITIES) == set(PRIORITIES.values())


async def test_claim_is_quick_while_a_hundred_thousand_are_due(world: World) -> None:
    await world.want_all(change(user_id, RED) for user_id in range(5_000, 95_000))
    await world.want_all(
        change(user_id, RED, guild_id=OTHER_GUILD) for user_id in range(5_000, 15_000)
    )
    await world.want(change(99_999, RED, source=RoleSource.COMMAND))
    now, spans = world.clock.now(), []
    async with world.database.write() as session:
        # Until autovacuum comes by, within a minute, PostgreSQL knows nothing of rows so new, and
        # sorts all that are due: a tenth of a second.
        await session.execute(text("ANALYZE role_wishes"))
        for claim in range(1, 7):
            begun = time.perf_counter()
            guilds = await table.list_due_guilds(session, now=now, limit=8, without=(), shards=None)
            rows = await table.claim_wishes(
                session,
                GUILD,
                now=now,
                claim=claim,
                lease_until=now + timedelta(minutes=1),
                limit=BATCH,
            )
            await table.get_next_due(session, without={GUILD}, shards=None)
            spans.append(time.perf_counter() - begun)
            assert guilds == [GUILD, OTHER_GUILD]
            assert len(rows) == BATCH
            assert (rows[0].user_id == 99_999) == (claim == 1)
    assert min(spans) < MOST_SECONDS, spans
