"""Winners who could not claim because the bot was away can claim when it is back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cogs.giveaways.rules import SHORTEST_CLAIM
from db.engine import Database
from db.giveaways import EXPIRED, PENDING
from tests.cogs.giveaways.stage import HOUR, Stage, make_stage


@pytest.fixture
async def stage(database: Database) -> Stage:
    return make_stage(database)


@pytest.mark.parametrize(
    ("away", "more"),
    [
        (timedelta(minutes=3), SHORTEST_CLAIM),
        (timedelta(minutes=30), timedelta(minutes=30)),
        (timedelta(days=2), HOUR),
    ],
)
async def test_time_that_ran_out_meanwhile_is_made_up_for(
    stage: Stage, away: timedelta, more: timedelta
) -> None:
    giveaway = await stage.add(winner_count=2, claim_seconds=3600)
    await stage.fill(giveaway, 4)
    await stage.end(giveaway)
    await stage.wait(HOUR + away)

    first, second = await stage.drawn(giveaway)
    assert {first.claim_until, second.claim_until} == {stage.clock.now() + more}
    (told,) = [one for one in stage.said() if "I was away" in one]
    assert f"<@{first.user_id}>" in told
    assert first.user_id is not None
    assert (await stage.winning.claim(first.id, first.user_id)).is_new

    await stage.wait(more)
    await stage.wait(10)
    _, second, third = await stage.drawn(giveaway)
    assert (second.state, third.state) == (EXPIRED, PENDING)


async def test_who_claimed_before_is_not_told(stage: Stage) -> None:
    giveaway = await stage.add(claim_seconds=3600)
    await stage.fill(giveaway, 2)
    await stage.end(giveaway)
    (winner,) = await stage.drawn(giveaway)
    assert winner.user_id is not None
    await stage.winning.claim(winner.id, winner.user_id)
    await stage.wait(timedelta(days=1))
    assert not [one for one in stage.said() if "I was away" in one]
