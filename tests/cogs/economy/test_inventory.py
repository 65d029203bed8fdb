"""Inventories: pieces are used and given away once, those that expire soonest first."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import AppError, Conflict, InvalidInput, NotFound
from cogs.economy.inventory import Receiver
from cogs.economy.shopping import Customer
from cogs.economy.trade_rules import Proposal, Side
from cogs.economy.trading import Offer
from db import economy_inventory as inventory_table
from db.economy_inventory import NEVER, delete_stale_goods, list_pieces
from db.engine import Database
from tests.cogs.economy.shop_world import ADMIN, ANN, BOB, GUILD, HOUR, RED, ShopWorld
from tests.fakes import FakeClock
from tests.heldup import until_held_up

ME = Customer(GUILD, ANN)
TO_BOB = Receiver(BOB, is_bot=False, is_member=True)


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> ShopWorld:
    world = ShopWorld(database, clock)
    await world.earn(1000)
    return world


async def test_used_item_gives_its_role_for_a_time(world: ShopWorld) -> None:
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED), lasts=3600)
    await world.buy(ticket, 2)
    used = await world.inventories.use(ME, ticket, key="use")
    assert used.ends_at == world.clock.now() + HOUR
    await world.work()
    assert (world.discord.roles[ANN], await world.holds()) == ({RED}, {"Ticket": 1})
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()


async def test_last_piece_is_used_once(world: ShopWorld) -> None:
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED), lasts=3600)
    await world.buy(ticket)
    uses = [world.inventories.use(ME, ticket, key=f"use:{one}") for one in range(4)]
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in results) == 3
    await world.buy(ticket, 2)
    uses = [world.inventories.use(ME, ticket, key="same") for _ in range(3)]
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in results) == 2
    assert await world.holds() == {"Ticket": 1}


async def test_piece_is_not_used_up_for_a_role_that_cannot_be_given(world: ShopWorld) -> None:
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED))
    sword = await world.item("Sword")
    await world.buy(ticket, 2)
    await world.buy(sword)
    world.view.place = 1
    for customer, item in ((ME, ticket), (ME, sword)):
        with pytest.raises(AppError):
            await world.inventories.use(customer, item, key=world.key())
    world.view.place = 10
    with pytest.raises(Conflict, match="already"):
        await world.inventories.use(Customer(GUILD, ANN, {RED}), ticket, key="use")
    assert await world.holds() == {"Ticket": 2, "Sword": 1}


async def test_gift_is_given_once_with_its_end(world: ShopWorld) -> None:
    cake = await world.item("Cake", lasts=3600)
    await world.buy(cake, 3)
    world.clock.advance(timedelta(minutes=10))
    await world.buy(cake, 3)
    gifts = [world.inventories.gift(ANN, TO_BOB, cake, 4, key="same") for _ in range(3)]
    results = await asyncio.gather(*gifts, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in results) == 2
    assert (await world.holds(), await world.holds(BOB)) == ({"Cake": 2}, {"Cake": 4})
    await world.work(timedelta(minutes=50))
    # The older ones went first.
    assert (await world.holds(), await world.holds(BOB)) == ({"Cake": 2}, {"Cake": 1})


async def test_gifts_both_ways_at_once_wait_for_nobody(world: ShopWorld) -> None:
    sword = await world.item()
    to_ann = Receiver(ANN, is_bot=False, is_member=True)
    await world.buy(sword, 20)
    await world.inventories.gift(ANN, TO_BOB, sword, 10, key="first")
    gifts = [
        world.inventories.gift(*way, sword, 1, key=world.key())
        for _ in range(7)
        for way in ((ANN, TO_BOB), (BOB, to_ann))
    ]
    await asyncio.gather(*gifts)
    assert (await world.holds(), await world.holds(BOB)) == ({"Sword": 10}, {"Sword": 10})


async def test_gifts_that_are_none_are_refused_in_words(world: ShopWorld) -> None:
    sword = await world.item()
    await world.buy(sword, 2)
    for receiver, quantity in (
        (TO_BOB, 3),
        (TO_BOB, 0),
        (TO_BOB, -1),
        (TO_BOB, 2**63),
        (Receiver(ANN, is_bot=False, is_member=True), 1),
        (Receiver(5, is_bot=True, is_member=True), 1),
        (Receiver(5, is_bot=False, is_member=False), 1),
    ):
        with pytest.raises((Conflict, InvalidInput)):
            await world.inventories.gift(ANN, receiver, sword, quantity, key=world.key())
    assert (await world.holds(), await world.holds(BOB)) == ({"Sword": 2}, {})


async def test_removed_item_stays_in_inventories(world: ShopWorld) -> None:
    sword = await world.item()
    await world.buy(sword, 2)
    await world.stock.remove(sword, ADMIN)
    other = await world.item(price=20)
    assert other.id != sword.id
    await world.buy(other)
    held = await world.inventories.list(GUILD, ANN)
    assert sorted((one.item.id, one.quantity) for one in held) == [(sword.id, 2), (other.id, 1)]
    assert (await world.inventories.find(GUILD, ANN, f"#{sword.id}")).id == sword.id
    assert (await world.inventories.find(GUILD, ANN, " SWORD ")).name == "Sword"
    for text in ("#999", "Shield"):
        with pytest.raises(NotFound):
            await world.inventories.find(GUILD, ANN, text)


async def test_what_is_over_is_deleted_each_night(world: ShopWorld) -> None:
    cake, sword = await world.item("Cake", lasts=60), await world.item()
    await world.buy(cake)
    await world.buy(sword)
    world.clock.advance(HOUR)
    assert await world.holds() == {"Sword": 1}
    now = world.clock.now()
    async with world.database.write() as session:
        await delete_stale_goods(session, now, before=now)
        kept = await list_pieces(session, GUILD, ANN, sword.id, now)
    assert [(one.expires_at, one.quantity) for one in kept] == [(NEVER, 1)]


async def test_offers_and_gifts_don_t_wait_for_each_other(
    postgres_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite has one writer at a time: there nothing comes between.
    world = ShopWorld(postgres_database, clock)
    await world.earn(100, ANN)
    cake = await world.item("Cake", lasts=7200)
    await world.buy(cake, 2)
    await world.inventories.gift(ANN, TO_BOB, cake, 1, key="first")
    # What expires sooner is taken first, and was bought later.
    await world.stock.edit(GUILD, cake.id, {"lasts": 3600}, ADMIN)
    cake = await world.again(cake)
    await world.buy(cake)
    gifts, count = list[asyncio.Task[None]](), inventory_table.count_changed

    async def gift_between(session: AsyncSession, statement: Any) -> int:
        changed = await count(session, statement)
        if not gifts:
            receiver = Receiver(ANN, is_bot=False, is_member=True)
            gift = world.inventories.gift(BOB, receiver, cake, 1, key="second")
            gifts.append(asyncio.create_task(gift))
            await until_held_up(session, gifts[0].done)
        return changed

    monkeypatch.setattr(inventory_table, "count_changed", gift_between)
    proposal = Proposal(Side(0, cake.id, 2), Side(5))
    await world.trades.offer(
        Offer(guild_id=GUILD, user_id=ANN, partner=TO_BOB, proposal=proposal, key="offer")
    )
    await asyncio.gather(*gifts)
    assert (await world.holds(), await world.holds(BOB)) == ({"Cake": 1}, {})


async def test_who_can_not_use_something_reads_that_they_still_have_it(world: ShopWorld) -> None:
    """Nobody pays for using, so nothing is said of what they were charged."""
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED))
    await world.buy(ticket)
    with pytest.raises(Conflict) as has:
        await world.inventories.use(Customer(GUILD, ANN, {RED}), ticket, key="has")
    del world.view.positions[RED]
    with pytest.raises(NotFound) as gone:
        await world.inventories.use(ME, ticket, key="gone")
    for said in (str(has.value), str(gone.value)):
        assert "you still have the item" in said
        assert "charged" not in said
    assert await world.holds() == {"Ticket": 1}


async def test_who_wants_what_another_lacks_is_told_whose_it_would_be(world: ShopWorld) -> None:
    with pytest.raises(NotFound, match=f"<@{BOB}> does not have that"):
        await world.inventories.find(GUILD, BOB, "Sword", anothers=True)
