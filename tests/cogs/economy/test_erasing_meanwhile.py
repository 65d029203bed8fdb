"""Erasing a person while they trade, buy or are undone: neither waits for the other for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import AppError, Conflict
from cogs.economy import trading
from cogs.economy.inventory import Receiver
from cogs.economy.trade_rules import OPEN_FOR, Proposal, Side
from cogs.economy.trading import Deal, Offer
from db import economy as ledger
from db import economy_books as books
from db import economy_inventory, people
from db.economy import Account, AccountKind
from db.economy_shop import ShopItem
from db.engine import Database
from db.people import erase_person, export_person
from tests.cogs.economy.shop_world import ANN, BOB, GUILD, ShopWorld
from tests.fakes import FakeClock
from tests.heldup import until_held_up

Deed = Callable[[], Awaitable[Any]]


class Halt(asyncio.Event):
    """Is set when the first has halted; `passed` once the second has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = asyncio.Event()


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> ShopWorld:
    return ShopWorld(database, clock)


@pytest.fixture
async def sword(world: ShopWorld) -> ShopItem:
    """Ann has five swords and coins, Bob has coins."""
    item = await world.item("Sword", per_member=50)
    await world.earn(150, ANN)
    await world.earn(130, BOB)
    await world.buy(item, 5)
    return item


async def offer(world: ShopWorld, give: Side, want: Side) -> Deal:
    partner = Receiver(BOB, is_bot=False, is_member=True)
    values: dict[str, Any] = {"guild_id": GUILD, "user_id": ANN, "partner": partner}
    return await world.trades.offer(Offer(proposal=Proposal(give, want), key=world.key(), **values))


async def erase(world: ShopWorld, user_id: int = ANN) -> None:
    async with world.database.write() as session:
        await erase_person(session, user_id)


async def sound(world: ShopWorld) -> None:
    """The books balance, and escrow holds what offers say."""
    async with world.database.read() as session:
        assert await books.list_wrong_balances(session, GUILD, limit=9) == []
        assert await books.list_uneven(session, GUILD, limit=9) == []
        held = (await books.list_own_balances(session, GUILD))[AccountKind.ESCROW]
        assert held == await trading.table.sum_set_aside(session, GUILD)


async def named(world: ShopWorld, user_id: int) -> int:
    """Return how many accounts bear somebody's name."""
    async with world.database.read() as session:
        query = select(func.count()).where(Account.user_id == user_id)
        return await session.scalar(query.select_from(Account)) or 0


@asynccontextmanager
async def halted_after(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, at: Callable[..., bool]
) -> AsyncIterator[Halt]:
    """Have the first call that is meant stop once it is done, until the second waits for it."""
    reached, real = Halt(), getattr(owner, name)

    async def halting(session: AsyncSession, *args: Any, **kwargs: Any) -> Any:
        result = await real(session, *args, **kwargs)
        if at(session, *args) and not reached.is_set():
            reached.set()
            await until_held_up(session, reached.passed.is_set)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, halting)
        yield reached


async def both(first: Deed, reached: Halt, second: Deed) -> list[Any]:
    """Begin the second while the first is halted; return how both ended, errors in words too."""

    async def begin_second() -> Any:
        await reached.wait()
        try:
            return await second()
        finally:
            reached.passed.set()

    async with asyncio.timeout(20):
        ended = [*await asyncio.gather(first(), begin_second(), return_exceptions=True)]
    for one in ended:
        if isinstance(one, BaseException) and not isinstance(one, AppError):
            raise one
    return ended


async def deed_of(world: ShopWorld, what: str, sword: ShopItem) -> Deed:
    """Return something that changes money, rows and pieces of Ann's."""
    if what == "buy":
        return lambda: world.buy(sword, 1)
    if what == "swap":
        deal = await offer(world, Side(10, sword.id, 1), Side(5))
        return lambda: world.trades.accept(deal.trade.id, BOB)
    return world.undo


# Where each has changed some of its rows, and not all.
HALTS = {
    "buy": (economy_inventory, "add_pieces"),
    "swap": (economy_inventory, "lock_lots"),
    "undo": (ledger, "change_balance"),
}


@pytest.mark.parametrize("what", list(HALTS))
async def test_erasing_begins_in_the_midst_of_it(
    world: ShopWorld, sword: ShopItem, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    deed = await deed_of(world, what, sword)
    owner, name = HALTS[what]
    async with halted_after(monkeypatch, owner, name, at=lambda *_args: True) as reached:
        done, _erased = await both(deed, reached, lambda: erase(world))
    assert not isinstance(done, AppError)
    assert await named(world, ANN) == 0
    await sound(world)


@pytest.mark.parametrize("what", list(HALTS))
@pytest.mark.parametrize("table", ["economy_transactions", "economy_lots"])
async def test_it_begins_in_the_midst_of_erasing(
    world: ShopWorld, sword: ShopItem, monkeypatch: pytest.MonkeyPatch, what: str, table: str
) -> None:
    deed = await deed_of(world, what, sword)

    def at(_session: Any, erased: Any, *_args: Any) -> bool:
        return bool(erased.name == table)

    async with halted_after(monkeypatch, people, "erase_in", at=at) as reached:
        _erased, done = await both(lambda: erase(world), reached, deed)
    # Nobody buys or swaps for somebody who is not there any more.
    assert isinstance(done, AppError)
    assert await named(world, ANN) == 0
    await sound(world)


@pytest.mark.parametrize("erased", [ANN, BOB])
async def test_open_offer_of_the_erased_ends_and_names_nobody(
    world: ShopWorld, sword: ShopItem, erased: int
) -> None:
    deal = await offer(world, Side(10, sword.id, 1), Side(5))
    await erase(world, erased)
    async with world.database.read() as session:
        assert "economy_trades" not in await export_person(session, erased)
    await sound(world)
    with pytest.raises(AppError):
        await world.trades.accept(deal.trade.id, BOB)
    await world.work(OPEN_FOR)
    await sound(world)
    assert await named(world, erased) == 0
    assert await world.holds(erased) == {}
    if erased == BOB:
        assert (await world.holds(ANN), await world.has(ANN)) == ({"Sword": 5}, 100)


async def test_offer_of_the_erased_is_not_given_back_by_staff(
    world: ShopWorld, sword: ShopItem
) -> None:
    await offer(world, Side(10, sword.id, 1), Side(5))
    await erase(world)
    with pytest.raises(Conflict, match="erased"):
        await world.undo()
    await world.work(OPEN_FOR)
    await sound(world)
