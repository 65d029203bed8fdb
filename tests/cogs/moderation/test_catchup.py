"""The audit log of an absence: read once, in order, before what comes next, and within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cases import CaseKind, CaseState
from cogs.moderation.catchup import FARTHEST, MOST_PAGES, PAGE, STORE_EVERY, CatchUp, Unreadable
from cogs.moderation.rules.purge import first_id_at
from db.audit_marks import list_marks
from db.engine import Database
from tests.bot.core.cases.world import ANN, BOT, GUILD
from tests.cogs.moderation.test_attribution import MOD, Watched
from tests.fakes import FakeClock

KICK, BAN, UNBAN = 20, 22, 23


class Log:
    """A guild's audit log on Discord."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.entries: list[dict[str, Any]] = []
        self.reads: list[int] = []
        self.is_open = True
        self.failing: Unreadable | None = None

    def write(self, action: int) -> dict[str, Any]:
        entry = {
            "id": str(first_id_at(self.clock.now()) + len(self.entries) + 1),
            "user_id": str(MOD),
            "target_id": str(ANN.id),
            "action_type": action,
        }
        self.entries.append(entry)
        return {**entry, "guild_id": str(GUILD)}

    def may_read(self, guild_id: int) -> bool:
        return self.is_open

    async def read(self, guild_id: int, after: int) -> Sequence[Mapping[str, Any]]:
        self.reads.append(after)
        if self.failing is not None:
            raise self.failing
        return [one for one in self.entries if int(one["id"]) > after][:PAGE]


class Absent(Watched):
    """A process that may have been away; what it does is read from the same log."""

    catch_up: CatchUp

    def read(self, log: Log) -> Absent:
        async def note(entry: Mapping[str, Any]) -> None:
            await self.attribution.note(entry, BOT)

        self.catch_up = CatchUp(self.database, self.clock, log, note)
        return self


@pytest.fixture
def log(clock: FakeClock) -> Log:
    return Log(clock)


@pytest.fixture
async def world(database: Database, clock: FakeClock, log: Log) -> Absent:
    world = Absent(database, clock)
    await world.watch()
    world.read(log)
    # Known from an earlier run.
    await world.catch_up.begin_session([GUILD])
    return world


async def again(world: Absent, log: Log) -> Absent:
    """Start another process, as after a crash."""
    other = Absent(world.database, world.clock, world.discord)
    await other.watch()
    return other.read(log)


async def kinds(world: Absent) -> list[CaseKind]:
    return [case.kind for case in reversed(await world.cases.list(GUILD))]


async def mark(world: Absent) -> int:
    async with world.database.read() as session:
        return (await list_marks(session, [GUILD]))[GUILD]


async def test_what_was_done_meanwhile_becomes_cases_once(world: Absent, log: Log) -> None:
    world.clock.advance(timedelta(hours=1))
    log.write(BAN)
    log.write(UNBAN)

    for _start in range(2):
        other = await again(world, log)
        await other.catch_up.begin_session([GUILD])

    assert await kinds(world) == [CaseKind.BAN, CaseKind.UNBAN]
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert await mark(world) == int(log.entries[-1]["id"])


async def test_new_guild_is_read_from_now_on_only(world: Absent, log: Log) -> None:
    other_guild = GUILD + 1
    log.write(BAN)
    await world.catch_up.begin_session([other_guild])
    assert await kinds(world) == []
    async with world.database.read() as session:
        assert other_guild in await list_marks(session, [other_guild])


async def test_what_comes_waits_for_what_was_missed(world: Absent, log: Log) -> None:
    world.clock.advance(timedelta(hours=1))
    log.write(BAN)
    other = await again(world, log)

    # The gateway brings the next one before anybody has asked for those in between.
    await asyncio.gather(
        other.catch_up.hear(log.write(UNBAN)), other.catch_up.begin_session([GUILD])
    )

    assert await kinds(world) == [CaseKind.BAN, CaseKind.UNBAN]
    assert await world.sanctions() == []


async def test_session_that_goes_on_reads_nothing(world: Absent, log: Log) -> None:
    reads = len(log.reads)
    await world.catch_up.hear(log.write(KICK))
    await world.catch_up.hear(log.write(KICK))
    assert len(log.reads) == reads
    assert await kinds(world) == [CaseKind.KICK, CaseKind.KICK]


async def test_mark_is_stored_now_and_then_and_lags_without_harm(world: Absent, log: Log) -> None:
    await world.catch_up.hear(log.write(KICK))
    first = await mark(world)
    await world.catch_up.hear(log.write(KICK))
    assert await mark(world) == first
    world.clock.advance(STORE_EVERY)
    await world.catch_up.hear(log.write(KICK))
    assert await mark(world) == int(log.entries[-1]["id"])
    await world.catch_up.hear(log.write(KICK))

    await (await again(world, log)).catch_up.begin_session([GUILD])

    assert len(await kinds(world)) == 4


async def test_long_absence_is_bounded_in_time(world: Absent, log: Log) -> None:
    log.write(KICK)
    world.clock.advance(FARTHEST + timedelta(minutes=1))
    log.write(BAN)
    other = await again(world, log)
    await other.catch_up.begin_session([GUILD])
    assert await kinds(world) == [CaseKind.BAN]


async def test_long_absence_is_bounded_in_number(world: Absent, log: Log) -> None:
    world.clock.advance(timedelta(hours=1))
    # Of no interest, but they fill the pages.
    for _number in range(MOST_PAGES * PAGE + 1):
        log.write(99)
    reads = len(log.reads)
    await (await again(world, log)).catch_up.begin_session([GUILD])
    assert len(log.reads) - reads == MOST_PAGES


async def test_log_that_is_not_shown_keeps_nothing_from_being_heard(
    world: Absent, log: Log
) -> None:
    world.clock.advance(timedelta(hours=1))
    log.failing = Unreadable("500")
    other = await again(world, log)
    await other.catch_up.hear(log.write(KICK))
    log.is_open = False
    closed = await again(world, log)
    await closed.catch_up.hear(log.write(KICK))
    assert await kinds(world) == [CaseKind.KICK, CaseKind.KICK]
