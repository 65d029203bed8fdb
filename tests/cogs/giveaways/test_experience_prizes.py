"""Winners are given experience with their prize, once, where the host may have it given."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict
from bot.core.leveling import GIFT_JOB, LEVELS
from bot.core.money import Currency
from cogs.giveaways.wording import rewards_of
from db.engine import Database
from db.jobs import list_jobs
from db.level_gifts import LevelGift
from db.level_totals import lock_totals
from tests.cogs.giveaways.rows import make_giveaway
from tests.cogs.giveaways.stage import HOST, HOUR, Stage, make_stage
from tests.cogs.giveaways.test_prize_commands import (
    PrizeDesk,
    desk,  # noqa: F401 - a fixture
    let_give,
    start,
    stored,
)
from tests.cogs.giveaways.test_rewarding import ended
from tests.cogs.giveaways.test_running import say_yes, work

PRIZE = 500


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


async def drawn(stage: Stage, entrants: int = 6, **values: Any) -> tuple[Any, list[Any]]:
    return await ended(stage, entrants, **({"prize_amount": None, "prize_xp": PRIZE} | values))


async def gifts(stage: Stage) -> list[LevelGift]:
    async with stage.database.read() as session:
        return list(await session.scalars(select(LevelGift).order_by(LevelGift.key)))


# --- given with the prize -------------------------------------------------------------------------


async def test_winners_who_need_not_claim_are_promised_it_with_the_draw(stage: Stage) -> None:
    giveaway, winners = await drawn(stage, winner_count=3)

    found = await gifts(stage)
    assert {one.user_id: one.xp for one in found} == {one.user_id: PRIZE for one in winners}
    assert {one.key for one in found} == {
        f"giveaway:{giveaway}:prize:0:{one.position}" for one in winners
    }
    letter = stage.letters()[winners[0].user_id]["content"]
    assert "500 experience is counted for you there." in letter
    # All of them are one job.
    async with stage.database.read() as session:
        [job] = await list_jobs(session, kind=GIFT_JOB)
    assert job.payload == {"keys": [one.key for one in found]}


async def test_claim_gives_once_however_often_it_is_pressed(stage: Stage) -> None:
    giveaway, (winner,) = await drawn(stage, claim_seconds=3600)
    assert await gifts(stage) == []

    await asyncio.gather(
        *(stage.winning.claim(winner.id, winner.user_id) for _ in range(3)),
        stage.winning.claim_in(giveaway, winner.user_id),
    )

    assert [(one.user_id, one.xp) for one in await gifts(stage)] == [(winner.user_id, PRIZE)]


async def test_prize_that_nobody_claims_is_theirs_who_are_drawn_for_it(stage: Stage) -> None:
    giveaway, (first,) = await drawn(stage, claim_seconds=3600)
    await stage.wait(HOUR)
    second: Any = (await stage.drawn(giveaway))[-1]
    with pytest.raises(Conflict):
        await stage.winning.claim(first.id, first.user_id)
    await stage.winning.claim(second.id, second.user_id)

    assert [one.user_id for one in await gifts(stage)] == [second.user_id]


async def test_draw_again_takes_nothing_back(stage: Stage) -> None:
    giveaway, (first,) = await drawn(stage)
    await stage.winning.reroll(giveaway, by=HOST, user_id=first.user_id)
    await stage.settle()

    winners = {one.user_id for one in await stage.drawn(giveaway)}
    assert {one.user_id for one in await gifts(stage)} == winners
    assert len(winners) == 2


def test_everything_that_is_won_is_said_together() -> None:
    coins = Currency("coins", "🪙")
    values = {"prize_amount": 5, "prize_xp": 1500, "reward_role_id": 7}

    def said(*names: str) -> str:
        giveaway = make_giveaway(**{name: values[name] for name in names})
        given = rewards_of(giveaway, coins)
        return "" if given is None else given.render("en")

    assert said() == ""
    assert said("prize_xp") == "1,500 experience"
    assert said("prize_xp", "reward_role_id") == "1,500 experience and <@&7>"
    assert said("prize_amount", "prize_xp") == "🪙 5 and 1,500 experience"
    assert said(*values) == "🪙 5, 1,500 experience and <@&7>"


# --- promised by those who may --------------------------------------------------------------------


async def let_level(desk: PrizeDesk) -> None:  # noqa: F811
    """Have the host manage levels, which are on."""
    await desk.bench.kernel.permissions.grant(desk.guild.id, desk.host.id, LEVELS, actor=SYSTEM)
    await switch(desk, on=True)


async def switch(desk: PrizeDesk, *, on: bool) -> None:  # noqa: F811
    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, LEVELS, {}, enabled=on, actor=SYSTEM)


async def test_prize_is_promised_shown_given_and_counted(desk: PrizeDesk) -> None:  # noqa: F811
    await let_level(desk)
    assert "is on its way" in await start(desk, experience=1250)
    await work(desk)
    message = desk.channel.last_message
    assert "**Each winner gets:** 1,250 experience" in (message.embeds[0].description or "")
    await desk.ada.click(message, label="Enter")
    await say_yes(desk, "giveaway end", giveaway="1")
    await work(desk)

    async with desk.bench.kernel.database.write() as session:
        totals = await lock_totals(session, desk.guild.id, [desk.ada.id])
    assert (totals[desk.ada.id].xp, totals[desk.ada.id].level) == (1250, 5)
    why = await desk.ask(desk.ada, "levels why")
    assert "🎁 Given: 1,250 experience" in why.content
    assert "Won giveaway 1." in why.content


async def test_host_without_levels_gives_no_experience(desk: PrizeDesk) -> None:  # noqa: F811
    await switch(desk, on=True)
    await let_give(desk)
    assert "Only whoever manages levels" in await start(desk, experience=5)
    options = {"prize": "x", "start": "2h", "duration": "1h", "winners": 1, "experience": 5}
    for more in ({}, {"repeat": "daily"}):
        said = (await desk.ask(desk.host, "giveaway schedule", **options, **more)).content
        assert "Only whoever manages levels" in said
    assert await stored(desk) == []


async def test_promise_is_raised_and_drawn_again_only_by_those(desk: PrizeDesk) -> None:  # noqa: F811
    await let_level(desk)
    await start(desk, experience=5)
    permissions = desk.bench.kernel.permissions
    await permissions.revoke(desk.guild.id, desk.host.id, LEVELS, actor=SYSTEM)
    for more in ({"winners": 50}, {"experience": 6}):
        said = (await desk.ask(desk.host, "giveaway edit", giveaway="1", **more)).content
        assert "Only whoever manages levels" in said
    [giveaway] = await stored(desk)
    assert (giveaway.winner_count, giveaway.prize_xp) == (1, 5)

    await work(desk)
    await desk.ada.click(desk.channel.last_message, label="Enter")
    await say_yes(desk, "giveaway end", giveaway="1")
    said = (await desk.ask(desk.host, "giveaway reroll", giveaway="1", count=50)).content
    assert "Only whoever manages levels" in said


async def test_promise_can_be_taken_back(desk: PrizeDesk) -> None:  # noqa: F811
    await let_level(desk)
    await start(desk, experience=5)
    await desk.ask(desk.host, "giveaway edit", giveaway="1", experience=0)
    [giveaway] = await stored(desk)
    assert giveaway.prize_xp is None


async def test_levels_that_are_off_are_told_and_nothing_is_made(desk: PrizeDesk) -> None:  # noqa: F811
    await let_level(desk)
    await switch(desk, on=False)
    assert "Levels are switched off" in await start(desk, experience=5)
    assert await stored(desk) == []


@pytest.mark.parametrize("amount", [0, 10**9 + 1])
async def test_amount_beyond_its_bounds_is_refused(desk: PrizeDesk, amount: int) -> None:  # noqa: F811
    await let_level(desk)
    assert "1 to 1,000,000,000 experience" in await start(desk, experience=amount)
    assert await stored(desk) == []
