"""Two processes at work on one member: what was wanted last holds, whoever reaches Discord last."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cases import CaseKind, CaseState
from db.engine import Database
from tests.bot.core.cases.world import ANN, GUILD, MOD, FakeDiscord, World
from tests.fakes import FakeClock

HOUR = timedelta(hours=1)


class SlowRoad:
    """An enforcer whose calls arrive only when they are let through."""

    def __init__(self, discord: FakeDiscord) -> None:
        self.discord = discord
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            self.started.set()
            await self.go.wait()
            return await getattr(self.discord, name)(*arguments, **named)

        return call


class Death(BaseException):
    """The process is killed."""


@pytest.fixture
async def slow(database: Database, clock: FakeClock) -> World:
    world = await World(database, clock).start(log=False)
    world.cases.use(SlowRoad(world.discord))  # pyright: ignore[reportArgumentType]
    return world


@pytest.fixture
async def other(slow: World) -> World:
    return await World(slow.database, slow.clock, slow.discord).start(log=False)


def road_of(world: World) -> SlowRoad:
    road: Any = world.cases._desk.enforcer
    return road


async def test_ban_that_arrives_after_its_unban_is_lifted_again(slow: World, other: World):
    ban = asyncio.ensure_future(slow.order(CaseKind.BAN))
    await road_of(slow).started.wait()
    await other.order(CaseKind.UNBAN)
    road_of(slow).go.set()
    case = await ban
    assert slow.discord.bans == {ANN.id}

    await other.pass_time()

    assert slow.discord.bans == set()
    assert case.number == 1
    assert (await other.cases.get(GUILD, 1)).state is CaseState.ENDED


async def test_lift_that_arrives_after_a_new_ban_is_made_good(slow: World, other: World):
    await other.order(CaseKind.TEMPBAN, duration=HOUR)
    slow.clock.advance(HOUR)
    lift = asyncio.ensure_future(slow.jobs.run_due())
    await road_of(slow).started.wait()
    await other.order(CaseKind.BAN)
    road_of(slow).go.set()
    await lift
    assert slow.discord.bans == set()

    await other.pass_time(60)

    assert slow.discord.bans == {ANN.id}
    assert (await other.cases.get(GUILD, 2)).state is CaseState.APPLIED


async def test_undo_of_a_ban_that_is_under_way_frees_in_the_end(slow: World, other: World):
    ban = asyncio.ensure_future(slow.order(CaseKind.BAN))
    await road_of(slow).started.wait()
    await other.cases.undo(GUILD, 1, MOD)
    road_of(slow).go.set()
    await ban

    await other.pass_time()

    assert slow.discord.bans == set()
    assert (await other.cases.get(GUILD, 1)).state is CaseState.UNDONE


async def test_ban_of_a_dead_process_is_not_made_after_it_was_lifted(other: World):
    other.discord.before = [Death()]
    with pytest.raises(Death):
        await other.order(CaseKind.BAN)
    heir = await World(other.database, other.clock, other.discord).start(log=False)
    await heir.order(CaseKind.UNBAN)

    await heir.pass_time(60)

    assert "ban" not in [call[0] for call in heir.discord.calls[1:]]
    assert (await heir.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert heir.discord.bans == set()


async def test_ban_whose_time_passed_before_anybody_made_it_is_not_made(other: World):
    other.discord.before = [Death()]
    with pytest.raises(Death):
        await other.order(CaseKind.TEMPBAN, duration=HOUR)
    heir = await World(other.database, other.clock, other.discord).start(log=False)

    await heir.pass_time(2 * HOUR)

    assert "ban" not in [call[0] for call in heir.discord.calls[1:]]
    assert heir.discord.bans == set()
    assert await heir.sanctions() == []


async def test_two_processes_order_the_same_member_differently(slow: World, other: World):
    road_of(slow).go.set()
    await asyncio.gather(slow.order(CaseKind.TEMPBAN, duration=HOUR), other.order(CaseKind.BAN))
    await other.pass_time(2 * HOUR)

    last = (await other.cases.list(GUILD))[0]
    assert (slow.discord.bans == {ANN.id}) == (last.kind is CaseKind.BAN)


async def test_overtaken_ban_is_not_made_while_what_overtook_it_still_waits(other: World):
    for kind in (CaseKind.BAN, CaseKind.UNBAN):
        other.discord.before = [Death()]
        with pytest.raises(Death):
            await other.order(kind)
        other.clock.advance(30)
        other = await World(other.database, other.clock, other.discord).start(log=False)

    await other.pass_time()
    assert (await other.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert (await other.cases.get(GUILD, 2)).state is CaseState.PLANNED
    await other.pass_time(30)

    assert [call[0] for call in other.discord.calls].count("ban") == 1
    assert other.discord.bans == set()
    assert (await other.cases.get(GUILD, 2)).state is CaseState.APPLIED
