"""Winners are given currency and roles with their prize, once, and nobody else is."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied, DiscordFailed
from bot.core.ledger import (
    Entry,
    Holder,
    InsufficientFunds,
    Move,
    TooMuch,
    TransactionKind,
    post,
    undo,
)
from bot.core.money import ECONOMY
from db.economy import MAX_BALANCE, Transaction, get_balance
from db.economy_books import list_own_balances
from db.engine import Database
from db.giveaways import PENDING, WON, GiveawayLoan
from tests.cogs.giveaways.stage import GUILD, HOST, HOUR, Stage, make_stage

ROLE, PRIZE = 70, 500
DAY = timedelta(days=1)


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


@pytest.fixture
def sqlite_stage(sqlite_database: Database) -> Stage:
    return make_stage(sqlite_database)


async def ended(stage: Stage, entrants: int = 6, **values: Any) -> tuple[uuid.UUID, list[Any]]:
    """Return a giveaway that was drawn, and its winners."""
    giveaway = await stage.add(**({"prize_amount": PRIZE} | values))
    await stage.fill(giveaway, entrants)
    await stage.end(giveaway)
    return giveaway, [one for one in await stage.drawn(giveaway) if one.state in (PENDING, WON)]


async def balance(stage: Stage, user_id: int) -> int:
    async with stage.database.read() as session:
        return await get_balance(session, GUILD, user_id)


async def payments(stage: Stage) -> list[Transaction]:
    async with stage.database.read() as session:
        return list(await session.scalars(select(Transaction).order_by(Transaction.id)))


async def loans(stage: Stage) -> list[GiveawayLoan]:
    async with stage.database.read() as session:
        return list(await session.scalars(select(GiveawayLoan).order_by(GiveawayLoan.id)))


async def pay(stage: Stage, source: Holder, target: int, amount: int, key: str) -> None:
    entry = Entry(
        guild_id=GUILD,
        kind=TransactionKind.PAY,
        key=key,
        actor_id=HOST,
        moves=(Move(source, Holder.user(target), amount),),
    )
    async with stage.database.write() as session:
        await post(session, entry, stage.clock.now())


# --- currency -------------------------------------------------------------------------------------


async def test_winners_who_need_not_claim_are_paid_with_the_draw(stage: Stage):
    _giveaway, winners = await ended(stage, winner_count=3)

    assert [await balance(stage, one.user_id) for one in winners] == [PRIZE] * 3
    assert {one.kind for one in await payments(stage)} == {TransactionKind.PRIZE}
    assert {one.reference for one in await payments(stage)} == {
        f"giveaway:1:{one.id}" for one in winners
    }
    letter = stage.letters()[winners[0].user_id]["content"]
    assert "🪙 500 was put into your account there." in letter
    async with stage.database.read() as session:
        own = await list_own_balances(session, GUILD)
    assert own["mint"] == -3 * PRIZE
    again = await stage.winning.claim(winners[0].id, winners[0].user_id)
    assert again.amount is not None
    assert again.amount.render("en") == "🪙 500"
    assert await balance(stage, winners[0].user_id) == PRIZE


async def test_a_claim_pays_once_however_often_it_is_pressed(stage: Stage):
    giveaway, (winner,) = await ended(stage, claim_seconds=3600, reward_role_id=ROLE)
    assert await payments(stage) == []

    await asyncio.gather(
        *(stage.winning.claim(winner.id, winner.user_id) for _ in range(3)),
        stage.winning.claim_in(giveaway, winner.user_id),
    )

    assert await balance(stage, winner.user_id) == PRIZE
    assert len(await payments(stage)) == 1
    (wish,) = await stage.wishes()
    assert (wish.user_id, wish.role_id, wish.source) == (winner.user_id, ROLE, "command")


async def test_a_prize_that_nobody_claims_pays_nobody_but_who_is_drawn_for_it(stage: Stage):
    giveaway, (first,) = await ended(stage, claim_seconds=3600)
    await stage.wait(HOUR)
    second: Any = (await stage.drawn(giveaway))[-1]
    with pytest.raises(Conflict):
        await stage.winning.claim(first.id, first.user_id)
    await stage.winning.claim(second.id, second.user_id)

    assert (await balance(stage, first.user_id), await balance(stage, second.user_id)) == (0, PRIZE)
    (paid,) = await payments(stage)
    assert paid.key == f"giveaway:{giveaway}:prize:1:0"


async def test_a_draw_again_takes_back_no_currency(stage: Stage):
    giveaway, (first,) = await ended(stage)
    await stage.winning.reroll(giveaway, by=HOST, user_id=first.user_id)
    await stage.settle()
    await stage.winning.reroll(giveaway, by=HOST, count=2)
    await stage.settle()

    winners = {one.user_id for one in await stage.drawn(giveaway)}
    assert len(winners) == 4
    assert [await balance(stage, one) for one in winners if one] == [PRIZE] * 4


async def test_what_was_paid_can_be_undone_for_one_winner(stage: Stage):
    _giveaway, winners = await ended(stage, winner_count=2)
    gone, stays = winners
    number = next(
        one.id for one in await payments(stage) if one.reference == f"giveaway:1:{gone.id}"
    )
    async with stage.database.write() as session:
        await undo(
            session, GUILD, number, key="u", actor_id=HOST, reason=None, now=stage.clock.now()
        )

    assert (await balance(stage, gone.user_id), await balance(stage, stays.user_id)) == (0, PRIZE)


async def test_an_economy_that_was_switched_off_since_pays_all_the_same(sqlite_stage: Stage):
    stage = sqlite_stage
    await stage.settings.change(GUILD, ECONOMY, {}, enabled=False, actor=SYSTEM)
    _giveaway, (winner,) = await ended(stage)

    assert await balance(stage, winner.user_id) == PRIZE


async def test_an_account_that_can_hold_no_more_does_not_hold_up_the_draw(sqlite_stage: Stage):
    stage = sqlite_stage
    await pay(stage, Holder.MINT, 1, MAX_BALANCE - 1, "rich")
    giveaway, winners = await ended(stage, 2, winner_count=2)

    assert (await stage.get(giveaway)).status == "ended"
    assert {one.user_id: await balance(stage, one.user_id) for one in winners} == {
        1: MAX_BALANCE - 1,
        2: PRIZE,
    }


async def test_a_claim_that_the_account_cant_hold_can_be_made_later(sqlite_stage: Stage):
    stage = sqlite_stage
    await pay(stage, Holder.MINT, 1, MAX_BALANCE - 1, "rich")
    _giveaway, (winner,) = await ended(stage, 1, claim_seconds=3600)
    with pytest.raises(TooMuch):
        await stage.winning.claim(winner.id, 1)
    await pay(stage, Holder.user(1), 2, PRIZE, "spent")

    assert (await stage.winning.claim(winner.id, 1)).is_new
    assert await balance(stage, 1) == MAX_BALANCE - 1


async def test_a_draw_of_many_and_payments_between_them_dont_block_each_other(stage: Stage):
    people = range(1, 31)
    for one in people:
        await pay(stage, Holder.MINT, one, 100, f"seed {one}")
    giveaway = await stage.add(prize_amount=PRIZE, winner_count=30)
    await stage.fill(giveaway, 30)

    async def around(turn: int) -> None:
        for one in people:
            other = one % 30 + 1 if turn % 2 else (one - 2) % 30 + 1
            try:
                await pay(stage, Holder.user(one), other, 1, f"{turn} {one}")
            except InsufficientFunds:  # pragma: no cover - depends on the order
                continue

    await asyncio.gather(stage.end(giveaway), *(around(turn) for turn in range(4)))

    found = [await balance(stage, one) for one in people]
    assert sum(found) == 30 * (100 + PRIZE)
    assert len(await stage.drawn(giveaway)) == 30


# --- roles ----------------------------------------------------------------------------------------


async def test_a_role_for_a_time_is_taken_again(stage: Stage):
    _giveaway, (winner,) = await ended(
        stage, prize_amount=None, reward_role_id=ROLE, reward_role_seconds=86400
    )
    assert [one.want for one in await stage.wishes()] == [True]
    await stage.wait(DAY - timedelta(seconds=1))
    assert [one.want for one in await stage.wishes()] == [True]
    await stage.wait(timedelta(seconds=1))

    (wish,) = await stage.wishes()
    assert (wish.user_id, wish.want) == (winner.user_id, False)
    assert await loans(stage) == []


async def test_a_role_that_is_won_twice_lasts_until_the_later_end(stage: Stage):
    values = {"prize_amount": None, "reward_role_id": ROLE}
    await ended(stage, 1, reward_role_seconds=3 * 86400, **values)
    # They have it by now, for a time.
    stage.members.roles = {1: {ROLE}}
    await stage.wait(DAY)
    await ended(stage, 1, number=2, reward_role_seconds=3 * 86400, **values)
    await stage.wait(2 * DAY)
    assert len(await loans(stage)) == 1
    await ended(stage, 1, number=3, reward_role_seconds=3600, **values)
    await stage.wait(DAY - timedelta(seconds=1))
    assert [one.want for one in await stage.wishes()] == [True]
    await stage.wait(timedelta(seconds=1))
    assert [one.want for one in await stage.wishes()] == [False]


async def test_whoever_has_the_role_for_good_keeps_it(stage: Stage):
    values = {"prize_amount": None, "reward_role_id": ROLE, "claim_seconds": 3600}
    stage.members.roles = {1: {ROLE}}
    _giveaway, (winner,) = await ended(stage, 1, reward_role_seconds=86400, **values)
    await stage.winning.claim(winner.id, 1)
    assert await loans(stage) == []

    # Who has it for a time, and wins it for good, has it for good.
    stage.members.roles = {}
    _giveaway, (winner,) = await ended(stage, 1, number=2, reward_role_seconds=86400, **values)
    await stage.winning.claim(winner.id, 1)
    assert len(await loans(stage)) == 1
    _giveaway, (winner,) = await ended(stage, 1, number=3, **values)
    await stage.winning.claim(winner.id, 1)
    await stage.wait(2 * DAY)
    assert [one.want for one in await stage.wishes()] == [True]


async def test_a_role_that_has_got_power_since_is_not_given_and_that_is_said(sqlite_stage: Stage):
    stage = sqlite_stage
    stage.view.rights = {ROLE: frozenset({"ban_members"})}
    _giveaway, (winner,) = await ended(stage, reward_role_id=ROLE, claim_seconds=3600)
    assert f"<@&{ROLE}> has got rights of staff since" in stage.said()[-1]
    claimed = await stage.winning.claim(winner.id, winner.user_id)

    assert claimed.is_role_withheld
    assert await stage.wishes() == []
    assert await balance(stage, winner.user_id) == PRIZE


async def test_who_had_not_claimed_yet_loses_no_role_when_replaced(sqlite_stage: Stage):
    """They may have it for another reason."""
    stage = sqlite_stage
    giveaway, (winner,) = await ended(stage, reward_role_id=ROLE, claim_seconds=3600)
    await stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id)

    assert await stage.wishes() == []


@pytest.mark.parametrize("seconds", [None, 86400])
@pytest.mark.parametrize("claim", [None, 3600])
async def test_who_had_the_role_before_keeps_it_when_replaced(
    stage: Stage, claim: int | None, seconds: int | None
):
    stage.members.roles = {one: {ROLE} for one in range(1, 7)}
    giveaway, (winner,) = await ended(
        stage, reward_role_id=ROLE, reward_role_seconds=seconds, claim_seconds=claim
    )
    await stage.winning.claim(winner.id, winner.user_id)
    await stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id)

    assert not [one for one in await stage.wishes() if not one.want]


async def test_role_with_power_is_not_taken_from_who_had_it(sqlite_stage: Stage):
    """It was not given, so nothing is there to be taken back: they may be of the staff."""
    stage = sqlite_stage
    stage.members.roles = {one: {ROLE} for one in range(1, 7)}
    stage.view.rights = {ROLE: frozenset({"ban_members"})}
    giveaway, (winner,) = await ended(stage, reward_role_id=ROLE)
    await stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id)

    assert await stage.wishes() == []


@pytest.mark.parametrize(("seconds", "kept"), [(None, True), (86400, True), (3600, False)])
async def test_who_has_won_the_role_elsewhere_keeps_it_when_replaced(
    stage: Stage, seconds: int | None, *, kept: bool
):
    values = {"prize_amount": None, "reward_role_id": ROLE}
    first, (winner,) = await ended(stage, **values)
    other = await stage.add(number=2, **values, reward_role_seconds=seconds)
    await stage.enter(other, winner.user_id)
    await stage.end(other)
    await stage.wait(2 * HOUR)
    await stage.winning.reroll(first, by=HOST, user_id=winner.user_id)

    wishes = {one.user_id: one.want for one in await stage.wishes()}
    assert wishes[winner.user_id] is kept


# --- who has left ---------------------------------------------------------------------------------


async def test_a_prize_cant_be_claimed_by_who_has_left_until_they_are_back(stage: Stage):
    giveaway, (winner,) = await ended(stage, claim_seconds=3600, reward_role_id=ROLE)
    stage.members.gone = {winner.user_id}
    for claim in (
        stage.winning.claim(winner.id, winner.user_id),
        stage.winning.claim_in(giveaway, winner.user_id),
    ):
        with pytest.raises(Denied, match="You are not in Garden") as refused:
            await claim
        assert "Join again by <t:" in str(refused.value.hint)
    assert await payments(stage) == []
    stage.members.gone = set()

    assert (await stage.winning.claim(winner.id, winner.user_id)).is_new
    assert await balance(stage, winner.user_id) == PRIZE
    # What is theirs stays theirs.
    stage.members.gone = {winner.user_id}
    assert not (await stage.winning.claim(winner.id, winner.user_id)).is_new


async def test_nobody_is_taken_to_have_left_while_discord_is_silent(sqlite_stage: Stage):
    stage = sqlite_stage
    _giveaway, (winner,) = await ended(stage, claim_seconds=3600)
    stage.members.silent = 1
    with pytest.raises(DiscordFailed):
        await stage.winning.claim(winner.id, winner.user_id)
    assert (await stage.winning.claim(winner.id, winner.user_id)).is_new
