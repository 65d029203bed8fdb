"""A process that stops for good at a moment, without a process of its own.

To the database and to Discord one that is killed and one that never wakes again are the same: its
leases run out, and somebody else goes on. Cheap, where `tests.kill` forks for each step.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Dying:
    """Hands on to a target and never comes back from one call: "before write 1", "after read 2"."""

    def __init__(self, target: Any, moment: str) -> None:
        self._target = target
        self._moment = moment
        self._calls: Counter[str] = Counter()
        self.died = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def doomed(*arguments: Any, **options: Any) -> Any:
            self._calls[name] += 1
            await self._live_on(f"before {name} {self._calls[name]}")
            answer = await found(*arguments, **options)
            await self._live_on(f"after {name} {self._calls[name]}")
            return answer

        return doomed

    async def _live_on(self, moment: str) -> None:
        if moment == self._moment or self.died.is_set():
            self.died.set()
            await asyncio.Event().wait()

    @asynccontextmanager
    async def until_dead(self, work: Any) -> AsyncIterator[None]:
        """Run work until it dies, then the block, with the work as it stopped."""
        task = asyncio.ensure_future(work)
        died = asyncio.ensure_future(self.died.wait())
        try:
            async with asyncio.timeout(20):
                await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
            if not self.died.is_set():
                task.result()
            assert self.died.is_set(), f"{self._moment} was not reached: {self._calls}"
            yield
        finally:
            for one in (task, died):
                one.cancel()
            await asyncio.gather(task, died, return_exceptions=True)
