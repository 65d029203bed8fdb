"""What every runner does alike: holds the attempts under way, counts outcomes, says what happened.

How a piece of work is done, and how its claim is settled, is the runner's own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from bot.core.clock import Clock
from bot.core.events import Event, EventBus
from db.engine import Database
from db.leases import Leased, Shards

# How much of an error is kept in its row, in characters.
ERROR_LENGTH = 300

R = TypeVar("R", bound=Leased)
T = TypeVar("T")


class WorkRunner(Generic[R, T]):
    """The surroundings of a work source whose attempts return a `T`.

    `outcomes` counts the attempts of this process by kind and outcome.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        clock: Clock,
        *,
        bus: EventBus | None,
        shards: Shards | None,
    ) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._name = name
        self._database = database
        self._clock = clock
        self._bus = bus
        self._shards = shards
        # Names this process's claims, for people who look into the table.
        self._owner = f"{name}-{secrets.token_hex(6)}"
        self._attempts: dict[int, asyncio.Task[T]] = {}

    def interrupt(self, row: R) -> None:
        """Cancel the attempt at a row, so that `work` soon gives its claim back."""
        if attempt := self._attempts.get(row.id):
            attempt.cancel()

    @contextmanager
    def _attempting(self, row: R, work: Coroutine[Any, Any, T]) -> Iterator[asyncio.Task[T]]:
        """Start an attempt that `interrupt` can cancel; it doesn't outlive the block."""
        attempt = asyncio.create_task(work, name=f"{self._name}:{row.kind}")
        self._attempts[row.id] = attempt
        try:
            yield attempt
        finally:
            attempt.cancel()
            del self._attempts[row.id]

    async def _publish(self, event: Event) -> None:
        if self._bus is not None:
            await self._bus.publish(event)

    def _count(self, kind: str, outcome: str) -> None:
        self.outcomes[kind, outcome] += 1
