"""What waits to be sent to one open page: a bounded queue in which repeated hints melt into one."""

from __future__ import annotations

import asyncio
from collections import deque

from ..models import Json

LIMIT = 400
RESET: Json = {"kind": "reset"}


class Feed:
    """Events for one open page, in order.

    A page that reads too slowly loses what waits and gets `reset` instead: it then loads anew.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.closed = False
        self._limit = limit
        self._waiting: deque[Json] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, event: Json) -> None:
        """Add an event; a hint ("something changed") that still waits is not added twice."""
        if event["kind"] == "changed" and event in self._waiting:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            event = RESET
        self._waiting.append(event)
        self._arrived.set()

    def close(self) -> None:
        """End the feed; whoever waits for an event gets none."""
        self.closed = True
        self._arrived.set()

    async def next(self, within: float) -> Json | None:
        """Return the next event; None after `within` seconds without one, or at the end."""
        try:
            await asyncio.wait_for(self._arrived.wait(), within)
        except TimeoutError:
            return None
        if not self._waiting:
            return None
        event = self._waiting.popleft()
        if not self._waiting and not self.closed:
            self._arrived.clear()
        return event
