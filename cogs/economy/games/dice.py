"""Dice, in two games: a duel with the house, and a lucky number among three dice.

In the duel each side throws two dice and the higher sum wins twice the stake. Equal sums give the
stake back, but for two sevens, which the house keeps. A lucky number pays by how often it shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from cogs.economy.games import Below

FACES = 6
# The sum at which a draw is the house's.
HOUSE_SUM = 7
DUEL_PAYS = 2
# What a lucky number pays that shows so often among three dice, in stakes.
LUCKY_PAYS = (0, 2, 3, 11)

Pair = tuple[int, int]
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Duel:
    """What both sides have thrown."""

    player: Pair
    house: Pair

    @property
    def is_draw(self) -> bool:
        """Whether both have the same sum, whoever that is good for."""
        return sum(self.player) == sum(self.house)


def throw(below: Below) -> int:
    """Return what one die shows."""
    return below(FACES) + 1


def duel(below: Below) -> Duel:
    """Throw for the player, then for the house."""
    player = (throw(below), throw(below))
    return Duel(player, (throw(below), throw(below)))


def duel_payout(thrown: Duel, stake: int) -> int:
    """Return what the player gets back in all."""
    player, house = sum(thrown.player), sum(thrown.house)
    if player == house:
        return 0 if player == HOUSE_SUM else stake
    return DUEL_PAYS * stake if player > house else 0


def three(below: Below) -> Triple:
    """Throw three dice."""
    return (throw(below), throw(below), throw(below))


def lucky_payout(number: int, thrown: Triple, stake: int) -> int:
    """Return what the player gets back in all; raises `ValueError` for a number on no die."""
    if not 1 <= number <= FACES:
        raise ValueError(f"no die shows {number}")
    return LUCKY_PAYS[thrown.count(number)] * stake
