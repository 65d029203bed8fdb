"""The event loop's lag: how late it comes back to a timer, and whether it stands still.

The lag is measured on the loop; a thread of its own watches for a loop that never comes back,
because nothing that runs on a stalled loop could say so.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
WINDOW_SECONDS = 60.0
STALL_SECONDS = 30.0


class LoopLagProbe:
    """Measures the running loop's lag in seconds, over the last minute.

    `on_lag` gets every single measurement, for a histogram. `run()` belongs under the supervisor.
    """

    def __init__(
        self,
        on_lag: Callable[[float], None] | None = None,
        *,
        tick: float = TICK_SECONDS,
        stall_after: float = STALL_SECONDS,
    ) -> None:
        self._on_lag = on_lag
        self._tick = tick
        self._stall_after = stall_after
        self._lags: deque[float] = deque(maxlen=max(1, round(WINDOW_SECONDS / tick)))
        self._last_tick: float | None = None
        self.stalls = 0

    def p99(self) -> float:
        """Return the lag that 99 of 100 ticks of the last minute stayed under."""
        if not self._lags:
            return 0.0
        ordered = sorted(self._lags)
        rank = math.ceil(len(ordered) * 0.99) - 1
        # Of the few ticks right after the start, one slow one would be the 99th percentile itself.
        return ordered[min(rank, max(len(ordered) - 2, 0))]

    def worst(self) -> float:
        """Return the longest lag of the last minute: a stall stays visible after it ended."""
        return max(self._lags, default=0.0)

    def silent_for(self) -> float:
        """Return the seconds since the last tick, 0 before the first; any thread may ask."""
        return 0.0 if self._last_tick is None else time.monotonic() - self._last_tick

    async def run(self) -> None:
        """Measure until cancelled, with the watchdog thread beside."""
        over = threading.Event()
        loop_thread = threading.get_ident()
        self._last_tick = time.monotonic()
        watchdog = threading.Thread(
            target=self._watch, args=(over, loop_thread), name="loop-watchdog", daemon=True
        )
        watchdog.start()
        try:
            while True:
                await self._measure()
        finally:
            over.set()
            self._last_tick = None

    async def _measure(self) -> None:
        before = time.monotonic()
        await asyncio.sleep(self._tick)
        self._last_tick = time.monotonic()
        self.note(max(0.0, self._last_tick - before - self._tick))

    def note(self, lag: float) -> None:
        """Take one measurement in seconds into account."""
        self._lags.append(lag)
        if self._on_lag is not None:
            self._on_lag(lag)

    def _watch(self, over: threading.Event, loop_thread: int) -> None:
        reported = False
        while not over.wait(self._stall_after / 6):
            stalled = self.silent_for() > self._stall_after
            if stalled and not reported:
                self.stalls += 1
                self._report(loop_thread)
            reported = stalled

    def _report(self, loop_thread: int) -> None:
        frame = sys._current_frames().get(loop_thread)
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        log.critical("event_loop_stalled", seconds=round(self.silent_for(), 1), stack=stack)
