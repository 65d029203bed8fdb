"""The bets on games that are over at once: how each is played, and what falls, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from cogs.economy.games import Below, Game, coinflip, dice, slots


@dataclass(frozen=True, slots=True)
class Fell:
    """What fell, as JSON, and what the player gets back in all."""

    state: Mapping[str, Any]
    paid: int


class Bet(Protocol):
    """Something to stake on."""

    game: ClassVar[Game]

    def play(self, stake: int, below: Below) -> Fell:
        """Play it for a stake."""
        ...


@dataclass(frozen=True, slots=True)
class CoinBet:
    """A side of the coin is called."""

    called: coinflip.Side
    game: ClassVar[Game] = Game.COINFLIP

    def play(self, stake: int, below: Below) -> Fell:
        """Toss the coin."""
        fell = coinflip.toss(below)
        state = {"called": self.called.value, "fell": fell.value}
        return Fell(state, coinflip.payout(self.called, fell, stake))


@dataclass(frozen=True, slots=True)
class DuelBet:
    """Two dice against two of the house."""

    game: ClassVar[Game] = Game.DICE

    def play(self, stake: int, below: Below) -> Fell:
        """Throw for both sides."""
        thrown = dice.duel(below)
        state = {"player": list(thrown.player), "house": list(thrown.house)}
        return Fell(state, dice.duel_payout(thrown, stake))


@dataclass(frozen=True, slots=True)
class LuckyBet:
    """A number that three dice are to show."""

    number: int
    game: ClassVar[Game] = Game.DICE

    def play(self, stake: int, below: Below) -> Fell:
        """Throw the three dice."""
        thrown = dice.three(below)
        state = {"number": self.number, "dice": list(thrown)}
        return Fell(state, dice.lucky_payout(self.number, thrown, stake))


@dataclass(frozen=True, slots=True)
class SlotsBet:
    """A pull at the slots."""

    game: ClassVar[Game] = Game.SLOTS

    def play(self, stake: int, below: Below) -> Fell:
        """Turn the reels."""
        line = slots.spin(below)
        return Fell({"line": [one.value for one in line]}, slots.payout(line, stake))
