"""Trades: what is offered is set aside, swapped or given back, once, and nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.core.errors import AppError, Conflict, Denied, InvalidInput, NotFound
from cogs.economy.inventory import Receiver
from cogs.economy.trade_rules import Proposal, Side
from cogs.economy.trading import Deal, Offer
from db.economy import MAX_BALANCE, Account, AccountKind, Posting
from db.economy_shop import ShopItem
from db.engine import Database
from tests.cogs.economy.shop_world import ANN, BOB, DAY, GUILD, HOUR, ShopWorld
from tests.fakes import FakeClock

EVE = 1003


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> ShopWorld:
    return ShopWorld(database, clock)


@pytest.fixture
async def goods(world: ShopWorld) -> tuple[ShopItem, ShopItem]:
    """Ann has five swords, Bob three shields, and both have coins."""
    sword, shield = await world.item("Sword"), await world.item("Shield")
    await world.earn(150, ANN)
    await world.earn(130, BOB)
    await world.buy(sword, 5)
    await world.buy(shield, 3, user_id=BOB)
    return sword, shield


def member(user_id: int) -> Receiver:
    return Receiver(user_id, is_bot=False, is_member=True)


async def offer(world: ShopWorld, give: Side, want: Side, **changes: Any) -> Deal:
    values: dict[str, Any] = {
        "guild_id": GUILD,
        "user_id": ANN,
        "partner": member(BOB),
        "key": world.key(),
    } | changes
    return await world.trades.offer(Offer(proposal=Proposal(give, want), **values))


async def escrow(world: ShopWorld) -> int:
    """Return what is set aside; the postings sum to zero whatever happened."""
    async with world.database.read() as session:
        assert await session.scalar(select(func.sum(Posting.amount))) == 0
        query = select(Account.balance).where(Account.kind == AccountKind.ESCROW)
        return await session.scalar(query) or 0


async def test_both_sides_are_swapped_at_once(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(20, sword.id, 2), Side(30, shield.id, 1))
    assert [one and one.id for one in (deal.given, deal.wanted)] == [sword.id, shield.id]
    assert (await world.has(), await world.holds(), await escrow(world)) == (80, {"Sword": 3}, 20)
    await world.trades.accept(deal.trade.id, BOB)
    assert (await world.has(), await world.holds()) == (110, {"Sword": 3, "Shield": 1})
    assert (await world.has(BOB), await world.holds(BOB)) == (90, {"Sword": 2, "Shield": 2})
    assert await escrow(world) == 0
    # The time is over: nothing is given back.
    await world.work(DAY)
    assert (await world.has(), await world.holds()) == (110, {"Sword": 3, "Shield": 1})


async def test_an_offer_that_is_not_answered_is_given_back(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(20, sword.id, 5), Side(0, shield.id, 1))
    assert await world.holds() == {}
    await world.work(DAY - timedelta(seconds=1))
    assert await escrow(world) == 20
    await world.work(timedelta(seconds=1))
    assert (await world.has(), await world.holds(), await escrow(world)) == (100, {"Sword": 5}, 0)
    with pytest.raises(Conflict, match="has expired"):
        await world.trades.accept(deal.trade.id, BOB)


async def test_an_offer_can_not_be_accepted_when_its_time_is_over(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    """The job may come late; who presses meanwhile gets nothing."""
    sword, _shield = goods
    deal = await offer(world, Side(0, sword.id, 1), Side(5))
    world.clock.advance(DAY)
    with pytest.raises(Conflict, match="has expired"):
        await world.trades.accept(deal.trade.id, BOB)
    await world.trades.decline(deal.trade.id, BOB)
    await world.work()
    assert await world.holds() == {"Sword": 5}


async def test_presses_at_once_do_one_thing_only(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    for _round in range(4):
        deal = await offer(world, Side(10, sword.id, 1), Side(7, shield.id, 1))
        before = await world.has(), await world.has(BOB)
        presses = [world.trades.accept(deal.trade.id, BOB) for _ in range(2)]
        presses += [
            world.trades.cancel(deal.trade.id, ANN),
            world.trades.decline(deal.trade.id, BOB),
        ]
        results = await asyncio.gather(*presses, return_exceptions=True)
        done = [one for one in results if isinstance(one, Deal)]
        assert len(done) == 1
        assert sum(isinstance(one, Conflict) for one in results) == 3
        swapped = done[0].trade.state == "accepted"
        after = (7, 3) if swapped else (10, 0)
        assert (await world.has() - before[0], await world.has(BOB) - before[1]) == after
        assert await escrow(world) == 0
        held = [await world.holds(one) for one in (ANN, BOB)]
        assert sum(one.get("Sword", 0) for one in held) == 5
        assert sum(one.get("Shield", 0) for one in held) == 3


async def test_who_lacks_what_is_wanted_is_told_and_the_offer_stays(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(0, sword.id, 1), Side(0, shield.id, 4))
    with pytest.raises(Conflict, match="has 3 of"):
        await world.trades.accept(deal.trade.id, BOB)
    await world.trades.cancel(deal.trade.id, ANN)
    deal = await offer(world, Side(0, sword.id, 1), Side(101))
    with pytest.raises(InvalidInput, match="101 are needed"):
        await world.trades.accept(deal.trade.id, BOB)
    assert (await world.holds(), await world.holds(BOB)) == ({"Sword": 4}, {"Shield": 3})
    await world.earn(1, BOB)
    await world.trades.accept(deal.trade.id, BOB)
    assert (await world.has(), await world.has(BOB)) == (201, 0)


async def test_who_lacks_what_they_offer_is_told(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    with pytest.raises(Conflict, match="has 5 of"):
        await offer(world, Side(0, sword.id, 6), Side(5))
    with pytest.raises(InvalidInput, match="101 are needed"):
        await offer(world, Side(101), Side(0, shield.id, 1))
    assert (await world.has(), await world.holds(), await escrow(world)) == (100, {"Sword": 5}, 0)


async def test_only_the_two_can_answer_and_each_their_part(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    trade = (await offer(world, Side(0, goods[0].id, 1), Side(5))).trade
    for press, user_id in (
        (world.trades.accept, ANN),
        (world.trades.decline, ANN),
        (world.trades.cancel, BOB),
        (world.trades.accept, EVE),
        (world.trades.cancel, EVE),
    ):
        with pytest.raises(Denied):
            await press(trade.id, user_id)
    with pytest.raises(NotFound):
        await world.trades.accept(trade.id + 1, BOB)
    await world.trades.cancel(trade.id, ANN)
    assert await world.holds() == {"Sword": 5}


async def test_one_open_offer_to_each_member(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, _shield = goods
    side = Side(0, sword.id, 1)
    results = await asyncio.gather(
        *(offer(world, side, Side(5)) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in results) == 3
    again = await asyncio.gather(
        *(offer(world, side, Side(5), partner=member(EVE), key="same") for _ in range(3))
    )
    assert len({one.trade.id for one in again}) == 1
    assert await world.holds() == {"Sword": 3}
    listed = await world.trades.list_open(GUILD, ANN, limit=9)
    assert {one.trade.partner_id for one in listed} == {BOB, EVE}
    assert await world.trades.list_open(GUILD, EVE, limit=9) == []
    (latest,) = await world.trades.list_open(GUILD, ANN, limit=1)
    assert latest.trade.partner_id == EVE


async def test_pieces_keep_their_end_and_the_offer_ends_with_them(world: ShopWorld) -> None:
    cake = await world.item("Cake", lasts=6 * 3600)
    await world.earn(100)
    await world.buy(cake, 2)
    deal = await offer(world, Side(0, cake.id, 1), Side(5))
    assert deal.trade.expires_at == world.clock.now() + 6 * HOUR
    await world.earn(5, BOB)
    await world.work(HOUR)
    await world.trades.accept(deal.trade.id, BOB)
    assert await world.holds(BOB) == {"Cake": 1}
    await world.work(5 * HOUR)
    assert await world.holds(BOB) == {}


async def test_what_is_no_trade_is_refused_in_words(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, _shield = goods
    bot = Receiver(7, is_bot=True, is_member=True)
    gone = Receiver(7, is_bot=False, is_member=False)
    one = Side(0, sword.id, 1)
    for give, want, partner in (
        (one, Side(), member(BOB)),
        (Side(), one, member(BOB)),
        (Side(5), Side(6), member(BOB)),
        (one, one, member(BOB)),
        (Side(-5), one, member(BOB)),
        (Side(2**63), one, member(BOB)),
        (Side(0, sword.id, 0), Side(5), member(BOB)),
        (Side(5, None, 3), one, member(BOB)),
        (one, Side(0, 999, 1), member(BOB)),
        (one, Side(5), member(ANN)),
        (one, Side(5), bot),
        (one, Side(5), gone),
    ):
        with pytest.raises(AppError):
            await offer(world, give, want, partner=partner)
    assert (await world.holds(), await world.has()) == ({"Sword": 5}, 100)


# --- taking back ---------------------------------------------------------------------------------


async def give_back(world: ShopWorld, trade_id: int) -> list[str]:
    async with world.database.write() as session:
        notes = await world.trades.give_back(session, f"trade:{trade_id}")
    return [one.render("en") for one in notes]


async def test_swap_is_taken_back_as_far_as_pieces_are_there(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(0, sword.id, 3), Side(0, shield.id, 2))
    await world.trades.accept(deal.trade.id, BOB)
    await world.inventories.gift(BOB, member(EVE), sword, 1, key="gift")
    said = await give_back(world, deal.trade.id)
    assert said == [
        f"1 of **Sword** could not be given back: <@{BOB}> does not have them any more."
    ]
    assert await world.holds() == {"Sword": 4}
    assert await world.holds(BOB) == {"Shield": 3}
    assert await give_back(world, deal.trade.id) == []
    assert await world.holds() == {"Sword": 4}


async def test_open_offer_that_is_taken_back_gives_the_pieces(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    deal = await offer(world, Side(0, goods[0].id, 3), Side(5))
    assert await give_back(world, deal.trade.id) == []
    assert await world.holds() == {"Sword": 5}
    with pytest.raises(Conflict):
        await world.trades.accept(deal.trade.id, BOB)


async def test_trade_is_undone_with_its_money(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(20, sword.id, 2), Side(30, shield.id, 1))
    await world.trades.accept(deal.trade.id, BOB)
    assert await world.undo() == []
    assert (await world.has(), await world.holds()) == (100, {"Sword": 5})
    assert (await world.has(BOB), await world.holds(BOB)) == (100, {"Shield": 3})
    assert await escrow(world) == 0


async def test_undoing_and_accepting_at_once_leave_the_books_whole(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    """Money that others have set aside is never what is given back."""
    sword, shield = goods
    await world.earn(20, EVE)
    await offer(world, Side(20), Side(0, shield.id, 1), user_id=EVE)
    for _round in range(4):
        deal = await offer(world, Side(20, sword.id, 1), Side(0, shield.id, 1))
        before = await world.has(), await world.has(BOB)
        results = await asyncio.gather(
            world.undo(), world.trades.accept(deal.trade.id, BOB), return_exceptions=True
        )
        assert not isinstance(results[0], BaseException)
        # Either way Ann has it all back: the offer, or the swap, is undone.
        assert (await world.has(), await world.has(BOB)) in {
            (before[0] + 20, before[1]),
            (before[0], before[1] + 20),
        }
        assert await escrow(world) == 20
        held = [await world.holds(one) for one in (ANN, BOB)]
        assert [sum(one.get(name, 0) for one in held) for name in ("Sword", "Shield")] == [5, 3]


async def test_offer_of_the_richest_is_still_given_back(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    """What their account has no room for goes to the sink; the pieces come back whole."""
    sword, shield = goods
    await offer(world, Side(20, sword.id, 5), Side(0, shield.id, 1))
    await world.earn(MAX_BALANCE - 85)
    await world.work(DAY)
    assert (await world.has(), await world.holds()) == (MAX_BALANCE, {"Sword": 5})
    assert await escrow(world) == 0


async def test_offer_is_given_back_to_who_has_no_room_at_all(
    world: ShopWorld, goods: tuple[ShopItem, ShopItem]
) -> None:
    sword, shield = goods
    deal = await offer(world, Side(20, sword.id, 5), Side(0, shield.id, 1))
    await world.earn(MAX_BALANCE - 80)
    await world.trades.decline(deal.trade.id, BOB)
    assert (await world.has(), await world.holds()) == (MAX_BALANCE, {"Sword": 5})
    assert await escrow(world) == 0
