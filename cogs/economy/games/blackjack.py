"""Blackjack as a value: a deal, the moves that it allows, and what it pays when it is over.

Each card is drawn from a full pack of 52, so counting cards helps nobody and the odds can be
computed exactly. The dealer looks for a blackjack at once and stands on every 17. A blackjack pays
3 to 2, a half being rounded down. A hand may be doubled while it has two cards; it is never split.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from cogs.economy.games import Below

PACK = 52
RANKS = 13
BEST = 21
DEALER_STANDS = 17
# What a blackjack pays in all, in stakes.
BLACKJACK_PAYS = Fraction(5, 2)
_ACE, _TEN = 1, 10


class Move(StrEnum):
    """What a player can do."""

    HIT = "hit"
    STAND = "stand"
    DOUBLE = "double"


class Result(StrEnum):
    """How a deal ended for the player."""

    BLACKJACK = "blackjack"
    WIN = "win"
    PUSH = "push"
    LOSS = "loss"
    BUST = "bust"


class IllegalMove(ValueError):
    """The deal does not allow the move."""


@dataclass(frozen=True, slots=True)
class Points:
    """What a hand is worth; a soft one counts an ace as 11."""

    total: int = 0
    soft: bool = False

    def plus(self, card: int) -> Points:
        """Return what the hand is worth with another card of so many points, an ace being 1."""
        total = self.total + card
        if card == _ACE and total + 10 <= BEST:
            return Points(total + 10, soft=True)
        if self.soft and total > BEST:
            return Points(total - 10)
        return Points(total, self.soft)


@dataclass(frozen=True, slots=True)
class Deal:
    """The cards, numbered from 0 to 51; the dealer's second lies face down until it is over."""

    player: tuple[int, ...]
    dealer: tuple[int, ...]
    doubled: bool = False
    over: bool = False

    @property
    def stakes(self) -> int:
        """How many stakes are on the table."""
        return 2 if self.doubled else 1

    def as_json(self) -> dict[str, Any]:
        """Return the deal as it is stored."""
        return {
            "player": list(self.player),
            "dealer": list(self.dealer),
            "doubled": self.doubled,
            "over": self.over,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Deal:
        """Return a stored deal; raises `ValueError` for what no deal can be."""
        player, dealer = tuple(stored["player"]), tuple(stored["dealer"])
        cards = (*player, *dealer)
        if min(len(player), len(dealer)) < 2 or not all(one in range(PACK) for one in cards):
            raise ValueError("not a deal of blackjack")
        return cls(player, dealer, bool(stored["doubled"]), bool(stored["over"]))


def card_points(card: int) -> int:
    """Return what a card counts: an ace 1, a picture 10."""
    return min(card % RANKS + 1, _TEN)


def points(cards: Iterable[int]) -> Points:
    """Return what a hand is worth."""
    worth = Points()
    for card in cards:
        worth = worth.plus(card_points(card))
    return worth


def is_blackjack(cards: tuple[int, ...]) -> bool:
    """Tell whether a hand is an ace with a ten or a picture."""
    return len(cards) == 2 and points(cards).total == BEST


def dealer_draws(worth: Points) -> bool:
    """Tell whether the dealer takes another card."""
    return worth.total < DEALER_STANDS


def deal(below: Below) -> Deal:
    """Deal two cards to each side; it is over at once when somebody has a blackjack."""
    player, dealer = (below(PACK), below(PACK)), (below(PACK), below(PACK))
    return Deal(player, dealer, over=is_blackjack(player) or is_blackjack(dealer))


def moves(dealt: Deal) -> tuple[Move, ...]:
    """Return what the player can do now."""
    if dealt.over:
        return ()
    return tuple(Move) if len(dealt.player) == 2 else (Move.HIT, Move.STAND)


def play(dealt: Deal, move: Move, below: Below) -> Deal:
    """Return the deal after a move; raises `IllegalMove` for one that it does not allow.

    A hand of 21 stands by itself. The dealer draws unless the player has gone over 21.
    """
    if move not in moves(dealt):
        raise IllegalMove(move)
    if move is Move.STAND:
        return _finish(dealt, below)
    drawn = replace(
        dealt, player=(*dealt.player, below(PACK)), doubled=dealt.doubled or move is Move.DOUBLE
    )
    total = points(drawn.player).total
    if total > BEST:
        return replace(drawn, over=True)
    return _finish(drawn, below) if total == BEST or drawn.doubled else drawn


def _finish(dealt: Deal, below: Below) -> Deal:
    dealer = dealt.dealer
    while dealer_draws(points(dealer)):
        dealer = (*dealer, below(PACK))
    return replace(dealt, dealer=dealer, over=True)


def result(dealt: Deal) -> Result:
    """Return how a deal ended; raises `ValueError` while it goes on."""
    if not dealt.over:
        raise ValueError("the deal is not over")
    player, dealer = points(dealt.player).total, points(dealt.dealer).total
    if is_blackjack(dealt.player):
        return Result.PUSH if is_blackjack(dealt.dealer) else Result.BLACKJACK
    if player > BEST:
        return Result.BUST
    if is_blackjack(dealt.dealer):
        return Result.LOSS
    return compare(player, dealer)


def compare(player: int, dealer: int) -> Result:
    """Return how a hand of at most 21 fares against the dealer's finished one."""
    if dealer > BEST or player > dealer:
        return Result.WIN
    return Result.PUSH if player == dealer else Result.LOSS


def payout(dealt: Deal, stake: int) -> int:
    """Return what the player gets back in all; `stake` is what the deal began with."""
    return paid(result(dealt), stake * dealt.stakes)


def paid(ended: Result, staked: int) -> int:
    """Return what is paid in all for what is on the table."""
    match ended:
        case Result.BLACKJACK:
            return int(BLACKJACK_PAYS * staked)
        case Result.WIN:
            return 2 * staked
        case Result.PUSH:
            return staked
        case _:
            return 0
