"""The loop under jobs and outbox: claims what is due in the database and works on it, in bounds.

It decides when to look and how much to take on. What a piece of work is, and how it ends, is its
owner's; that no two processes take the same piece is the database's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import event as database_event
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.supervisor import TaskSupervisor
from db.notify import Notifier

log = structlog.get_logger(__name__)

# Work that is due but that another process is just claiming: look again soon, but don't spin.
CONTENDED_SECONDS = 0.2
# Work this late comes from a downtime; it is caught up in groups with a pause between them.
LATE = timedelta(minutes=1)
# After a look that found work the next one waits this long: what falls due and which slots get free
# meanwhile is found by one look, not by one for each.
GATHER_SECONDS = 0.05
# What a cancelled piece of work may take to give its claim back.
RELEASE_SECONDS = 2.0


class Claimed(Protocol):
    """A row that was claimed."""

    @property
    def id(self) -> Any: ...  # noqa: D102

    @property
    def due_at(self) -> Any: ...  # noqa: D102


R = TypeVar("R", bound=Claimed)


class WorkSource(Protocol[R]):
    """Where the work comes from and who does it."""

    async def get_next_due(self) -> datetime | None:
        """Return when a piece can next be claimed, or `None` when there is none."""
        ...

    async def claim(self, limit: int) -> Sequence[R]:
        """Claim up to `limit` pieces that are due."""
        ...

    async def work(self, row: R) -> None:
        """Do one piece and settle its claim, however it ends."""
        ...

    def interrupt(self, row: R) -> None:
        """Make a piece under way end soon, with its claim given back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a loop looks and how much it does at once.

    `poll` is the longest time between two looks; `catch_up` the mean pause between two groups of
    late work.
    """

    concurrency: int
    poll: timedelta = timedelta(seconds=30)
    catch_up: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look for work found: how much was started, and how many seconds to wait.

    Nothing but the end of the loop cuts `hold` short; whatever wakes the loop ends `rest`.
    """

    started: int = 0
    hold: float = 0.0
    rest: float = 0.0


class WorkLoop(Generic[R]):
    """Works on up to `pace.concurrency` pieces at once until it is stopped."""

    def __init__(
        self,
        name: str,
        source: WorkSource[R],
        *,
        clock: Clock,
        supervisor: TaskSupervisor,
        pace: Pace,
        notifier: Notifier | None = None,
    ) -> None:
        self.name = name
        self._notifier = notifier
        if notifier is not None:
            notifier.listen(self._channel, lambda _: self.wake())
            notifier.on_gap(self.wake)
        self._source = source
        self._clock = clock
        self._supervisor = supervisor
        self._pace = pace
        self._running: dict[asyncio.Task[None], R] = {}
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()
        # The last claim took all it might: what is left is claimed without asking for it first.
        self._is_more_due = False
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Look for work now instead of at the next poll."""
        self._wake.set()

    async def wake_after_commit(self, session: AsyncSession) -> None:
        """Look for work once the transaction is committed, here and in the other processes."""
        inner = session.sync_session
        transaction = inner.get_transaction()
        if transaction is not None and inner.info.get(self._channel) is transaction:
            return
        if not inner.in_nested_transaction():  # else a savepoint that is rolled back takes it along
            inner.info[self._channel] = transaction
        database_event.listen(inner, "after_commit", self._on_commit)
        if self._notifier is not None:
            await self._notifier.publish(self._channel, "", session)

    async def run(self) -> None:
        """Claim and work until `stop()`; raises what the database raises when it is gone."""
        self._stopping.clear()
        while not self._stopping.is_set():
            self._wake.clear()
            look = await self._start_due()
            await _wait_for(self._stopping, look.hold)
            if look.started:
                await self._gather()
            await _wait_for(self._wake, look.rest)

    async def run_due(self) -> None:
        """Do all that is due now, and what falls due by that, then return."""
        was_busy = True
        # What ends while it is looked for work may let more fall due: then it is looked once more.
        while was_busy or self._running:
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            was_busy = bool(self._running)
            was_busy = bool((await self._start_due()).started) or was_busy

    async def stop(self, grace: float) -> None:
        """Claim nothing more, give running work the seconds to finish, then interrupt the rest."""
        self._stopping.set()
        self.wake()
        async with self._claiming:
            running = dict(self._running)
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            self._source.interrupt(running[task])
        if late:
            log.warning("work_interrupted", loop=self.name, count=len(late))
            await asyncio.wait(late, timeout=RELEASE_SECONDS)

    async def _start_due(self) -> _Look:
        """Claim and start what is due and fits."""
        async with self._claiming:
            free = self._pace.concurrency - len(self._running)
            poll = self._pace.poll.total_seconds()
            if free <= 0 or self._stopping.is_set():
                return _Look(rest=poll)
            rows = await self._source.claim(free) if self._is_more_due else ()
            if not rows:
                due_at = await self._source.get_next_due()
                if due_at is None:
                    return _Look(rest=poll)
                wait = (due_at - self._clock.now()).total_seconds()
                if wait > 0:
                    return _Look(rest=min(wait, poll))
                rows = await self._source.claim(free)
            self._is_more_due = len(rows) == free
            for row in rows:
                self._start(row)
            return self._look_after(rows)

    async def _gather(self) -> None:
        """Let a moment pass before the next look, less when all slots are free and more is due."""
        if self._is_more_due and self._running:
            await asyncio.wait(self._running, timeout=GATHER_SECONDS)
        elif not self._is_more_due:
            await _wait_for(self._stopping, GATHER_SECONDS)

    def _start(self, row: R) -> None:
        task = self._supervisor.spawn(f"{self.name}:{row.id}", self._source.work(row))
        self._running[task] = row
        task.add_done_callback(self._on_done)

    def _look_after(self, rows: Sequence[R]) -> _Look:
        if not rows:
            return _Look(rest=CONTENDED_SECONDS)
        hold = 0.0
        if rows[0].due_at < self._clock.now() - LATE:
            hold = self._pace.catch_up.total_seconds() * random.uniform(0.5, 1.5)  # noqa: S311
        return _Look(started=len(rows), hold=hold)

    @property
    def _channel(self) -> str:
        return f"{self.name}_added"

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self.wake()

    def _on_commit(self, _session: object) -> None:
        self.wake()


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
