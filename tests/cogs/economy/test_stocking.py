"""What the shop offers is changed whole or not at all, and nothing that was sold comes back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from bot.core.contracts import Actor
from bot.core.errors import AppError, Conflict, Denied, InvalidInput, NotFound
from cogs.economy import stocking
from cogs.economy.shop_rules import plan_of
from cogs.economy.stocking import read_plan
from db.audit import AuditEntry
from db.engine import Database
from tests.cogs.economy.shop_world import ADMIN, GUILD, RED, ShopWorld
from tests.fakes import FakeClock


@pytest.fixture
def world(database: Database, clock: FakeClock) -> ShopWorld:
    return ShopWorld(database, clock)


async def test_names_are_given_once_among_what_is_on_offer(world: ShopWorld) -> None:
    results = await asyncio.gather(
        *(world.item(name) for name in ("Sword", "SWORD", " sword ")), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in results) == 2
    (sword,) = await world.stock.list(GUILD)
    shield = await world.item("Shield")
    with pytest.raises(Conflict, match="already"):
        await world.stock.edit(GUILD, shield.id, {"name": "sWORD"}, ADMIN)
    await world.stock.remove(sword, ADMIN)
    await world.stock.edit(GUILD, shield.id, {"name": "Sword"}, ADMIN)
    with pytest.raises(NotFound):
        await world.stock.get(GUILD, sword.id)


async def test_change_of_what_was_sold_meanwhile_is_refused_and_an_edit_keeps_it(
    world: ShopWorld,
) -> None:
    sword = await world.item(stock=10)
    await world.earn(100)
    await world.buy(sword, 3)
    with pytest.raises(Conflict, match="changed or sold meanwhile"):
        await world.stock.change(sword, lambda _plan: plan_of(sword), ADMIN)
    edited = await world.stock.edit(GUILD, sword.id, {"price": 20}, ADMIN)
    assert (edited.stock, edited.price, edited.sold) == (7, 20, 3)


async def test_sales_and_restocking_at_once_add_up(world: ShopWorld) -> None:
    sword = await world.item(stock=20)
    await world.earn(1000)
    changes = [world.stock.restock(GUILD, sword.id, 5, ADMIN) for _ in range(4)]
    sales = [world.buy(sword, 2) for _ in range(8)]
    edits = [world.stock.edit(GUILD, sword.id, {"description": "sharp"}, ADMIN)]
    results = await asyncio.gather(*changes, *sales, *edits, return_exceptions=True)
    assert [one for one in results[:12] if isinstance(one, BaseException)] == []
    now = await world.again(sword)
    assert (now.stock, now.sold) == (20 + 20 - 16, 16)


async def test_restocking_says_what_is_in_the_way(world: ShopWorld) -> None:
    endless, full = await world.item("Endless"), await world.item("Full", stock=10**9)
    for item_id, quantity, words in (
        (endless.id, 5, "There is no end of"),
        (full.id, 1, "A stock is at most"),
        (full.id, 0, "From 1 to"),
        (999, 5, "not in the shop any more"),
    ):
        with pytest.raises(AppError) as caught:
            await world.stock.restock(GUILD, item_id, quantity, ADMIN)
        assert words in caught.value.render("en")


async def test_rank_of_whoever_sells_a_role_counts(world: ShopWorld) -> None:
    plan = read_plan({"name": "VIP", "price": 5, "kind": "role_at_once", "role_id": str(RED)})
    with pytest.raises(Denied, match="not below your highest role"):
        await world.stock.add(GUILD, plan, Actor(8, "command", "low", rank=2))
    item = await world.stock.add(GUILD, plan, Actor(8, "command", "higher", rank=3))
    # What is changed without touching the role asks nobody's rank.
    await world.stock.edit(GUILD, item.id, {"price": 6}, Actor(8, "command", "low", rank=1))
    with pytest.raises(Denied):
        await world.stock.edit(
            GUILD, item.id, {"role_id": "702"}, Actor(8, "command", "low", rank=1)
        )


async def test_shop_has_an_end(world: ShopWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stocking, "MOST_ITEMS", 1)
    await world.item()
    with pytest.raises(InvalidInput, match="at most 1 items"):
        await world.item("Shield")


async def test_changes_are_in_the_audit_log(world: ShopWorld) -> None:
    sword = await world.item(stock=1)
    await world.stock.edit(GUILD, sword.id, {"price": 20}, ADMIN)
    await world.stock.restock(GUILD, sword.id, 4, ADMIN)
    await world.stock.remove(await world.again(sword), ADMIN)
    async with world.database.read() as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.created_at))).all()
    said = {one.action: one.details for one in entries}
    assert set(said) == {f"economy.item_{what}" for what in ("add", "edit", "restock", "remove")}
    assert said["economy.item_edit"]["before"] == {"price": 10}
    assert said["economy.item_edit"]["after"] == {"price": 20}
    assert said["economy.item_restock"]["stock"] == 5


async def test_item_of_another_guild_is_out_of_reach(world: ShopWorld) -> None:
    sword = await world.item(stock=1)
    for attempt in (
        world.stock.get(GUILD + 1, sword.id),
        world.stock.edit(GUILD + 1, sword.id, {"price": 1}, ADMIN),
        world.stock.restock(GUILD + 1, sword.id, 1, ADMIN),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound):
        await world.shop.find(GUILD + 1, "Sword")
    assert (await world.shop.find(GUILD, " sWORD ")).id == sword.id
