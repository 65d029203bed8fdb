"""What every runner does alike: holds the attempts under way with their claims, counts outcomes.

How a piece of work is done, and how its claim is settled, is the runner's own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.clock import Clock
from bot.core.events import Event, EventBus
from db.engine import Database
from db.leases import Leased, Shards, extend_lease

log = structlog.get_logger(__name__)

# How much of an error is kept in its row, in characters.
ERROR_LENGTH = 300

R = TypeVar("R", bound=Leased)
T = TypeVar("T")


class WorkRunner(Generic[R, T]):
    """The surroundings of a work source whose attempts return a `T`.

    `outcomes` counts the attempts of this process by kind and outcome. A claim lasts for `lease`
    unless it is kept, so that is how long the work of a killed process lies still.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        clock: Clock,
        *,
        lease: timedelta,
        bus: EventBus | None,
        shards: Shards | None,
    ) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._name = name
        self._database = database
        self._clock = clock
        self._lease = lease
        self._bus = bus
        self._shards = shards
        # Names this process's claims, for people who look into the table.
        self._owner = f"{name}-{secrets.token_hex(6)}"
        self._attempts: dict[R, asyncio.Task[T]] = {}

    def interrupt(self, row: R) -> None:
        """Cancel the attempt at a row, so that `work` soon gives its claim back."""
        if attempt := self._attempts.get(row):
            attempt.cancel()

    @contextmanager
    def _attempting(self, row: R, work: Coroutine[Any, Any, T]) -> Iterator[asyncio.Task[T]]:
        """Start an attempt that `interrupt` can cancel; it doesn't outlive the block."""
        attempt = asyncio.create_task(work, name=f"{self._name}:{row.kind}")
        self._attempts[row] = attempt
        try:
            yield attempt
        finally:
            attempt.cancel()
            del self._attempts[row]

    async def _keep_lease(self, row: R, attempt: asyncio.Task[T]) -> None:
        """Wait for an attempt's end, and end it when its claim is lost."""
        while True:
            done, _ = await asyncio.wait({attempt}, timeout=self._lease.total_seconds() / 3)
            if done:
                return
            try:
                async with self._database.write() as session:
                    kept = await extend_lease(session, row, self._clock.now() + self._lease)
            except (SQLAlchemyError, OSError) as error:
                # The attempt's own transaction may hold the database's only write lock. Should the
                # lease run out meanwhile, the compare-and-set of whoever settles it decides.
                kind = type(error).__name__
                log.warning("lease_not_extended", work=row.dedupe_key, error=kind)
                continue
            if not kept:
                attempt.cancel()

    async def _publish(self, event: Event) -> None:
        if self._bus is not None:
            await self._bus.publish(event)

    def _count(self, kind: str, outcome: str) -> None:
        self.outcomes[kind, outcome] += 1
