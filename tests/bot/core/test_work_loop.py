"""The loop under jobs and outbox: how often it looks for work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.supervisor import TaskSupervisor
from bot.core.work.loop import Pace, WorkLoop
from tests.fakes import FakeClock


@dataclass(frozen=True, slots=True)
class Piece:
    id: int
    due_at: datetime


@dataclass(slots=True)
class Pile:
    """Work that is done as soon as others have had a turn; counts how often it is looked for."""

    clock: FakeClock
    left: list[Piece] = field(default_factory=list)
    done: int = 0
    looks: int = 0

    async def get_next_due(self) -> datetime | None:
        self.looks += 1
        return self.left[0].due_at if self.left else None

    async def claim(self, limit: int) -> Sequence[Piece]:
        claimed, self.left = self.left[:limit], self.left[limit:]
        return claimed

    async def work(self, row: Piece) -> None:
        await asyncio.sleep(0)
        self.done += 1

    def interrupt(self, row: Piece) -> None:
        raise AssertionError(row)

    def add(self) -> None:
        self.left.append(Piece(self.done + len(self.left), self.clock.now()))


async def test_what_falls_due_within_a_moment_is_found_by_few_looks() -> None:
    pile, supervisor = Pile(FakeClock()), TaskSupervisor()
    loop = WorkLoop("pile", pile, clock=pile.clock, supervisor=supervisor, pace=Pace(concurrency=4))
    running = asyncio.ensure_future(loop.run())

    for _turn in range(200):
        pile.add()
        loop.wake()
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        while pile.done < 200:
            await asyncio.sleep(0.01)

    assert pile.looks < 50
    await loop.stop(grace=1.0)
    await running
    await supervisor.stop()


async def test_work_that_waits_is_gone_on_with_as_soon_as_all_slots_are_free() -> None:
    pile, supervisor = Pile(FakeClock()), TaskSupervisor()
    loop = WorkLoop("pile", pile, clock=pile.clock, supervisor=supervisor, pace=Pace(concurrency=4))
    for _turn in range(4000):
        pile.add()
    running = asyncio.ensure_future(loop.run())

    async with asyncio.timeout(25):  # with a pause after each four it would be 50
        while pile.done < 4000:
            await asyncio.sleep(0.01)

    await loop.stop(grace=1.0)
    await running
    await supervisor.stop()
