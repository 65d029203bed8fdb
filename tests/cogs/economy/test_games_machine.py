"""Whatever is played, pressed again, left or undone, with crashes and retries: the books stay even.

After each step every member has what their games, as they are stored, have left them.
"""

from __future__ import annotations

import asyncio
import random
import secrets
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
from sqlalchemy import select

from bot.core.errors import AppError
from cogs.economy.games import Game, blackjack
from cogs.economy.games.bets import CoinBet, DuelBet, LuckyBet, SlotsBet
from cogs.economy.games.blackjack import Move
from cogs.economy.games.coinflip import Side
from cogs.economy.gaming import Gaming, Seat
from cogs.economy.hands import Hand
from cogs.economy.treasury import Order
from db.economy import Transaction, get_balance
from db.economy_games import EconomyGame, GameStatus
from db.engine import Database
from tests.cogs.economy.gametable import GameTable
from tests.cogs.economy.test_economy_machine import Crash, dying
from tests.cogs.economy.world import STAFF
from tests.fakes import FakeClock

MEMBERS = (1, 2)
BEGINNING = 1000
BETS = (CoinBet(Side.HEADS), DuelBet(), LuckyBet(3), SlotsBet())
_GUILDS = count(1 << 42)

members = st.sampled_from(MEMBERS)
stakes = st.sampled_from(("10", "11", "half", "all", "5k", "-1"))


class Gambling(RuleBasedStateMachine):
    """One guild with two players; `url` is set by the test."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.guild_id = next(_GUILDS)
        self.seats: list[Seat] = []
        self.hands: list[Hand] = []
        # The games that staff have taken back.
        self.undone: set[int] = set()
        self.keys = count(1)
        self.crash_in: int | None = None

    @initialize(seed=st.integers(0, 2**32))
    def open(self, seed: int) -> None:
        self.hall = self.runner.run(self._open(random.Random(seed)))

    async def _open(self, chance: random.Random) -> GameTable:
        hall = GameTable(Database(self.url, pool_size=2), FakeClock(), self.guild_id)
        hall.gaming._below = hall.hands._below = chance.randrange
        for one in MEMBERS:
            await hall.treasury.give(self._order(one), BEGINNING)
        return hall

    def teardown(self) -> None:
        if hasattr(self, "hall"):
            self.runner.run(self.hall.database.close())
        self.runner.close()

    def _order(self, user_id: int = 0) -> Order:
        key = f"order:{next(self.keys)}"
        return Order(guild_id=self.guild_id, user_id=user_id, actor=STAFF, key=key)

    def do(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step, again after a crash; None for one that is refused in words."""
        with suppress(AppError):
            if self.crash_in is not None:
                statement, self.crash_in = self.crash_in, None
                with dying(self.hall.database, statement), suppress(Crash):
                    return self.runner.run(_run(step))
            return self.runner.run(_run(step))
        return None

    # --- what people do ------------------------------------------------------------------------

    @rule(statement=st.integers(1, 25))
    def crash(self, statement: int) -> None:
        """Have the next step die at a statement, and be tried again."""
        self.crash_in = statement

    @rule(member=members, stake=stakes, bet=st.sampled_from(BETS), data=st.data())
    def play(self, member: int, stake: str, bet: Any, data: st.DataObject) -> None:
        seat = self._seat(member, data)
        self.do(lambda: self.hall.play(stake, bet, seat))

    @rule(member=members, stake=stakes, data=st.data())
    def deal(self, member: int, stake: str, data: st.DataObject) -> None:
        seat = self._seat(member, data)
        hand = self.do(lambda: self.hall.hands.deal(seat, stake, self.hall.settings))
        if hand is not None and hand.game.game == Game.BLACKJACK:
            self.hands.append(hand)

    @rule(move=st.sampled_from(Move), back=st.integers(0, 3))
    def press(self, move: Move, back: int) -> None:
        """Press a button of the newest hand, or of one as it was before."""
        if len(self.hands) <= back:
            return
        hand = self.hands[-1 - back]
        after = self.do(lambda: self.hall.move(hand, move, user_id=hand.game.user_id))
        if after is not None:
            assert after.game.version >= hand.game.version
            self.hands.append(after)

    @rule(minutes=st.sampled_from((5, 61, 60 * 25)))
    def leave(self, minutes: int) -> None:
        self.hall.clock.advance(timedelta(minutes=minutes))
        self.do(self.hall.jobs.run_due)

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        games = self.runner.run(self._games())
        if not games:
            return
        game = data.draw(st.sampled_from([one.id for one in games]))
        number = self.runner.run(self._transaction_of(game))
        order = self._order()
        if self.do(lambda: self.hall.treasury.undo(order, number)) is not None:
            assert game not in self.undone
            self.undone.add(game)

    def _seat(self, member: int, data: st.DataObject) -> Seat:
        """Return a new request, or one that comes again."""
        old = [one for one in self.seats if one.user_id == member]
        if old and data.draw(st.integers(0, 3)) == 0:
            return data.draw(st.sampled_from(old))
        self.seats.append(self.hall.seat(member))
        return self.seats[-1]

    async def _games(self) -> list[EconomyGame]:
        query = select(EconomyGame).where(EconomyGame.guild_id == self.guild_id)
        async with self.hall.database.read() as session:
            return list(await session.scalars(query.order_by(EconomyGame.id)))

    async def _transaction_of(self, game_id: int) -> int:
        query = select(Transaction.id).where(
            Transaction.guild_id == self.guild_id, Transaction.reference == f"game:{game_id}"
        )
        async with self.hall.database.read() as session:
            return (await session.scalars(query.order_by(Transaction.id))).all()[0]

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def books_are_even(self) -> None:
        if hasattr(self, "hall"):
            self.runner.run(self._compare())

    async def _compare(self) -> None:
        assert await self.hall.auditing.audit(self.guild_id) == []
        have = dict.fromkeys(MEMBERS, BEGINNING)
        games = await self._games()
        for one in games:
            if one.id not in self.undone:
                have[one.user_id] += one.paid - one.staked
            if one.game == Game.BLACKJACK and one.status == GameStatus.SETTLED:
                dealt = blackjack.Deal.from_json(one.state)
                assert one.paid == blackjack.payout(dealt, one.stake)
        is_open = [one.user_id for one in games if one.status == GameStatus.OPEN]
        assert len(set(is_open)) == len(is_open)
        async with self.hall.database.read() as session:
            assert have == {one: await get_balance(session, self.guild_id, one) for one in MEMBERS}


async def _run(step: Callable[[], Awaitable[Any]]) -> Any:
    return await step()


def test_books_are_even_whatever_is_played(database_url: str) -> None:
    machine = type("Machine", (Gambling,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_chance_is_the_system_s() -> None:
    # Nobody can foresee it, and each number is as likely as the others.
    database: Any = None
    assert Gaming(database, database)._below is secrets.randbelow
