"""The lag probe: measures, keeps a minute, and sees a loop that stands still."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from bot.core.health.lag import LoopLagProbe
from bot.core.supervisor import TaskSupervisor


def test_p99_of_nothing_is_nothing() -> None:
    probe = LoopLagProbe()
    assert (probe.p99(), probe.worst(), probe.silent_for()) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("slow", "expected"), [(1, 0.001), (2, 0.001), (3, 5.0)])
def test_p99_ignores_one_in_a_hundred(slow: int, expected: float) -> None:
    probe = LoopLagProbe()
    for number in range(240):
        probe.note(5.0 if number < slow else 0.001)
    assert probe.p99() == expected
    assert probe.worst() == 5.0


def test_p99_of_the_first_seconds_ignores_one_hiccup() -> None:
    probe = LoopLagProbe()
    probe.note(2.0)
    for _ in range(20):
        probe.note(0.001)
    assert probe.p99() == 0.001
    probe.note(2.0)
    assert probe.p99() == 2.0


def test_lags_older_than_a_minute_are_forgotten() -> None:
    seen: list[float] = []
    probe = LoopLagProbe(seen.append)
    probe.note(40.0)
    for _ in range(240):
        probe.note(0.0)
    assert probe.worst() == 0.0
    assert len(seen) == 241


async def test_probe_measures_a_blocked_loop_and_the_watchdog_sees_it() -> None:
    probe, supervisor = LoopLagProbe(tick=0.01, stall_after=0.1), TaskSupervisor()
    supervisor.start("loop_lag", probe.run)
    await asyncio.sleep(0.05)
    with capture_logs() as lines:
        time.sleep(0.4)  # the loop is blocked on purpose
        while not probe.worst() > 0.3:
            await asyncio.sleep(0.01)
    await supervisor.stop()
    assert probe.stalls == 1
    [line] = [line for line in lines if line["event"] == "event_loop_stalled"]
    assert "time.sleep(0.4)" in line["stack"]
    assert probe.silent_for() == 0.0
