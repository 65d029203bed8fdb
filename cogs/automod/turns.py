"""Whose turn it is: one at a time for each key, and no more acts on members than Discord allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from bot.core.clock import Clock

# Discord allows a bot 50 requests a second in all; members are dealt with more slowly than that.
ACTS_PER_SECOND = 12.0
AT_ONCE = 4


class Turns:
    """Locks by key; one that nobody holds or waits for is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Hold the turn of a key for as long as the block runs."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield


class Pace:
    """How fast this process acts on members, all guilds together."""

    def __init__(self, clock: Clock, acts_per_second: float = ACTS_PER_SECOND) -> None:
        self._clock = clock
        self._pause = 1.0 / acts_per_second
        self._next_act = 0.0

    async def wait(self) -> None:
        """Wait for this process's turn to act on a member."""
        now = self._clock.monotonic()
        turn = max(self._next_act, now)
        self._next_act = turn + self._pause
        # Some at once are as good as none.
        if turn - now > AT_ONCE * self._pause:
            await asyncio.sleep(turn - now - AT_ONCE * self._pause)
