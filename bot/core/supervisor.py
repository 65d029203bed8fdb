"""The supervisor: the only door through which background work starts.

It names each task, logs its death, starts it again with backoff and tells health and metrics.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from db.engine import is_connection_error

log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
# The longest pause of a task that only waits for the database to come back.
DATABASE_PAUSE = 5.0
# A run this long counts as healthy: the next failure starts again at the first pause.
HEALTHY_SECONDS = 120.0


@dataclass(slots=True)
class TaskStatus:
    """What became of one named task; `up` is false while it waits to be started again."""

    name: str
    up: bool = True
    restarts: int = 0
    last_error: str | None = None
    waits_for_database: bool = False


class TaskSupervisor:
    """Starts named background tasks, restarts the lasting ones and ends them all on `stop()`."""

    def __init__(self, on_failure: Callable[[str, BaseException], None] | None = None) -> None:
        self._lasting: dict[str, asyncio.Task[None]] = {}
        self._status: dict[str, TaskStatus] = {}
        self._brief: set[asyncio.Task[Any]] = set()
        self._on_failure = on_failure
        self._stopping = False

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until `stop()`, again after each failure; a normal return ends it.

        Raises `ValueError` when a task of that name is running.
        """
        if (running := self._lasting.get(name)) and not running.done():
            raise ValueError(f"a background task named {name!r} is running already")
        self._status[name] = TaskStatus(name)
        self._lasting[name] = asyncio.create_task(self._keep_up(name, work), name=name)

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run one piece of work in the background once; its failure is logged and counted."""
        task = asyncio.create_task(self._run_once(name, work), name=name)
        self._brief.add(task)
        task.add_done_callback(self._brief.discard)
        return task

    def statuses(self) -> list[TaskStatus]:
        """Return the state of every lasting task, for health and metrics."""
        return list(self._status.values())

    async def end(self, name: str) -> None:
        """Cancel one lasting task and wait until it is gone."""
        task = self._lasting.pop(name, None)
        self._status.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop(self, grace: float = 3.0) -> None:
        """Let brief work finish within `grace` seconds, then cancel everything."""
        self._stopping = True
        if self._brief:
            await asyncio.wait(set(self._brief), timeout=grace)
        tasks = [*self._lasting.values(), *self._brief]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_up(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        status = self._status[name]
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._stopping:
            started = loop.time()
            try:
                await work()
            except (
                Exception,
                asyncio.CancelledError,
            ) as error:  # it starts again
                if _is_cancelled():
                    raise
                if loop.time() - started > HEALTHY_SECONDS:
                    pause = FIRST_PAUSE
                self._note_failure(status, error, pause)
            else:
                self._status.pop(name, None)
                return
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            pause = min(pause * 2, LONGEST_PAUSE)
            if status.waits_for_database:
                pause = min(pause, DATABASE_PAUSE)
            status.up = True

    def _note_failure(self, status: TaskStatus, error: BaseException, pause: float) -> None:
        status.up = False
        status.restarts += 1
        status.last_error = type(error).__name__
        status.waits_for_database = is_connection_error(error)
        if status.waits_for_database:
            # Many tasks meet it at once, and the health sampler says it once for all.
            log.warning("background_task_waits_for_database", task=status.name)
        else:
            log.error(
                "background_task_died", task=status.name, restart_in_seconds=pause, exc_info=error
            )
        if self._on_failure is not None:
            self._on_failure(status.name, error)

    async def _run_once(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancelled():
                raise
            if is_connection_error(error):
                log.warning("background_work_needs_database", task=name)
            else:
                log.exception("background_work_failed", task=name)
            if self._on_failure is not None:
                self._on_failure(name, error)
            return None


def _is_cancelled() -> bool:
    """Tell whether this task was cancelled, not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
