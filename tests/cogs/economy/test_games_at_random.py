"""Whatever is played, pressed again, left, undone or erased, in any order: the books stay even."""

from __future__ import annotations

import random
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import AppError
from cogs.economy.games import blackjack
from cogs.economy.games.bets import CoinBet, DuelBet, LuckyBet, SlotsBet
from cogs.economy.games.blackjack import Move
from cogs.economy.games.coinflip import Side
from cogs.economy.gaming import Gaming, Seat, purge
from cogs.economy.hands import Hand
from db.economy_games import GameStatus
from db.engine import Database
from tests.cogs.economy.gametable import GameTable
from tests.cogs.economy.world import ANN, BEN
from tests.fakes import FakeClock

STEPS = 60
PEOPLE = (ANN, BEN)
BETS = (CoinBet(Side.HEADS), DuelBet(), LuckyBet(3), SlotsBet())


class Gambler:
    """Does something at random, and remembers old hands and requests to come back with them."""

    def __init__(self, hall: GameTable, chance: random.Random) -> None:
        self.hall, self.chance = hall, chance
        self.hands: list[tuple[int, Hand]] = []
        self.seats: list[Seat] = []
        below = chance.randrange
        hall.gaming._below = hall.hands._below = below
        self.steps = (self.play, self.deal, self.press, self.press, self.leave, self.undo)

    async def step(self) -> None:
        # What is refused in words may have changed nothing.
        with suppress(AppError):
            await self.chance.choice(self.steps)()

    def _seat(self, who: int) -> Seat:
        old = [one for one in self.seats if one.user_id == who]
        if old and self.chance.random() < 0.3:
            return self.chance.choice(old)
        self.seats.append(self.hall.seat(who))
        return self.seats[-1]

    async def play(self) -> None:
        who = self.chance.choice(PEOPLE)
        stake = self.chance.choice(("10", "half", "all", "5k", "-1"))
        await self.hall.play(stake, self.chance.choice(BETS), self._seat(who))

    async def deal(self) -> None:
        who = self.chance.choice(PEOPLE)
        stake = self.chance.choice(("10", "11", "half", "all"))
        seat = self._seat(who)
        hand = await self.hall.hands.deal(seat, stake, self.hall.settings)
        if hand.game.game == "blackjack":
            self.hands.append((who, hand))

    async def press(self) -> None:
        if not self.hands:
            return
        # Mostly the newest, now and then one from before.
        who, hand = self.chance.choice([*self.hands[-2:], *self.hands[-2:], *self.hands])
        after = await self.hall.move(hand, self.chance.choice(tuple(Move)), user_id=who)
        self.hands.append((who, after))
        assert after.game.version >= hand.game.version

    async def leave(self) -> None:
        self.hall.clock.advance(timedelta(minutes=self.chance.choice((5, 61, 60 * 25))))
        await self.hall.jobs.run_due()

    async def undo(self) -> None:
        number = self.chance.randrange(1, 40)
        await self.hall.treasury.undo(self.hall.order(ANN), number)


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_keeps_the_books_even(
    database: Database, clock: FakeClock, seed: int
) -> None:
    hall = GameTable(database, clock)
    gambler = Gambler(hall, random.Random(seed))
    for one in PEOPLE:
        await hall.give(one, 1000)
    for _step in range(STEPS):
        await gambler.step()
        await hall.sound()
    for _turn in range(2):
        clock.advance(timedelta(hours=2))
        await hall.jobs.run_due()

    games = await hall.games()
    assert len(games) > 5
    assert not [one for one in games if one.status == GameStatus.OPEN]
    assert await hall.escrow() == 0
    for one in games:
        assert one.paid <= 100 * one.staked
        if one.game == "blackjack" and one.status == GameStatus.SETTLED:
            dealt = blackjack.Deal.from_json(one.state)
            assert one.paid == blackjack.payout(dealt, one.stake)
    async with database.write() as session:
        await purge(session, clock.now() + timedelta(days=40))
    assert await hall.games() == []
    await hall.sound()


def test_chance_is_the_system_s() -> None:
    # Nobody can foresee it, and each number is as likely as the others.
    database: Any = None
    assert Gaming(database, database)._below is secrets.randbelow
