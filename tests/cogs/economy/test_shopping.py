"""Buying: whatever is pressed at once, what is sold is paid for, there, and sold once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.core.errors import AppError, Conflict, Denied, InvalidInput, NotFound
from cogs.economy.shopping import Customer, Order
from db.economy import Account, AccountKind, Posting, Transaction
from db.economy_inventory import Lot
from db.economy_shop import ShopItem
from db.engine import Database
from db.guilds import GuildMember
from db.people import erase_person, export_person
from db.statements import table_of
from tests.cogs.economy.shop_world import (
    ADMIN,
    ANN,
    BOB,
    DAY,
    GUILD,
    HIGH,
    HOUR,
    RED,
    STAFF,
    ShopWorld,
)
from tests.fakes import FakeClock

# The pool has ten connections, and ten more for peaks.
AT_ONCE = 16


@pytest.fixture
def world(database: Database, clock: FakeClock) -> ShopWorld:
    return ShopWorld(database, clock)


async def refusal(world: ShopWorld, *args: Any, **options: Any) -> str:
    """Return why a purchase is refused; nothing may have been paid, kept or counted."""
    before = await world.has(), await world.holds(), (await world.again(args[0])).sold
    with pytest.raises(AppError) as caught:
        await world.buy(*args, **options)
    assert (await world.has(), await world.holds(), (await world.again(args[0])).sold) == before
    return caught.value.render("en")


async def test_bought_pieces_are_paid_for_and_kept(world: ShopWorld) -> None:
    sword = await world.item(price=30, stock=5)
    await world.earn(100)
    sale = await world.buy(sword, 3)
    assert (sale.total, sale.balance, await world.has()) == (90, 10, 10)
    assert await world.holds() == {"Sword": 3}
    now = await world.again(sword)
    assert (now.stock, now.sold) == (2, 3)
    async with world.database.read() as session:
        sink = select(Account.balance).where(Account.kind == AccountKind.SINK)
        assert await session.scalar(sink) == 90


async def test_who_cannot_pay_gets_nothing_and_is_told_in_the_currency(world: ShopWorld) -> None:
    sword = await world.item(price=1500, stock=5)
    await world.earn(100)
    assert "🪙 100; 🪙 1,500" in await refusal(world, sword)
    assert (await world.again(sword)).stock == 5


async def test_the_same_order_twice_buys_once(world: ShopWorld) -> None:
    sword = await world.item(price=10, stock=1)
    await world.earn(100)
    sales = await asyncio.gather(*(world.buy(sword, key="press") for _ in range(5)))
    assert sorted(one.is_new for one in sales) == [False] * 4 + [True]
    assert {one.balance for one in sales} == {90}
    assert (await world.has(), await world.holds()) == (90, {"Sword": 1})
    assert (await world.buy(sword, key="press")).is_new is False


async def test_the_press_of_somebody_else_is_not_answered_with_their_purchase(
    world: ShopWorld,
) -> None:
    sword = await world.item()
    await world.earn(100, ANN, BOB)
    await world.buy(sword, key="press")
    with pytest.raises(Denied):
        await world.buy(sword, key="press", user_id=BOB)


async def test_another_price_is_never_charged(world: ShopWorld) -> None:
    sword = await world.item(price=10)
    await world.earn(100)
    await world.stock.edit(GUILD, sword.id, {"price": 11}, ADMIN)
    said = await refusal(world, sword)
    assert "costs 🪙 11 now, not 🪙 10" in said
    await world.stock.edit(GUILD, sword.id, {"price": 9}, ADMIN)
    assert "costs 🪙 9 now" in await refusal(world, sword)


async def test_what_ran_out_or_was_removed_is_said(world: ShopWorld) -> None:
    await world.earn(1000)
    empty = await world.item("Empty", stock=0)
    few = await world.item("Few", stock=2)
    removed = await world.item("Removed")
    past = await world.item("Past", offered_until=world.clock.now() + HOUR)
    await world.stock.remove(removed, ADMIN)
    world.clock.advance(HOUR)
    assert "is sold out" in await refusal(world, empty)
    assert "only 2 pieces" in await refusal(world, few, 3)
    assert "is not in the shop any more" in await refusal(world, removed)
    assert "was on offer until" in await refusal(world, past)


async def test_it_sold_out_between_the_look_and_the_press(
    world: ShopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look passes; the transaction finds that the rest has gone."""
    sword = await world.item(stock=1, per_member=1)
    await world.earn(100, ANN, BOB)
    look = world.shop._look

    async def late(order: Order) -> Any:
        seen = await look(order)
        monkeypatch.setattr(world.shop, "_look", look)
        await world.buy(sword, user_id=BOB)
        return seen

    monkeypatch.setattr(world.shop, "_look", late)
    with pytest.raises(Conflict, match="sold out"):
        await world.buy(sword)
    assert (await world.has(), await world.holds()) == (100, {})


async def test_it_was_changed_between_the_look_and_the_press(
    world: ShopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    sword = await world.item()
    await world.earn(100)
    look = world.shop._look
    for change, words in (({"required_level": 9}, "was changed"), ({"price": 12}, "costs")):

        async def late(order: Order, change: Any = change) -> Any:
            seen = await look(order)
            await world.stock.edit(GUILD, sword.id, change, ADMIN)
            return seen

        monkeypatch.setattr(world.shop, "_look", late)
        with pytest.raises(Conflict, match=words):
            await world.buy(sword)
        monkeypatch.setattr(world.shop, "_look", look)
        await world.stock.edit(GUILD, sword.id, {"required_level": None}, ADMIN)
    assert (await world.has(), await world.holds()) == (100, {})


async def test_requirements_are_asked(world: ShopWorld) -> None:
    await world.earn(100)
    club = await world.item("Club", required_role_id=str(RED))
    crown = await world.item("Crown", required_level=5)
    assert f"only for members with <@&{RED}>" in await refusal(world, club)
    await world.buy(club, role_ids={RED})
    assert "from level 5 on; you have level 0" in await refusal(world, crown)
    async with world.database.write() as session:
        values = {"guild_id": GUILD, "user_id": ANN, "joined_at": world.clock.now(), "level": 5}
        session.add(GuildMember(**values))
    await world.buy(crown)


async def test_limit_holds_whatever_is_pressed_at_once(world: ShopWorld) -> None:
    sword = await world.item(per_member=3)
    await world.earn(1000, ANN, BOB)
    results = await asyncio.gather(*(world.buy(sword) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in results) == 7
    assert (await world.holds(), await world.has()) == ({"Sword": 3}, 970)
    assert "can buy 3 pieces" in await refusal(world, sword)
    await world.buy(sword, 3, user_id=BOB)
    assert "can buy 3 pieces" in await refusal(world, sword, 4, user_id=BOB)


async def test_numbers_of_pieces_that_nobody_can_mean(world: ShopWorld) -> None:
    sword = await world.item()
    for quantity in (0, -1, 1001, 2**63):
        with pytest.raises(InvalidInput):
            await world.buy(sword, quantity)


async def test_the_item_of_another_guild_is_none_here(world: ShopWorld) -> None:
    sword = await world.item()
    order = Order(customer=Customer(GUILD + 1, ANN), item_id=sword.id, price=10, key="k")
    with pytest.raises(NotFound):
        await world.shop.buy(order)


async def test_two_thousand_members_buy_the_last_ten_pieces(world: ShopWorld) -> None:
    """Exactly ten are sold, and those who come too late have paid nothing."""
    sword = await world.item(stock=10)
    buyers = range(10_000, 12_000)
    async with world.database.write() as session:
        rows = [
            {"guild_id": GUILD, "kind": AccountKind.USER.value, "user_id": one, "balance": 10}
            for one in buyers
        ]
        await session.execute(table_of(Account).insert(), rows)
    places = asyncio.Semaphore(AT_ONCE)

    async def buy(user_id: int) -> str:
        async with places:
            try:
                await world.buy(sword, user_id=user_id)
            except Conflict as error:
                return error.render("en")
            return "bought"

    answers = await asyncio.gather(*(buy(one) for one in buyers))

    assert Counter("sold out" if "sold out" in one else one for one in answers) == {
        "bought": 10,
        "sold out": 1990,
    }
    now = await world.again(sword)
    assert (now.stock, now.sold) == (0, 10)
    async with world.database.read() as session:
        left = select(func.sum(Account.balance)).where(Account.kind == AccountKind.USER)
        assert await session.scalar(left) == 2000 * 10 - 100
        assert await session.scalar(select(func.count()).select_from(Transaction)) == 10
        assert await session.scalar(select(func.sum(Posting.amount))) == 0
        holders = select(Lot.user_id, Lot.quantity)
        assert dict((await session.execute(holders)).all()) == {
            user_id: 1 for user_id, said in zip(buyers, answers, strict=True) if said == "bought"
        }


async def test_all_who_looked_in_time_race_for_the_last_pieces(
    world: ShopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is turned away by the first look: the transactions alone decide."""
    sword = await world.item(stock=10)
    buyers = range(10_000, 10_150)
    await world.earn(10, *buyers)
    places = asyncio.Semaphore(AT_ONCE)

    async def look(order: Order) -> ShopItem:
        return sword

    monkeypatch.setattr(world.shop, "_look", look)

    async def buy(user_id: int) -> bool:
        async with places:
            try:
                return (await world.buy(sword, user_id=user_id)).is_new
            except Conflict:
                return False

    assert sum(await asyncio.gather(*(buy(one) for one in buyers))) == 10
    assert (await world.again(sword)).stock == 0


# --- roles ---------------------------------------------------------------------------------------


async def test_role_is_given_for_a_time_and_taken(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED), lasts=3600)
    await world.earn(100)
    sale = await world.buy(vip)
    assert sale.role_ends_at == world.clock.now() + HOUR
    await world.work()
    assert world.discord.roles[ANN] == {RED}
    assert await world.holds() == {}
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()


async def test_role_bought_again_lasts_longer(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED), lasts=3600)
    await world.earn(100)
    await world.buy(vip)
    await world.work(HOUR / 2)
    sale = await world.buy(vip, role_ids={RED})
    assert sale.role_ends_at == world.clock.now() + 1.5 * HOUR
    await world.work(HOUR)
    assert world.discord.roles[ANN] == {RED}
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()


async def test_role_that_somebody_has_for_good_is_not_sold_to_them(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED))
    trial = await world.item("Trial", kind="role_at_once", role_id=str(RED), lasts=3600)
    await world.earn(100)
    await world.buy(trial)
    await world.work()
    assert (await world.buy(vip, role_ids={RED})).role_ends_at is None
    await world.work(HOUR)
    assert world.discord.roles[ANN] == {RED}
    for item in (vip, trial):
        assert "have <@&701> already" in await refusal(world, item, role_ids={RED})


async def test_role_on_its_way_is_not_paid_twice(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED))
    await world.earn(100)
    await world.buy(vip)
    assert "on its way" in await refusal(world, vip)
    assert "one at a time" in await refusal(world, vip, 2)


async def test_role_above_the_bot_is_refused_when_the_item_is_made(world: ShopWorld) -> None:
    for role_id, words in ((HIGH, "not below my highest role"), (803, "mute role"), (9, "exists")):
        with pytest.raises(AppError) as caught:
            await world.item("VIP", kind="role_at_once", role_id=str(role_id))
        assert words in caught.value.render("en")
    with pytest.raises(Denied, match="gets power over this server"):
        await world.item("VIP", kind="role_at_once", role_id=str(STAFF))
    await world.item("VIP", kind="role_at_once", role_id=str(STAFF), trusted=True)


async def test_role_above_the_bot_is_refused_before_anybody_pays(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED))
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED))
    await world.earn(100)
    await world.buy(ticket)
    world.view.place = 1
    for item in (vip, ticket):
        said = await refusal(world, item)
        assert "not below my highest role" in said
        assert "charged nothing" in said
    world.view.place = 10
    del world.view.positions[RED]
    assert "no longer exists" in await refusal(world, vip)


async def test_role_that_was_given_power_afterwards_is_not_sold(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(STAFF), trusted=True)
    await world.earn(100)
    async with world.database.write() as session:
        await session.execute(update(ShopItem).values(trusted=False))
    assert "not for sale any more" in await refusal(world, vip)


# --- data about people ---------------------------------------------------------------------------


async def test_erased_person_leaves_the_books_whole(world: ShopWorld) -> None:
    sword = await world.item(per_member=2)
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED), lasts=3600)
    await world.earn(100)
    await world.buy(sword)
    await world.buy(vip)
    async with world.database.write() as session:
        exported = await export_person(session, ANN)
        assert {"economy_lots", "economy_bought", "economy_purchases"} <= set(exported)
        await erase_person(session, ANN)
        left = await export_person(session, ANN)
    # The role has still to be taken, by the row that says so.
    assert set(left) <= {"economy_roles", "erasures_owed"}
    assert (await world.again(sword)).sold == 1
    await world.work(HOUR)
    async with world.database.read() as session:
        assert "economy_roles" not in await export_person(session, ANN)


# --- taking back ---------------------------------------------------------------------------------


async def test_purchase_is_undone_with_stock_and_limit(world: ShopWorld) -> None:
    sword = await world.item(stock=3, per_member=3)
    await world.earn(100)
    await world.buy(sword, 3)
    assert await world.undo() == []
    now = await world.again(sword)
    assert (now.stock, now.sold, await world.holds(), await world.has()) == (3, 0, {}, 100)
    # Once only, and the undoing can't be undone.
    with pytest.raises(Conflict):
        await world.undo()
    assert ((await world.again(sword)).stock, await world.has()) == (3, 100)
    await world.buy(sword, 3)


async def test_what_is_gone_is_not_taken_back_and_said(world: ShopWorld) -> None:
    ticket = await world.item("Ticket", kind="role_on_use", role_id=str(RED), stock=3)
    await world.earn(100)
    await world.buy(ticket, 2)
    await world.inventories.use(Customer(GUILD, ANN), ticket, key="use")
    assert "1 piece of **Ticket** could not be taken back" in (await world.undo())[0]
    assert ((await world.again(ticket)).stock, await world.holds()) == (2, {})


async def test_role_is_taken_back(world: ShopWorld) -> None:
    vip = await world.item("VIP", kind="role_at_once", role_id=str(RED), lasts=86400, stock=5)
    await world.earn(100)
    await world.buy(vip)
    await world.work(HOUR)
    await world.buy(vip, role_ids={RED})
    assert await world.undo() == []
    await world.work(DAY - 2 * HOUR)
    assert world.discord.roles[ANN] == {RED}
    await world.work(2 * HOUR)
    assert world.discord.roles[ANN] == set()
    assert (await world.again(vip)).stock == 4

    await world.buy(vip)
    await world.work(timedelta(0))
    assert world.discord.roles[ANN] == {RED}
    assert await world.undo() == []
    await world.work(timedelta(0))
    assert world.discord.roles[ANN] == set()
