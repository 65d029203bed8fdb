"""What the games return, computed exactly: each outcome by its probability, never by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Protocol, TypeVar

from cogs.economy.games import Below, blackjack
from cogs.economy.games.blackjack import BEST, Move, Points, Result
from cogs.economy.games.strategy import advise

Outcome = TypeVar("Outcome")


class Play(Protocol):
    """What a hand of two cards brings, played in some way."""

    def __call__(self, hand: Points, dealer_card: int, *, first: bool) -> Fraction: ...


# How likely a card of so many points is, an ace being 1.
CARDS = {points: Fraction(1, 13) for points in range(1, 10)} | {10: Fraction(4, 13)}


def every_play(play: Callable[[Below], Outcome]) -> Iterator[tuple[Fraction, Outcome]]:
    """Yield each way in which a play can go, with its probability: all numbers are tried."""
    script: list[list[int]] = []
    while True:
        outcome, script = _play_by(play, script)
        likely = Fraction(1)
        for _number, bound in script:
            likely /= bound
        yield likely, outcome
        while script and script[-1][0] == script[-1][1] - 1:
            script.pop()
        if not script:
            return
        script[-1][0] += 1


def _play_by(
    play: Callable[[Below], Outcome], script: list[list[int]]
) -> tuple[Outcome, list[list[int]]]:
    asked: list[list[int]] = []

    def below(bound: int) -> int:
        number = script[len(asked)][0] if len(asked) < len(script) else 0
        asked.append([number, bound])
        return number

    return play(below), asked


def mean(play: Callable[[Below], int]) -> Fraction:
    """Return the average of what a play pays."""
    return sum((likely * paid for likely, paid in every_play(play)), Fraction(0))


# --- blackjack: each card from a full pack, so the points of a hand say all about it --------------


@cache
def dealer_ends(worth: Points) -> dict[int, Fraction]:
    """Return how likely the dealer is to end with each total; anything over 21 as 22."""
    if not blackjack.dealer_draws(worth):
        return {min(worth.total, BEST + 1): Fraction(1)}
    ends: dict[int, Fraction] = {}
    for card, likely in CARDS.items():
        for total, chance in dealer_ends(worth.plus(card)).items():
            ends[total] = ends.get(total, Fraction(0)) + likely * chance
    return ends


def natural_chance(dealer_card: int) -> Fraction:
    """Return how likely the dealer's open card is part of a blackjack."""
    return CARDS.get({1: 10, 10: 1}.get(dealer_card, 0), Fraction(0))


@cache
def dealer_without_natural(dealer_card: int) -> dict[int, Fraction]:
    """Return how the dealer ends, who has looked and has no blackjack."""
    ends: dict[int, Fraction] = {}
    missing = {1: 10, 10: 1}.get(dealer_card)
    for card, likely in CARDS.items():
        if card == missing:
            continue
        share = likely / (1 - natural_chance(dealer_card))
        for total, chance in dealer_ends(Points().plus(dealer_card).plus(card)).items():
            ends[total] = ends.get(total, Fraction(0)) + share * chance
    return ends


def settled(total: int, dealer_card: int, staked: int) -> Fraction:
    """Return what a finished hand brings on average, its stakes taken off."""
    if total > BEST:
        return Fraction(-staked)
    paid = sum(
        (
            chance * blackjack.paid(blackjack.compare(total, end), staked)
            for end, chance in dealer_without_natural(dealer_card).items()
        ),
        Fraction(0),
    )
    return paid - staked


@cache
def worth_of(move: Move, hand: Points, dealer_card: int, *, first: bool) -> Fraction:
    """Return what a move brings on average in stakes, followed by the best ones."""
    if move is Move.STAND:
        return settled(hand.total, dealer_card, 1)
    after = [(likely, hand.plus(card)) for card, likely in CARDS.items()]
    if move is Move.DOUBLE:
        return sum((p * settled(one.total, dealer_card, 2) for p, one in after), Fraction(0))
    return sum((p * best(one, dealer_card, first=False) for p, one in after), Fraction(0))


@cache
def best(hand: Points, dealer_card: int, *, first: bool) -> Fraction:
    """Return what the best play of a hand brings on average; 21 stands by itself."""
    if hand.total >= BEST:
        return settled(hand.total, dealer_card, 1)
    possible = tuple(Move) if first else (Move.HIT, Move.STAND)
    return max(worth_of(move, hand, dealer_card, first=first) for move in possible)


@cache
def advised(hand: Points, dealer_card: int, *, first: bool) -> Fraction:
    """Return what a hand brings that is played by the published chart."""
    if hand.total >= BEST:
        return settled(hand.total, dealer_card, 1)
    move = advise(hand, dealer_card, may_double=first)
    if move is not Move.HIT:
        return worth_of(move, hand, dealer_card, first=first)
    return sum(
        (p * advised(hand.plus(card), dealer_card, first=False) for card, p in CARDS.items()),
        Fraction(0),
    )


@cache
def left(hand: Points, dealer_card: int, *, first: bool) -> Fraction:
    """Return what a hand brings whose player leaves it when that is best, and gets the stake."""
    if hand.total >= BEST:
        return settled(hand.total, dealer_card, 1)
    played = [worth_of(Move.STAND, hand, dealer_card, first=first)]
    if first:
        played.append(worth_of(Move.DOUBLE, hand, dealer_card, first=True))
    drawn = sum(
        (p * left(hand.plus(card), dealer_card, first=False) for card, p in CARDS.items()),
        Fraction(0),
    )
    return max(Fraction(0), drawn, *played)


def blackjack_return(stake: int, play: Play = advised) -> Fraction:
    """Return what comes back of a stake on average, per stake; who plays goes by the chart."""
    gained = Fraction(0)
    natural = Fraction(blackjack.paid(Result.BLACKJACK, stake) - stake, stake)
    for one, first_chance in CARDS.items():
        for other, second_chance in CARDS.items():
            hand = Points().plus(one).plus(other)
            for dealer_card, dealer_chance in CARDS.items():
                likely = first_chance * second_chance * dealer_chance
                lost = natural_chance(dealer_card)
                if hand.total == BEST:
                    gained += likely * (1 - lost) * natural
                else:
                    gained += likely * ((1 - lost) * play(hand, dealer_card, first=True) - lost)
    return 1 + gained
