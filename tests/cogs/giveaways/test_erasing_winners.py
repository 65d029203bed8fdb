"""Erasing a person while giveaways are drawn, claimed or drawn again blocks neither for ever."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import NotFound
from bot.core.jobs import Retry
from bot.core.ledger import Holder
from db import giveaway_draws, people
from db.economy import get_balance
from db.engine import Database
from db.giveaways import PENDING, REPLACED, SKIPPED, WON
from db.people import erase_person
from tests.cogs.economy.test_erasing_meanwhile import both, halted_after
from tests.cogs.giveaways.stage import GUILD, HOST, HOUR, Stage, make_stage
from tests.cogs.giveaways.test_giveaway_drawing import check, do_draw
from tests.cogs.giveaways.test_rewarding import balance, ended, pay

ANN, PRIZE = 1, 500
Meant = Callable[..., bool]


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


def erasing(name: str) -> Meant:
    return lambda _session, table, *_rest: bool(table.name == name)


def always(*_arguments: Any) -> bool:
    return True


async def erase(stage: Stage, user_id: int = ANN) -> None:
    async with stage.database.write() as session:
        await erase_person(session, user_id, now=stage.clock.now())


async def closed(stage: Stage, **values: Any) -> uuid.UUID:
    """Return a giveaway of Ann's own that she alone is in, closed and about to be drawn."""
    await pay(stage, Holder.MINT, ANN, 100, "seed")
    giveaway = await stage.add(host_id=ANN, created_by=ANN, **({"prize_amount": PRIZE} | values))
    await stage.fill(giveaway, 1)
    async with stage.database.write() as session:
        await stage.drawing.close(session, giveaway)
    return giveaway


async def draw(stage: Stage, giveaway: uuid.UUID) -> Any:
    """Draw as the job does; what is still to be published is."""
    while True:
        await stage.outbox.run_due()
        try:
            return await do_draw(stage, giveaway)
        except Retry:
            continue


async def test_erasing_the_host_in_the_midst_of_a_draw_that_they_win(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway = await closed(stage)
    async with halted_after(monkeypatch, giveaway_draws, "end_giveaway", at=always) as reached:
        await both(lambda: draw(stage, giveaway), reached, lambda: erase(stage))

    row = await stage.get(giveaway)
    assert (row.status, row.host_id) == ("ended", 0)
    assert [one.user_id for one in await stage.drawn(giveaway)] == [None]
    assert await balance(stage, ANN) == 0
    await check(stage, giveaway)


@pytest.mark.parametrize("prize_amount", [None, PRIZE])
async def test_nobody_wins_who_is_erased_while_the_winners_are_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, prize_amount: int | None
) -> None:
    """Their name would come back into the tables after they have had it erased."""
    giveaway = await closed(stage, prize_amount=prize_amount)
    real = stage.members.look_up

    async def look_up(*arguments: Any) -> Any:
        found = await real(*arguments)
        if not (await stage.entries(giveaway))[0].user_id:
            return found
        await erase(stage)
        return found

    monkeypatch.setattr(stage.members, "look_up", look_up)
    await draw(stage, giveaway)

    (drawn,) = await stage.drawn(giveaway)
    assert (drawn.user_id, drawn.state, drawn.reason) == (None, SKIPPED, "erased")
    assert await balance(stage, ANN) == 0
    assert stage.letters() == {}
    await check(stage, giveaway)


async def test_it_is_drawn_in_the_midst_of_erasing_the_host(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway = await closed(stage)
    at = erasing("giveaways")
    async with halted_after(monkeypatch, people, "erase_in", at=at) as reached:
        await both(lambda: erase(stage), reached, lambda: draw(stage, giveaway))

    (drawn,) = await stage.drawn(giveaway)
    assert (drawn.user_id, drawn.state) == (None, SKIPPED)
    assert await balance(stage, ANN) == 0


async def test_erasing_in_the_midst_of_a_claim(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway, (winner,) = await ended(stage, 1, host_id=ANN, claim_seconds=3600)
    await pay(stage, Holder.MINT, ANN, 100, "seed")
    async with halted_after(monkeypatch, giveaway_draws, "claim_prize", at=always) as reached:
        claimed, _erased = await both(
            lambda: stage.winning.claim(winner.id, ANN), reached, lambda: erase(stage)
        )

    assert claimed.is_new
    assert [(one.user_id, one.state) for one in await stage.drawn(giveaway)] == [(None, WON)]
    assert await balance(stage, ANN) == 0


async def test_a_prize_is_claimed_in_the_midst_of_erasing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was open, so it is still theirs, and forgotten once that is over."""
    giveaway, (winner,) = await ended(stage, 1, host_id=ANN, claim_seconds=3600)
    await pay(stage, Holder.MINT, ANN, 100, "seed")
    at = erasing("giveaway_winners")
    async with halted_after(monkeypatch, people, "erase_in", at=at) as reached:
        _erased, claimed = await both(
            lambda: erase(stage), reached, lambda: stage.winning.claim(winner.id, ANN)
        )

    assert claimed.is_new
    async with stage.database.write() as session:
        assert await people.erase_owed(session, stage.clock.now()) == 1
        assert await get_balance(session, GUILD, ANN) == PRIZE
    assert [(one.user_id, one.state) for one in await stage.drawn(giveaway)] == [(None, WON)]


async def test_erasing_the_host_in_the_midst_of_drawing_in_their_place(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway, _winners = await ended(stage, 2, host_id=ANN, winner_count=1, prize_amount=None)
    (winner,) = await stage.drawn(giveaway)
    await stage.change(giveaway, host_id=winner.user_id)
    async with halted_after(monkeypatch, giveaway_draws, "replace_winner", at=always) as reached:
        done, _erased = await both(
            lambda: stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id),
            reached,
            lambda: erase(stage, winner.user_id or 0),
        )

    assert done is None
    assert [one.state for one in await stage.drawn(giveaway)] == [REPLACED]
    assert (await stage.get(giveaway)).rounds == 2


async def test_drawing_in_the_hosts_place_in_the_midst_of_erasing_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway, _winners = await ended(stage, 2, winner_count=1, prize_amount=None)
    (winner,) = await stage.drawn(giveaway)
    await stage.change(giveaway, host_id=winner.user_id)
    at = erasing("giveaways")
    async with halted_after(monkeypatch, people, "erase_in", at=at) as reached:
        _erased, done = await both(
            lambda: erase(stage, winner.user_id or 0),
            reached,
            lambda: stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id),
        )

    assert isinstance(done, NotFound)
    assert (await stage.get(giveaway)).rounds == 1


@pytest.mark.parametrize("table", ["role_wishes", "giveaway_winners"])
async def test_a_winner_gives_way_in_the_midst_of_being_erased(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """What they were given is taken after their place, by both."""
    giveaway, (winner,) = await ended(stage, 2, reward_role_id=70)
    assert [one.want for one in await stage.wishes()] == [True]
    async with halted_after(monkeypatch, people, "erase_in", at=erasing(table)) as reached:
        _erased, done = await both(
            lambda: erase(stage, winner.user_id),
            reached,
            lambda: stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id),
        )
    await stage.settle()

    assert isinstance(done, NotFound)
    assert [one.user_id for one in await stage.drawn(giveaway)] == [None]
    assert await stage.wishes() == []


async def test_a_claim_runs_out_while_somebody_is_drawn_in_anothers_place(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway, winners = await ended(stage, 6, winner_count=2, claim_seconds=3600)
    one, other = winners
    stage.clock.advance(HOUR - timedelta(seconds=1))
    async with halted_after(monkeypatch, giveaway_draws, "replace_winner", at=always) as reached:

        async def run_out() -> None:
            stage.clock.advance(1)
            await stage.jobs.run_due()

        await both(
            lambda: stage.winning.reroll(giveaway, by=HOST, user_id=one.user_id), reached, run_out
        )
    await stage.wait(10)

    found = {row.id: row.state for row in await stage.drawn(giveaway)}
    assert (found[one.id], found[other.id]) == (REPLACED, "expired")
    assert list(found.values()).count(PENDING) == 2
    assert [row.wanted for row in await stage.rounds(giveaway)] == [2, 1, 1]
