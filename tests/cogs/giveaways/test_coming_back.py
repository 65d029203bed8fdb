"""What waits for a guild that the bot is not in goes on as soon as it is there again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cogs.giveaways.rounds import hasten_draws
from db.engine import Database
from db.giveaways import DRAWING, ENDED, WON, Giveaway
from tests.cogs.giveaways.stage import GUILD, HOST, Stage, make_stage
from tests.cogs.giveaways.test_proving import Desk
from tests.cogs.giveaways.test_running import desk as desk
from tests.cogs.giveaways.test_running import enter, held, rows, say_yes, work


@pytest.fixture
async def stage(database: Database) -> Stage:
    return make_stage(database)


async def be_away(stage: Stage, hours: int) -> None:
    """Let hours pass in which the bot is not in the guild."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.view, "guild", lambda _guild_id: None)
        for _ in range(12 * hours):
            await stage.wait(timedelta(minutes=5))


async def test_giveaway_is_drawn_as_soon_as_the_bot_is_back(stage: Stage) -> None:
    """It looks once an hour by then, so members would wait for as long."""
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    await be_away(stage, 4)
    assert (await stage.get(giveaway)).status == DRAWING

    assert await hasten_draws(stage.backstage, {GUILD + 1}) == 0
    assert await hasten_draws(stage.backstage, {GUILD}) == 1
    await stage.settle()
    assert (await stage.get(giveaway)).status == ENDED
    assert await hasten_draws(stage.backstage, {GUILD}) == 0


async def test_further_draw_is_made_as_soon_as_the_bot_is_back(stage: Stage) -> None:
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    await stage.end(giveaway)
    await stage.winning.reroll(giveaway, by=HOST)
    await be_away(stage, 4)
    assert len(await stage.drawn(giveaway)) == 1

    assert await hasten_draws(stage.backstage, {GUILD}) == 1
    await stage.settle()
    assert [one.state for one in await stage.drawn(giveaway)] == [WON, WON]


@pytest.mark.parametrize("how", ["added", "connected"])
async def test_bot_that_comes_back_draws_what_ended_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await enter(desk.ada, await held(desk))
    cog: Any = desk.bench.bot.get_cog("Giveaways")
    state: Any = desk.bench.kernel.state()
    with monkeypatch.context() as patch:
        patch.setattr(state, "guild", lambda _guild_id: None)
        await say_yes(desk, "giveaway end", giveaway="1")
    (giveaway,) = await rows(desk, Giveaway)
    assert giveaway.status == DRAWING

    guild: Any = desk.bench.bot.get_guild(desk.guild.id)
    if how == "added":
        await cog.on_guild_join(guild)
    else:
        await cog.on_shard_ready(guild.shard_id)
    await work(desk)
    (giveaway,) = await rows(desk, Giveaway)
    assert giveaway.status == ENDED
