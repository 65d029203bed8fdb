"""What jobs and outbox share: durable work that one process at a time holds, works on and settles.

A service stores the work and speaks for it, its runner does it, its loop decides when and how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from bot.core.clock import Clock
from bot.core.supervisor import TaskSupervisor
from bot.core.work.loop import Claimed, Pace, WorkLoop, WorkSource
from db.leases import Backlog
from db.notify import Notifier

R = TypeVar("R", bound=Claimed)


@dataclass(frozen=True, slots=True)
class WorkSnapshot:
    """How work stands; `oldest_overdue` is in seconds and 0 when nothing is late."""

    pending: int = 0
    running: int = 0
    parked: int = 0
    failed: int = 0
    oldest_overdue: float = 0.0

    @classmethod
    def of(cls, backlog: Backlog, now: datetime, **measured: Any) -> Self:
        """Say how a backlog stands now; `measured` is what a subclass adds."""
        since = backlog.overdue_since
        return cls(
            pending=backlog.pending,
            running=backlog.running,
            parked=backlog.parked,
            failed=backlog.failed,
            oldest_overdue=(now - since).total_seconds() if since else 0.0,
            **measured,
        )


class WorkService(Generic[R]):
    """Runs what a source finds to do, from `run()` to `stop()`."""

    def __init__(
        self,
        name: str,
        source: WorkSource[R],
        *,
        clock: Clock,
        supervisor: TaskSupervisor,
        pace: Pace,
        notifier: Notifier | None,
    ) -> None:
        self._clock = clock
        self._loop = WorkLoop(
            name, source, clock=clock, supervisor=supervisor, pace=pace, notifier=notifier
        )

    def wake(self) -> None:
        """Look for work now, as when another process has said that it added some."""
        self._loop.wake()

    async def run(self) -> None:
        """Work on things as they fall due, until `stop()`."""
        await self._loop.run()

    async def run_due(self) -> None:
        """Work on all that is due now and return when it is settled."""
        await self._loop.run_due()

    async def stop(self, grace: float = 3.0) -> None:
        """Claim no more, let what is under way finish within the seconds, release the rest."""
        await self._loop.stop(grace)
