"""The games as pure rules: what falls, what it pays, and the odds that are told.

Chance is passed in as `below(n)`, which returns a whole number from 0 to n - 1, each as likely as
the others. Nothing here knows of accounts, databases or Discord.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

Below = Callable[[int], int]


class Game(StrEnum):
    """The games, as they are stored."""

    COINFLIP = "coinflip"
    DICE = "dice"
    SLOTS = "slots"
    BLACKJACK = "blackjack"
