"""Any operations in any order, with crashes and retries: the books always balance.

A model in plain Python says what everybody must have; after each step the accounts are compared
with it, and the audit must find nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
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
from sqlalchemy import event

from bot.core.errors import Conflict, InvalidInput
from bot.core.ledger import (
    AlreadyPosted,
    Entry,
    Holder,
    InsufficientFunds,
    Move,
    TransactionKind,
    post,
)
from cogs.economy.earning import NotYet
from cogs.economy.treasury import Order
from db import economy_books as books
from db.economy import AccountKind
from db.engine import Database
from tests.cogs.economy.world import STAFF, EconomyWorld
from tests.fakes import FakeClock

MEMBERS = (1, 2, 3)
_GUILDS = count(1 << 41)

members = st.sampled_from(MEMBERS)
amounts = st.integers(1, 500)


class Crash(Exception):
    """The process is gone in the middle of a transaction."""


class Economy(RuleBasedStateMachine):
    """One guild; `url` is set by the test."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.guild_id = next(_GUILDS)
        self.have: Counter[int] = Counter()
        self.own: Counter[str] = Counter()
        # What each number moved, for undoing; what belongs together has one entry.
        self.moved: dict[int, Counter[Any]] = {}
        self.keys = count(1)
        self.crash_in: int | None = None

    @initialize()
    def open(self) -> None:
        self.world = self.runner.run(self._open())

    async def _open(self) -> EconomyWorld:
        return EconomyWorld(Database(self.url, pool_size=2), FakeClock())

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self.world.database.close())
        self.runner.close()

    # --- helpers -------------------------------------------------------------------------------

    def key(self) -> str:
        return f"{self.guild_id}:{next(self.keys)}"

    def do(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step; after a crash in the middle of it, do it again as a retry would."""

        async def run() -> Any:
            return await step()

        if self.crash_in is not None:
            with dying(self.world.database, self.crash_in) as died:
                self.crash_in = None
                try:
                    return self.runner.run(run())
                except Crash:
                    assert died
        return self.runner.run(run())

    def note(self, number: int, **changes: int) -> None:
        moved: Counter[Any] = Counter()
        for name, amount in changes.items():
            holder: Any = int(name[1:]) if name.startswith("m") and name[1:].isdigit() else name
            moved[holder] += amount
        self.apply(moved)
        self.moved[number] = moved

    def apply(self, moved: Counter[Any]) -> None:
        for holder, amount in moved.items():
            if isinstance(holder, int):
                self.have[holder] += amount
            else:
                self.own[holder] += amount

    def order(self, user_id: int, key: str) -> Order:
        return Order(guild_id=self.guild_id, user_id=user_id, actor=STAFF, key=key)

    # --- operations ----------------------------------------------------------------------------

    @rule(statement=st.integers(1, 12))
    def crash(self, statement: int) -> None:
        """Have the next operation die at a statement, and be tried again."""
        self.crash_in = statement

    @rule(days=st.integers(0, 3), hours=st.integers(0, 23))
    def wait(self, days: int, hours: int) -> None:
        self.world.clock.advance(timedelta(days=days, hours=hours))

    @rule(member=members, amount=amounts)
    def give(self, member: int, amount: int) -> None:
        order = self.order(member, self.key())
        done = self.do(lambda: self.world.treasury.give(order, amount))
        self.note(done.number, mint=-amount, **{f"m{member}": amount})

    @rule(member=members, amount=amounts)
    def take(self, member: int, amount: int) -> None:
        order = self.order(member, self.key())
        if amount > self.have[member]:
            self.refused(lambda: self.world.treasury.take(order, amount))
            return
        done = self.do(lambda: self.world.treasury.take(order, amount))
        self.note(done.number, sink=amount, **{f"m{member}": -amount})

    @rule(member=members, amount=st.integers(0, 500))
    def set_balance(self, member: int, amount: int) -> None:
        order = self.order(member, self.key())
        change = amount - self.have[member]
        if not change:
            return
        done = self.do(lambda: self.world.treasury.set(order, amount))
        own = {"mint": -change} if change > 0 else {"sink": -change}
        self.note(done.number, **own, **{f"m{member}": change})

    @rule(payer=members, payee=members, amount=amounts, tax=st.integers(0, 90))
    def pay(self, payer: int, payee: int, amount: int, tax: int) -> None:
        if payer == payee or amount <= -(-amount * tax // 100):
            return
        self.world.use(pay_tax=tax)
        key, taken = self.key(), -(-amount * tax // 100)

        def step() -> Awaitable[int]:
            return self.world.pay(payer, payee, amount, key=key, guild_id=self.guild_id)

        if amount > self.have[payer]:
            self.refused(step)
            return
        number = self.do(step)
        self.note(number, sink=taken, **{f"m{payer}": -amount, f"m{payee}": amount - taken})
        # Whoever presses twice, or tries again after a crash, pays once.
        self.refused(step, AlreadyPosted, InsufficientFunds)

    @rule(member=members)
    def daily(self, member: int) -> None:
        try:
            received = self.do(
                lambda: self.world.earning.daily(self.guild_id, member, self.world.settings, "UTC")
            )
        except NotYet:
            return
        number = self.newest()
        gained = received.gift.amount
        self.note(number, mint=-gained, **{f"m{member}": gained})

    @rule(member=members)
    def work(self, member: int) -> None:
        key = self.key()
        try:
            shift = self.do(
                lambda: self.world.earning.work(self.guild_id, member, self.world.settings, key=key)
            )
        except NotYet:
            return
        self.note(self.newest(), mint=-shift.amount, **{f"m{member}": shift.amount})

    @rule(member=members, stake=amounts, payout=st.integers(0, 1500))
    def play(self, member: int, stake: int, payout: int) -> None:
        """Stake and settle in two transactions, as a game that goes on for a while does."""
        if stake > self.have[member]:
            return
        reference = f"game:{next(self.keys)}"
        who = Holder.user(member)
        first = self.do(lambda: self.post(reference, "stake", Move(who, Holder.ESCROW, stake)))
        win = (Move(Holder.HOUSE, who, payout),) if payout else ()
        second = self.do(
            lambda: self.post(reference, "settle", Move(Holder.ESCROW, Holder.HOUSE, stake), *win)
        )
        minted = max(0, payout - stake - self.own["house"])
        moved: Counter[Any] = Counter(
            {member: payout - stake, "house": stake - payout + minted, "mint": -minted}
        )
        self.apply(moved)
        self.moved[first.transaction_id] = self.moved[second.transaction_id] = moved

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        if not self.moved:
            return
        number = data.draw(st.sampled_from(sorted(self.moved)))
        moved, key = self.moved[number], self.key()
        back = Counter({holder: -amount for holder, amount in moved.items()})
        # What the house has lost meanwhile is minted for it.
        lacking = max(0, -(self.own["house"] + back["house"]))
        back["house"] += lacking
        back["mint"] -= lacking

        def step() -> Awaitable[Any]:
            return self.world.treasury.undo(self.order(0, key), number)

        if not any(amount for amount in moved.values()):
            self.refused(step)
            return
        short = [one for one in MEMBERS if self.have[one] + back[one] < 0]
        if short or self.own["sink"] + back["sink"] < 0:
            self.refused(step)
            return
        self.do(step)
        self.apply(back)
        for one in [one for one, other in self.moved.items() if other is moved]:
            del self.moved[one]
        self.refused(step)

    # --- what must hold ------------------------------------------------------------------------

    def refused(
        self,
        step: Callable[[], Awaitable[Any]],
        *errors: type[Exception],
    ) -> None:
        expected = errors or (InvalidInput, Conflict)
        try:
            self.do(step)
        except expected:
            return
        raise AssertionError("it was not refused")

    def post(self, reference: str, key: str, *moves: Move) -> Awaitable[Any]:
        entry = Entry(
            guild_id=self.guild_id,
            kind=TransactionKind.GAME,
            key=f"{reference}:{key}",
            actor_id=1,
            moves=moves,
            reference=reference,
        )

        async def write() -> Any:
            async with self.world.database.write() as session:
                return await post(session, entry, self.world.clock.now())

        return write()

    def newest(self) -> int:
        async def read() -> int:
            async with self.world.database.read() as session:
                found = await books.list_transactions(session, self.guild_id, limit=1)
            return found[0].id

        return self.runner.run(read())

    @invariant()
    def books_balance(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self._compare())

    async def _compare(self) -> None:
        assert await self.world.auditing.audit(self.guild_id) == []
        async with self.world.database.read() as session:
            own = await books.list_own_balances(session, self.guild_id)
            rows = await books.list_richest(session, self.guild_id, offset=0, limit=10)
        assert dict(rows) == {one: amount for one, amount in self.have.items() if amount}
        assert own.pop(AccountKind.USER) == sum(self.have.values())
        assert own == {kind: self.own[kind] for kind in own}
        assert sum(own.values()) + sum(self.have.values()) == 0
        assert all(amount >= 0 for kind, amount in own.items() if kind != AccountKind.MINT)


@contextmanager
def dying(database: Database, statement: int) -> Iterator[list[int]]:
    """Have the process die at a statement that a transaction makes, counted from here."""
    left, died = [statement], []

    def before(*_arguments: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            died.append(statement)
            raise Crash

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    try:
        yield died
    finally:
        event.remove(engine, "before_cursor_execute", before)


def test_books_balance_whatever_happens(database_url: str) -> None:
    machine = type("Machine", (Economy,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
