"""An economy in which games are played with cards, coins and dice that the test has chosen."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy import select

from bot.core.ledger import Holder
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.economy.games.bets import Bet, SlotsBet
from cogs.economy.games.blackjack import Move
from cogs.economy.gaming import Gaming, Played, Seat
from cogs.economy.hands import Hand, Hands, Press
from db import economy_games as table
from db.economy_books import list_lines
from db.economy_games import EconomyGame
from db.engine import Database
from db.outbox import OutboxMessage
from tests.cogs.economy.world import ANN, GUILD, EconomyWorld
from tests.fakes import FakeClock

HALL, ELSEWHERE = 500, 501


def cards(text: str) -> list[int]:
    """Return cards by their ranks: A, 2 to 9, T, J, Q, K."""
    return ["A23456789TJQK".index(one) for one in text]


class GameTable(EconomyWorld):
    """A process with games; what falls is taken from `draws`, and 0 when that is empty."""

    def __init__(self, database: Database, clock: FakeClock, guild_id: int = GUILD) -> None:
        super().__init__(database, clock)
        self.guild_id = guild_id
        self.view = NullState()
        self.outbox = OutboxService(database, clock, TaskSupervisor())
        self.gaming = Gaming(database, clock, below=self._below)
        self.hands = Hands(
            database,
            clock,
            self.store,
            jobs=self.jobs,
            outbox=self.outbox,
            state=lambda: self.view,
            below=self._below,
        )
        self.hands.start()
        self.auditing.claims.append(table.sum_at_stake)
        self.treasury.returns["game"] = self.gaming.note_undone
        self._requests = itertools.count(1)

    def seat(self, user_id: int = ANN, **values: Any) -> Seat:
        places = {"channel_id": HALL, "parent_id": None, "request_id": next(self._requests)}
        return Seat(self.guild_id, user_id, **(places | values))

    async def play(
        self, stake: str = "10", bet: Bet | None = None, seat: Seat | None = None
    ) -> Played:
        return await self.gaming.play(seat or self.seat(), bet or SlotsBet(), stake, self.settings)

    async def deal(self, drawn: str = "T6T8", stake: str = "10", seat: Seat | None = None) -> Hand:
        """Deal these cards: the first two are the player's, the next two the dealer's."""
        self.draws[:] = cards(drawn)
        return await self.hands.deal(seat or self.seat(), stake, self.settings)

    async def move(
        self, hand: Hand, move: Move, drawn: str = "", user_id: int = ANN, **values: Any
    ) -> Hand:
        """Press a button of a hand as it was shown."""
        self.draws[:] = cards(drawn)
        game = hand.game
        press = {"game_id": game.id, "version": game.version, "guild_id": self.guild_id}
        return await self.hands.move(Press(**press, user_id=user_id, move=move, **values))

    async def game(self, game_id: int) -> EconomyGame | None:
        return await self.read(table.get_game, game_id)

    async def games(self) -> list[EconomyGame]:
        async with self.database.read() as session:
            return list(await session.scalars(select(EconomyGame).order_by(EconomyGame.id)))

    async def edits(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    async def kinds(self, user_id: int = ANN) -> list[tuple[str, int]]:
        """Return what moved a member's money, the newest first."""
        lines = await self.read(list_lines, GUILD, user_id, before=None, limit=100)
        return [(one.transaction.kind, one.amount) for one in lines]

    async def escrow(self) -> int:
        return await self.own(Holder.ESCROW)
