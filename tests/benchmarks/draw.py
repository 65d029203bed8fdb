"""A giveaway's draw over many weighted entrants, against a plain draw that nobody can check.

Both run in one process and one run; compare the ratios.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from cogs.giveaways.verify import digest_of, draw_order, entries_root

GIVEAWAY = "6b0b4a5e-5f2c-4c55-8a53-6f6ad4c7a001"
WINNERS = 50
# Some must be passed over, so more are drawn than win.
DRAWN = WINNERS * 2
Entries = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way of drawing takes: the median of its rounds, in milliseconds of CPU."""

    name: str
    median: float


def compare(entrants: int, rounds: int) -> list[Cost]:
    """Return what both ways cost for so many entrants, the plain one first."""
    weigh = random.Random(1)
    entries = [
        (digest_of(GIVEAWAY, user_id, "00" * 16), weigh.randint(1, 10))
        for user_id in range(entrants)
    ]
    ways = {
        "plain: `random`, one winner after the other, no proof": draw_plainly,
        "root of the entries and provable draw": draw_provably,
    }
    return [Cost(name, _measure(way, entries, rounds)) for name, way in ways.items()]


def draw_plainly(entries: Entries) -> list[str]:
    """Draw as bots without a proof do: sum up, pick, remove, again."""
    left, chosen = dict(entries), []
    pick = random.Random(2)
    for _place in range(min(DRAWN, len(left))):
        chosen += pick.choices(list(left), weights=list(left.values()))
        del left[chosen[-1]]
    return chosen


def draw_provably(entries: Entries) -> list[str]:
    """Draw as giveaways do, with the root that is published before."""
    root = entries_root(entries)
    return list(islice(draw_order("ab" * 32, GIVEAWAY, 0, root, entries), DRAWN))


def _measure(way: Callable[[Entries], list[str]], entries: Entries, rounds: int) -> float:
    costs = []
    for _round in range(rounds):
        before = time.process_time()
        drawn = way(entries)
        costs.append((time.process_time() - before) * 1e3)
        if len(set(drawn)) != min(DRAWN, len(entries)):
            raise RuntimeError("somebody was drawn twice, or too few were")
    return statistics.median(costs)
