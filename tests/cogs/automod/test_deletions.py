"""The deletion queue: few calls, each message once, never over Discord's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.core.supervisor import TaskSupervisor
from cogs.automod import deletions
from cogs.automod.calls import NotAllowed, TooOld, TryAgain
from cogs.automod.deletions import DeletionQueue, Settled
from tests.fakes import FakeClock

GUILD, ROOM, HALL = 1, 10, 11


class Remover:
    """Notes each call; fails as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []
        self.errors: list[Exception] = []

    async def delete(self, guild_id: int, channel_id: int, message_id: int) -> None:
        await self._call([message_id])

    async def delete_many(self, guild_id: int, channel_id: int, ids: Sequence[int]) -> None:
        assert 2 <= len(ids) <= 100
        assert len(set(ids)) == len(ids)
        await self._call(ids)

    async def _call(self, ids: Sequence[int]) -> None:
        self.calls.append(tuple(ids))
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)


class Bench:
    def __init__(self) -> None:
        self.clock, self.remover = FakeClock(), Remover()
        self.settled: list[Settled] = []
        self.queue = DeletionQueue(
            self.remover, self.clock, TaskSupervisor(), self.report, gather_seconds=0
        )

    async def report(self, settled: Settled) -> None:
        self.settled.append(settled)

    def message(self, number: int, age: timedelta = timedelta()) -> int:
        made_at = (self.clock.now() - age).timestamp() * 1000
        return ((round(made_at) - 1_420_070_400_000) << 22) + number

    @property
    def gone(self) -> list[int]:
        return [one for each in self.settled if each.deleted for one in each.message_ids]


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_burst_takes_one_call_per_hundred(bench: Bench) -> None:
    ids = [bench.message(number) for number in range(201)]
    for one in ids:
        bench.queue.add(GUILD, {ROOM: [one]})
        bench.queue.add(GUILD, {ROOM: [one]})
    await bench.queue.drain([ROOM], 5)

    assert [len(call) for call in bench.remover.calls] == [100, 100, 1]
    assert sorted(bench.gone) == sorted(ids)
    assert bench.queue.size == 0


async def test_old_messages_go_one_by_one(bench: Bench) -> None:
    young = [bench.message(number) for number in range(2)]
    old = [bench.message(number, timedelta(days=14)) for number in range(3)]
    bench.queue.add(GUILD, {ROOM: [*old, *young]})
    await bench.queue.drain([ROOM], 5)

    assert sorted(map(len, bench.remover.calls)) == [1, 1, 1, 2]
    assert sorted(bench.gone) == sorted([*old, *young])


async def test_bulk_that_is_too_old_for_discord_goes_one_by_one(bench: Bench) -> None:
    bench.remover.errors.append(TooOld())
    ids = [bench.message(number) for number in range(3)]
    bench.queue.add(GUILD, {ROOM: ids})
    await bench.queue.drain([ROOM], 5)

    assert [len(call) for call in bench.remover.calls] == [3, 1, 1, 1]
    assert bench.gone == ids


async def test_missing_permission_stops_at_the_first_refusal(bench: Bench) -> None:
    bench.remover.errors += [NotAllowed()]
    ids = [bench.message(number) for number in range(150)]
    bench.queue.add(GUILD, {ROOM: ids})
    await bench.queue.drain([ROOM], 5)
    bench.queue.add(GUILD, {ROOM: [bench.message(900)]})
    await bench.queue.drain([ROOM], 5)

    assert len(bench.remover.calls) == 1
    assert bench.gone == []
    assert sum(len(one.message_ids) for one in bench.settled) == 151

    bench.queue.permit(ROOM)
    bench.queue.add(GUILD, {ROOM: [bench.message(901)]})
    await bench.queue.drain([ROOM], 5)
    assert bench.gone == [bench.message(901)]


async def test_errors_that_pass_are_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "LONGEST_PAUSE", 0.0)
    bench.remover.errors += [TryAgain(), TryAgain()]
    one = bench.message(1)
    bench.queue.add(GUILD, {ROOM: [one]})
    await bench.queue.drain([ROOM], 5)

    assert bench.remover.calls == [(one,)] * 3
    assert bench.gone == [one]


async def test_errors_that_last_are_left_to_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "LONGEST_PAUSE", 0.0)
    bench.remover.errors += [TryAgain()] * 50
    bench.queue.add(GUILD, {ROOM: [bench.message(1)]})
    await bench.queue.drain([ROOM], 5)

    assert len(bench.remover.calls) == deletions.MOST_TRIES
    assert bench.settled == []
    assert bench.queue.size == 0


async def test_what_somebody_else_deletes_is_left_alone(bench: Bench) -> None:
    ids = [bench.message(number) for number in range(3)]
    bench.queue.add(GUILD, {ROOM: ids, HALL: [bench.message(7)]})
    bench.queue.discard(ROOM, ids[:2])
    await bench.queue.drain([ROOM, HALL], 5)

    assert sorted(bench.remover.calls) == sorted([(ids[2],), (bench.message(7),)])


async def test_queue_is_bounded(bench: Bench) -> None:
    ids = [bench.message(number) for number in range(deletions.MOST_PER_CHANNEL + 20)]

    assert bench.queue.add(GUILD, {ROOM: ids}) == 20
    assert bench.queue.size == deletions.MOST_PER_CHANNEL
    await bench.queue.drain([ROOM], 5)
    assert len(bench.remover.calls) == deletions.MOST_PER_CHANNEL / 100
