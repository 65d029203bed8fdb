"""Three reels, all alike: three of a kind pay by their symbol, two cherries pay a little."""

from __future__ import annotations

from enum import StrEnum

from cogs.economy.games import Below


class Symbol(StrEnum):
    """What a reel can show."""

    CHERRY = "cherry"
    LEMON = "lemon"
    BELL = "bell"
    STAR = "star"
    GEM = "gem"


# How many of a reel's twenty places each symbol has.
PLACES = {
    Symbol.CHERRY: 6,
    Symbol.LEMON: 5,
    Symbol.BELL: 4,
    Symbol.STAR: 3,
    Symbol.GEM: 2,
}
REEL = tuple(symbol for symbol, places in PLACES.items() for _place in range(places))

# What three of a kind pay, in stakes.
THREE_PAY = {
    Symbol.CHERRY: 5,
    Symbol.LEMON: 8,
    Symbol.BELL: 15,
    Symbol.STAR: 30,
    Symbol.GEM: 100,
}
TWO_CHERRIES_PAY = 2

Line = tuple[Symbol, Symbol, Symbol]


def spin(below: Below) -> Line:
    """Return what the reels show, from left to right."""
    return (REEL[below(len(REEL))], REEL[below(len(REEL))], REEL[below(len(REEL))])


def payout(line: Line, stake: int) -> int:
    """Return what the player gets back in all."""
    first, second, third = line
    if first is second is third:
        return THREE_PAY[first] * stake
    return TWO_CHERRIES_PAY * stake if line.count(Symbol.CHERRY) == 2 else 0
