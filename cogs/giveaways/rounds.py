"""Orders draws: the first of a giveaway, and those that follow it; free of discord.py."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cogs.giveaways.backstage import Backstage
from cogs.giveaways.verify import ROUNDS
from db import giveaway_draws as table

DRAW_JOB = "giveaways.draw"


def draw_key(giveaway_id: UUID, number: int) -> str:
    """Return the key of the job that makes a draw."""
    return f"{DRAW_JOB}:{giveaway_id}:{number}"


def read_draw_key(dedupe_key: str) -> tuple[UUID, int]:
    """Return the giveaway and the number of the draw that a job makes."""
    giveaway_id, _, number = dedupe_key.removeprefix(f"{DRAW_JOB}:").partition(":")
    return UUID(giveaway_id), int(number)


async def order_draw(
    stage: Backstage,
    session: AsyncSession,
    giveaway_id: UUID,
    guild_id: int,
    number: int,
    *,
    after: timedelta = timedelta(),
) -> None:
    """Have a draw made, at the earliest after the commit of the caller's transaction."""
    await stage.jobs.schedule(
        session,
        DRAW_JOB,
        stage.clock.now() + after,
        {"giveaway_id": str(giveaway_id), "round": number},
        dedupe_key=draw_key(giveaway_id, number),
        guild_id=guild_id,
        replace=False,
    )


async def hasten_draws(stage: Backstage, guild_ids: Collection[int]) -> int:
    """Have the draws made that wait for guilds which are there again; return how many waited.

    A draw looks for a guild that is away ever less often.
    """
    async with stage.database.read() as session:
        waiting = await table.list_undrawn(session)
    keys = sorted(draw_key(one.id, one.round) for one in waiting if one.guild_id in guild_ids)
    for key in keys:
        # One at a time: the jobs of a guild may be held by what is done there at this moment.
        async with stage.database.write() as session:
            await stage.jobs.hasten(session, key, stage.clock.now())
    return len(keys)


async def has_left(session: AsyncSession, giveaway_id: UUID) -> bool:
    """Tell whether somebody is in a giveaway's entries who was not drawn yet."""
    first = await table.get_round(session, giveaway_id, 0)
    return first is not None and await table.count_drawn(session, giveaway_id) < first.entry_count


async def draw_again(
    stage: Backstage,
    session: AsyncSession,
    giveaway_id: UUID,
    guild_id: int,
    *,
    wanted: int,
    by: int | None,
) -> bool:
    """Have further winners drawn from the same entries, without all who were drawn before.

    False when nobody is left, the giveaway has not ended, or has had all the draws there are seeds
    for.
    """
    if not await has_left(session, giveaway_id):
        return False
    number = await table.add_round(
        session,
        giveaway_id,
        wanted=wanted,
        requested_by=by,
        most=ROUNDS,
        now=stage.clock.now(),
    )
    if number is None:
        return False
    await order_draw(stage, session, giveaway_id, guild_id, number)
    return True
