"""A coin is called and tossed: twice the stake for the side that was called.

The house lives on the coin's edge: it pays nobody, and so nothing has to be rounded.
"""

from __future__ import annotations

from enum import StrEnum

from cogs.economy.games import Below

# Of a hundred tosses, so many show each side; what is left lands on the edge.
PER_SIDE = 49
TOSSES = 100
PAYS = 2


class Side(StrEnum):
    """How a coin can fall."""

    HEADS = "heads"
    TAILS = "tails"
    EDGE = "edge"


def toss(below: Below) -> Side:
    """Return how the coin falls."""
    number = below(TOSSES)
    if number < PER_SIDE:
        return Side.HEADS
    return Side.TAILS if number < 2 * PER_SIDE else Side.EDGE


def payout(called: Side, fell: Side, stake: int) -> int:
    """Return what the player gets back in all; the edge can't be called."""
    if called is Side.EDGE:
        raise ValueError("the edge can't be called")
    return PAYS * stake if called is fell else 0
