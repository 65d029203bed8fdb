"""Batches: done piece by piece, ended and told once, whatever happens in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.batches import (
    KEPT_FOR,
    LONGEST,
    SLICE_SECONDS,
    TELL_AFTER,
    BatchOrder,
    BatchService,
    Later,
    Piece,
    Refused,
    purge_batches,
)
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from cogs.moderation.purges import PurgeService
from db.batches import ENDED, STOPPING, Batch
from db.engine import Database
from tests.bot.core.cases.world import GUILD, World
from tests.fakes import FakeClock

MOD = Actor(9, "command", "mod")


class Counting:
    """Does two things a piece, in no time unless told; notes what it was asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.pieces: list[tuple[int, bool]] = []
        self.ends: list[int] = []
        self.raised: list[BaseException] = []
        self.seconds = 0.0

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:
        self.pieces.append((batch.done, in_doubt))
        self.clock.advance(self.seconds)
        if self.raised:
            raise self.raised.pop(0)
        return Piece(batch.done + 2, {"so far": batch.done + 2})

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        self.ends.append(batch.id)

    def letter(self, batch: Batch) -> str:
        return f"{batch.done} of {batch.total}"


class Batched(World):
    """A process that works on batches; a second can be made over the same database."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock)
        self.worker = Counting(clock)
        self.batches = BatchService(database, clock, jobs=self.jobs, outbox=self.outbox)
        self.batches.register("count", self.worker)

    async def begin(
        self, total: int = 6, occasion: int = 1, *, alone: bool = False, kind: str = "count"
    ) -> Batch:
        order = BatchOrder(
            kind=kind,
            guild_id=GUILD,
            channel_id=500,
            occasion=occasion,
            actor=MOD,
            locale="en",
            total=total,
            work={"ids": list(range(total))},
            alone=alone,
        )
        return await self.batches.begin(order)

    async def now(self, batch: Batch) -> Batch:
        found = await self.batches.get(batch.id)
        assert found is not None
        return found


@pytest.fixture
def world(database: Database, clock: FakeClock) -> Batched:
    return Batched(database, clock)


async def test_batch_is_done_to_the_end_and_forgets_what_it_worked_on(world: Batched) -> None:
    batch = await world.begin()
    await world.jobs.run_due()

    ended = await world.now(batch)
    assert (ended.state, ended.done, ended.outcome) == (ENDED, 6, {"so far": 6})
    assert ended.work == {}
    assert [done for done, _ in world.worker.pieces] == [0, 2, 4]
    assert world.worker.ends == [batch.id]


async def test_end_that_nobody_saw_is_written_to_whoever_ordered_it_once(world: Batched) -> None:
    await world.begin()
    await world.jobs.run_due()
    assert await world.written() == []

    await world.pass_time(TELL_AFTER)
    await world.pass_time(TELL_AFTER)
    assert await world.written() == ["6 of 6"]


async def test_end_that_was_seen_is_not_written(world: Batched) -> None:
    batch = await world.begin()
    await world.jobs.run_due()
    await world.batches.note_told(batch.id)
    await world.pass_time(TELL_AFTER)
    assert await world.written() == []


async def test_batches_of_two_kinds_go_on_alone_in_one_guild(world: Batched) -> None:
    other = Counting(world.clock)
    world.batches.register("other", other)
    first = await world.begin(occasion=GUILD, alone=True)
    second = await world.begin(4, occasion=GUILD, alone=True, kind="other")
    assert (first.kind, second.kind) == ("count", "other")
    assert (await world.begin(4, occasion=GUILD, alone=True, kind="other")).id == second.id

    await world.jobs.run_due()
    assert (len(world.worker.pieces), len(other.pieces)) == (3, 2)


async def test_batch_begun_twice_at_once_is_one(world: Batched, clock: FakeClock) -> None:
    other = Batched(world.database, clock)
    batches = await asyncio.gather(world.begin(), other.begin(), world.begin())
    await asyncio.gather(world.jobs.run_due(), other.jobs.run_due())

    assert len({one.id for one in batches}) == 1
    assert len(world.worker.pieces + other.worker.pieces) == 3


async def test_long_batch_makes_room_for_other_jobs(world: Batched) -> None:
    world.worker.seconds = SLICE_SECONDS
    batch = await world.begin()
    seen: list[int] = []

    async def note(job: Any, session: AsyncSession) -> None:
        seen.append((await world.now(batch)).done)

    world.jobs.register("other", note)
    async with world.database.write() as session:
        await world.jobs.schedule(session, "other", world.clock.now(), dedupe_key="other")
    await world.jobs.run_due()
    await world.jobs.run_due()
    await world.jobs.run_due()

    assert (await world.now(batch)).state == ENDED
    assert seen[0] < 6


async def test_batch_is_stopped_between_two_pieces_by_whoever_ordered_it(world: Batched) -> None:
    world.worker.seconds = SLICE_SECONDS + 1
    batch = await world.begin()
    await _run_once(world)
    assert (await world.now(batch)).done == 2

    with pytest.raises(Denied):
        await world.batches.stop(batch.id, 4711)
    await world.batches.stop(batch.id, MOD.user_id)
    assert (await world.now(batch)).state == STOPPING
    with pytest.raises(Conflict):
        await world.batches.stop(batch.id, MOD.user_id)
    await world.jobs.run_due()

    ended = await world.now(batch)
    assert (ended.state, ended.done) == (ENDED, 2)
    assert ended.outcome == {"so far": 2, "stopped": True}
    with pytest.raises(NotFound):
        await world.batches.stop(batch.id + 1, MOD.user_id)


async def _run_once(world: Batched) -> None:
    """Run what is due now, and not what becomes due by it."""
    (row,) = await world.jobs._runner.claim(1)
    await world.jobs._runner.work(row)


async def test_refusal_ends_a_batch_and_is_told(world: Batched) -> None:
    world.worker.raised.append(Refused("403 Missing Permissions"))
    batch = await world.begin()
    await world.jobs.run_due()
    ended = await world.now(batch)
    assert ended.outcome == {"failure": "403 Missing Permissions"}
    assert world.worker.ends == [batch.id]


async def test_batch_goes_on_when_discord_is_back(world: Batched) -> None:
    world.worker.raised.append(Later("502"))
    batch = await world.begin()
    await world.jobs.run_due()
    assert (await world.now(batch)).done == 0
    await world.pass_time(SLICE_SECONDS)
    assert (await world.now(batch)).state == ENDED


async def test_piece_after_a_failure_is_in_doubt_and_the_next_is_not(world: Batched) -> None:
    world.worker.raised.append(ValueError("the process is as good as dead"))
    await world.begin()
    await world.jobs.run_due()
    await world.pass_time(timedelta(minutes=5))
    assert world.worker.pieces == [(0, False), (0, True), (2, False), (4, False)]


async def test_follower_sees_the_end_of_what_another_process_does(
    world: Batched, clock: FakeClock
) -> None:
    batch = await world.begin()
    await Batched(world.database, clock).jobs.run_due()
    seen = [one.state async for one in world.batches.follow(batch.id)]
    assert seen == [ENDED]


async def test_follower_sees_each_step(world: Batched) -> None:
    batch = await world.begin()

    async def follow() -> list[int]:
        return [one.done async for one in world.batches.follow(batch.id)]

    seen, _ = await asyncio.gather(follow(), world.jobs.run_due())
    assert seen == sorted(seen)
    assert seen[-1] == 6


async def test_batches_are_deleted_in_time_and_open_ones_much_later(world: Batched) -> None:
    ended = await world.begin()
    await world.jobs.run_due()
    world.worker.pieces.clear()
    going = await world.begin(occasion=2)
    begun_at, hour = world.clock.now(), timedelta(hours=1)
    async with world.database.write() as session:
        assert await purge_batches(session, begun_at + KEPT_FOR - hour) == 0
        assert await purge_batches(session, begun_at + LONGEST - hour) == 1
    assert await world.batches.get(ended.id) is None
    async with world.database.write() as session:
        assert await purge_batches(session, begun_at + LONGEST + hour) == 1
    assert await world.batches.get(going.id) is None
    # Its job finds nothing to do.
    await world.jobs.run_due()
    assert world.worker.pieces == []


async def test_what_goes_on_once_at_a_time_is_begun_anew_after_its_end(world: Batched) -> None:
    first, second = (
        await world.begin(occasion=GUILD, alone=True),
        await world.begin(occasion=GUILD, alone=True),
    )
    assert first.id == second.id
    assert (await world.batches.get_open(GUILD, "count")) is not None
    await world.jobs.run_due()
    assert (await world.batches.get_open(GUILD, "count")) is None

    other = Batched(world.database, world.clock)
    again = await asyncio.gather(
        world.begin(occasion=GUILD, alone=True), other.begin(occasion=GUILD, alone=True)
    )
    assert len({one.id for one in again}) == 1
    assert again[0].id != first.id
    assert (await world.now(first)).state == ENDED


async def test_what_a_piece_writes_is_stored_once_though_two_processes_do_it(
    world: Batched, clock: FakeClock
) -> None:
    other, written = Batched(world.database, clock), []
    both = asyncio.Barrier(2)

    async def note(session: AsyncSession) -> None:
        written.append(session)

    async def do_piece(batch: Batch, *, in_doubt: bool) -> Piece:
        await both.wait()
        return Piece(batch.total, write=note)

    for one in (world, other):
        one.worker.do_piece = do_piece  # pyright: ignore[reportAttributeAccessIssue]
    batch = await world.begin()
    going = (one.batches._go_on(batch, in_doubt=False) for one in (world, other))
    assert sum(moved is not None for moved in await asyncio.gather(*going)) == 1

    assert len(written) == 1


async def test_batch_waits_while_nobody_does_its_kind(world: Batched) -> None:
    worker = world.batches._workers.pop("count")
    batch = await world.begin()
    await world.jobs.run_due()
    assert (await world.now(batch)).done == 0
    world.batches.register("count", worker)
    await world.pass_time(SLICE_SECONDS)
    assert (await world.now(batch)).state == ENDED


# --- pieces of a purge --------------------------------------------------------------------------


class Channel:
    """What of a channel a purge touches; fails as it is told."""

    def __init__(self, *ids: int) -> None:
        self.ids = set(ids)
        self.calls: list[tuple[int, ...]] = []
        self.failing: discord.HTTPException | None = None

    async def logs_from(self, channel_id: int, limit: int, before: int) -> list[dict[str, str]]:
        older = sorted((one for one in self.ids if one < before), reverse=True)
        return [{"id": str(one)} for one in older[:limit]]

    async def delete_messages(self, channel_id: int, ids: list[int], *, reason: str) -> None:
        self._take(*ids)

    async def delete_message(self, channel_id: int, one: int, *, reason: str) -> None:
        self._take(one)

    def _take(self, *ids: int) -> None:
        self.calls.append(ids)
        if self.failing is not None:
            raise self.failing
        self.ids -= set(ids)


def failure(kind: type[discord.HTTPException], status: int, code: int = 0) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="no")
    return kind(response, {"code": code, "message": "no"})


def purger(channel: Channel, clock: FakeClock) -> PurgeService:
    nothing: Any = None
    client: Any = SimpleNamespace(http=channel)
    return PurgeService(
        client, clock, settings=nothing, audit=nothing, outbox=nothing, state=nothing
    )


def batch_of(*ids: int, done: int = 0) -> Batch:
    newest_first = [str(one) for one in sorted(ids, reverse=True)]
    return Batch(channel_id=500, work={"ids": newest_first}, done=done, actor_id=9)


YOUNG = discord.utils.time_snowflake(FakeClock().now())


async def test_piece_in_doubt_deletes_only_what_is_still_there(clock: FakeClock) -> None:
    ids = [YOUNG + number for number in range(5)]
    channel = Channel(*ids[:2])

    piece = await purger(channel, clock).do_piece(batch_of(*ids), in_doubt=True)

    assert piece.done == 5
    assert channel.calls == [(ids[1], ids[0])]


async def test_piece_in_doubt_that_was_done_makes_no_call(clock: FakeClock) -> None:
    ids = [YOUNG + number for number in range(5)]
    channel = Channel(*range(1, 300))

    piece = await purger(channel, clock).do_piece(batch_of(*ids), in_doubt=True)

    assert (piece.done, channel.calls) == (5, [])


async def test_piece_that_aged_meanwhile_is_deleted_singly(clock: FakeClock) -> None:
    ids = [YOUNG + number for number in range(3)]
    clock.advance(timedelta(days=15))
    channel = Channel(*ids)

    piece = await purger(channel, clock).do_piece(batch_of(*ids, done=1), in_doubt=False)

    assert (piece.done, channel.calls) == (2, [(ids[1],)])


async def test_message_that_is_gone_is_as_good_as_deleted(clock: FakeClock) -> None:
    channel = Channel(YOUNG)
    channel.failing = failure(discord.NotFound, 404, 10008)
    piece = await purger(channel, clock).do_piece(batch_of(YOUNG), in_doubt=False)
    assert piece.done == 1


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (failure(discord.Forbidden, 403, 50013), Refused),
        (failure(discord.NotFound, 404, 10003), Refused),
        (failure(discord.DiscordServerError, 503), Later),
    ],
)
async def test_what_discord_says_ends_a_purge_or_waits(
    clock: FakeClock, error: discord.HTTPException, raised: type[Exception]
) -> None:
    channel = Channel(YOUNG)
    channel.failing = error
    with pytest.raises(raised):
        await purger(channel, clock).do_piece(batch_of(YOUNG), in_doubt=False)
