"""Whatever is bought, used, given, traded and undone, with crashes and retries: nothing is lost.

After each step the books are even, escrow holds what is on offer, and every piece that was sold is
in an inventory, in an offer, or used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from bot.core.errors import AppError
from cogs.economy.auditing import Auditing
from cogs.economy.inventory import Receiver
from cogs.economy.shopping import Customer, Order
from cogs.economy.trade_rules import Proposal, Side
from cogs.economy.trading import Offer
from cogs.economy.treasury import Order as Undoing
from db.economy import Transaction
from db.economy_inventory import ItemUse, Lot
from db.economy_shop import Bought, ShopItem
from db.economy_trades import OPEN, Trade, sum_set_aside
from db.engine import Database
from tests.cogs.economy.shop_world import ADMIN, ANN, BOB, RED, ShopWorld
from tests.cogs.economy.test_economy_machine import Crash, dying
from tests.fakes import FakeClock

EVE = 1003
MEMBERS, BEGINNING, STOCK, LIMIT = (ANN, BOB, EVE), 300, 8, 4
_GUILDS = count(1 << 43)

members = st.sampled_from(MEMBERS)
goods = st.integers(0, 2)
some = st.integers(0, 2)
pairs = st.sampled_from([(one, other) for one in MEMBERS for other in MEMBERS if one != other])
orders = st.permutations(range(3))
answers = st.sampled_from(("accept", "decline", "cancel", ""))


class Trading(RuleBasedStateMachine):
    """A guild with three members, a sword, a ticket for a role and a cake; `url` is the test's."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.guild_id = next(_GUILDS)
        self.restocked = 0
        self.keys = count(1)
        self.crash_in: int | None = None

    @initialize()
    def open(self) -> None:
        self.world = self.runner.run(self._open())

    async def _open(self) -> ShopWorld:
        world = ShopWorld(Database(self.url, pool_size=2), FakeClock(), guild_id=self.guild_id)
        await world.earn(BEGINNING, *MEMBERS)
        ticket = {"kind": "role_on_use", "role_id": str(RED), "lasts": 3600}
        self.items = [
            await world.item("Sword", stock=STOCK, per_member=LIMIT),
            await world.item("Ticket", price=7, **ticket),
            await world.item("Cake", price=3, lasts=7200),
        ]
        for member in MEMBERS:
            for item in self.items:
                await world.buy(item, 2, user_id=member)
        self.auditing = Auditing(
            world.database,
            world.clock,
            jobs=world.jobs,
            problems=world.problems,
            audited=lambda _count: None,
        )
        self.auditing.claims.append(sum_set_aside)
        return world

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self.world.database.close())
        self.runner.close()

    def key(self) -> str:
        return f"step:{next(self.keys)}"

    def do(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step, again after a crash; None for one that is refused in words."""
        with suppress(AppError):
            if self.crash_in is not None:
                statement, self.crash_in = self.crash_in, None
                with dying(self.world.database, statement), suppress(Crash):
                    return self.runner.run(_run(step))
            return self.runner.run(_run(step))
        return None

    # --- what people do ------------------------------------------------------------------------

    @rule(statement=st.integers(1, 25))
    def crash(self, statement: int) -> None:
        """Have the next step die at a statement, and be tried again."""
        self.crash_in = statement

    @rule(member=members, item=goods, quantity=st.integers(1, 3), presses=st.integers(1, 2))
    def buy(self, member: int, item: int, quantity: int, presses: int) -> None:
        """Buy something; a second press buys nothing more."""
        seen = self.items[item]
        order = Order(
            customer=Customer(self.guild_id, member),
            item_id=seen.id,
            price=seen.price,
            quantity=quantity,
            key=self.key(),
        )
        for _press in range(presses):
            self.do(lambda: self.world.shop.buy(order))

    @rule(member=members)
    def use(self, member: int) -> None:
        key, ticket = self.key(), self.items[1]
        customer = Customer(self.guild_id, member)
        self.do(lambda: self.world.inventories.use(customer, ticket, key=key))

    @rule(pair=pairs, item=goods, quantity=st.integers(1, 2))
    def gift(self, pair: tuple[int, int], item: int, quantity: int) -> None:
        giver, key = pair[0], self.key()
        receiver = Receiver(pair[1], is_bot=False, is_member=True)
        given = self.items[item]
        self.do(lambda: self.world.inventories.gift(giver, receiver, given, quantity, key=key))

    @rule(
        pair=pairs,
        items=st.permutations(range(3)),
        coins=some,
        wants_coins=st.booleans(),
        then=answers,
    )
    def trade(
        self, pair: tuple[int, int], items: list[int], coins: int, wants_coins: bool, then: str
    ) -> None:
        """Offer a piece, and money with it, for another or for money; press a button, or don't."""
        given, wanted = (self.items[one].id for one in items[:2])
        offer = Offer(
            guild_id=self.guild_id,
            user_id=pair[0],
            partner=Receiver(pair[1], is_bot=False, is_member=True),
            proposal=Proposal(
                Side(coins, given, 1), Side(coins + 1) if wants_coins else Side(0, wanted, 1)
            ),
            key=self.key(),
        )
        if self.do(lambda: self.world.trades.offer(offer)) is not None:
            self.answer(then, 0)

    @rule(then=answers, back=some)
    def answer(self, then: str, back: int) -> None:
        """Press a button below an offer, which may be over; or don't."""
        trades = self.ask(select(Trade).where(Trade.guild_id == self.guild_id))
        if then and len(trades) > back:
            trade = sorted(trades, key=lambda one: one.id)[-1 - back]
            presser = trade.user_id if then == "cancel" else trade.partner_id
            self.do(lambda: getattr(self.world.trades, then)(trade.id, presser))

    @rule(minutes=st.sampled_from((5, 61, 60 * 25)))
    def wait(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))
        self.do(self.world.jobs.run_due)

    @rule(quantity=st.integers(1, 3), price=st.integers(5, 15))
    def manage(self, quantity: int, price: int) -> None:
        """Add swords, and change their price; who looks at them sees the new one."""
        sword, stock = self.items[0].id, self.world.stock
        if self.do(lambda: stock.restock(self.guild_id, sword, quantity, ADMIN)) is not None:
            self.restocked += quantity
        changed = self.do(lambda: stock.edit(self.guild_id, sword, {"price": price}, ADMIN))
        if changed is not None:
            self.items[0] = changed

    @rule(back=st.integers(0, 8))
    def undo(self, back: int) -> None:
        numbers = self.ask(select(Transaction.id).where(Transaction.guild_id == self.guild_id))
        if len(numbers) > back:
            number = sorted(numbers)[-1 - back]
            order = Undoing(guild_id=self.guild_id, user_id=0, actor=ADMIN, key=self.key())
            self.do(lambda: self.world.treasury.undo(order, number))

    # --- what holds all the time ---------------------------------------------------------------

    def ask(self, query: Any) -> list[Any]:
        async def read() -> list[Any]:
            async with self.world.database.read() as session:
                return list(await session.scalars(query))

        return self.runner.run(read())

    def total(self, query: Any) -> int:
        return int(self.ask(query)[0] or 0)

    @invariant()
    def the_books_are_even(self) -> None:
        if hasattr(self, "world"):
            assert self.runner.run(self.auditing.audit(self.guild_id)) == []

    @invariant()
    def every_piece_is_somewhere(self) -> None:
        if not hasattr(self, "world"):
            return
        # Cakes that are eaten by time are nowhere.
        for item in self.items[:2]:
            held = select(func.sum(Lot.quantity)).where(Lot.item_id == item.id)
            offered = select(func.sum(Trade.give_quantity)).where(
                Trade.give_item_id == item.id, Trade.state == OPEN
            )
            used = select(func.sum(ItemUse.quantity)).where(
                ItemUse.item_id == item.id, ItemUse.target_id.is_(None)
            )
            sold = select(ShopItem.sold).where(ShopItem.id == item.id)
            there = self.total(held) + self.total(offered) + self.total(used)
            assert there == self.total(sold)

    @invariant()
    def stock_and_limit_hold(self) -> None:
        if not hasattr(self, "world"):
            return
        sword = self.items[0].id
        left = select(ShopItem.stock + ShopItem.sold).where(ShopItem.id == sword)
        assert self.total(left) == STOCK + self.restocked
        most = select(func.max(Bought.quantity)).where(Bought.item_id == sword)
        assert self.total(most) <= LIMIT


async def _run(step: Callable[[], Awaitable[Any]]) -> Any:
    return await step()


def test_nothing_is_lost_whatever_is_done(database_url: str) -> None:
    machine = type("Trading", (Trading,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
