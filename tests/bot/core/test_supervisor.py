"""Background work is named, restarted, reported and ended."""

from __future__ import annotations

import asyncio

import pytest

from bot.core import supervisor as module
from bot.core.supervisor import TaskSupervisor


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)


async def test_start_failed_work_is_started_again() -> None:
    failures: list[str] = []
    supervisor = TaskSupervisor(lambda name, _error: failures.append(name))
    runs = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("broken")
        third.set()
        await asyncio.Event().wait()

    supervisor.start("pump", work)
    await asyncio.wait_for(third.wait(), 30)
    (status,) = supervisor.statuses()
    assert (status.name, status.up, status.restarts) == ("pump", True, 2)
    assert status.last_error == "RuntimeError"
    assert failures == ["pump", "pump"]
    await supervisor.stop()


async def test_start_work_that_ends_by_a_cancellation_of_its_own_is_started_again() -> None:
    failures: list[str] = []
    supervisor = TaskSupervisor(lambda name, _error: failures.append(name))
    waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waited_for.cancel()
    again = asyncio.Event()

    async def work() -> None:
        if failures:
            again.set()
            await asyncio.Event().wait()
        await waited_for

    supervisor.start("pump", work)
    await asyncio.wait_for(again.wait(), 30)
    (status,) = supervisor.statuses()
    assert (status.up, status.restarts, status.last_error) == (True, 1, "CancelledError")
    await supervisor.stop()


async def test_spawn_work_that_waited_for_something_cancelled_has_failed() -> None:
    failures: list[str] = []
    supervisor = TaskSupervisor(lambda name, _error: failures.append(name))
    waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waited_for.cancel()

    async def work() -> None:
        await waited_for

    assert await supervisor.spawn("brief", work()) is None
    assert failures == ["brief"]


async def test_start_same_name_twice_is_refused() -> None:
    supervisor = TaskSupervisor()
    supervisor.start("pump", asyncio.Event().wait)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="pump"):
        supervisor.start("pump", asyncio.Event().wait)  # pyright: ignore[reportArgumentType]
    await supervisor.stop()


async def test_start_work_that_returns_is_done() -> None:
    supervisor = TaskSupervisor()
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    supervisor.start("once", work)
    await done.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert supervisor.statuses() == []


async def test_spawn_failure_reaches_nobody_but_the_log() -> None:
    failures: list[str] = []
    supervisor = TaskSupervisor(lambda name, _error: failures.append(name))

    async def work() -> None:
        raise RuntimeError("broken")

    assert await supervisor.spawn("brief", work()) is None
    assert failures == ["brief"]


async def test_stop_lets_brief_work_finish_and_cancels_the_rest() -> None:
    supervisor = TaskSupervisor()
    finished: list[str] = []
    release = asyncio.Event()

    async def brief() -> None:
        await release.wait()
        finished.append("brief")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            finished.append("endless cancelled")

    supervisor.spawn("brief", brief())
    supervisor.start("endless", endless)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(release.set)
    await supervisor.stop(grace=5)
    assert finished == ["brief", "endless cancelled"]
