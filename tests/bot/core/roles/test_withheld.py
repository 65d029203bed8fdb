"""What keeps a wish from being done for a while: a mute that holds the role, and screening."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.core.roles import RoleSource
from tests.bot.core.roles.world import ANN, BLUE, BOB, GUILD, RED, World, change

S = RoleSource
A_WHILE = timedelta(hours=1)


# --- mutes ---------------------------------------------------------------------------------------


async def test_role_that_a_mute_holds_can_not_be_taken(world: World):
    await world.mute(ANN, RED)
    await world.want(change(want=False, source=S.COMMAND), change(BOB, want=False))
    await world.pass_time()

    assert ("remove", ANN, RED) not in world.discord.calls
    assert world.discord.roles[ANN] == {RED}
    assert await world.wishes() == []
    # Nothing has changed for whoever wanted it.
    assert [one.user_id for one in world.events] == [BOB]


async def test_role_is_given_back_when_a_mute_came_during_the_removal(world: World):
    world.discord.gate = asyncio.Event()
    await world.want(change(want=False))
    running = asyncio.create_task(world.roles.run_due())
    await world.until(lambda: world.discord.calls)
    await world.mute(ANN, RED)
    world.discord.roles[ANN].add(RED)
    world.discord.gate.set()
    await running

    assert world.discord.calls == [("remove", ANN, RED), ("add", ANN, RED)]
    assert world.discord.roles[ANN] == {RED}
    assert (world.events, await world.wishes()) == ([], [])


async def test_role_is_taken_when_the_mute_ended_while_it_was_given_back(world: World):
    await world.mute(ANN, RED)
    world.discord.gate = asyncio.Event()
    await world.want(change(want=False))
    running = asyncio.create_task(world.roles.run_due())
    await world.until(lambda: world.discord.calls)
    await world.mute(ANN, RED, state="lifting")
    world.discord.gate.set()
    await running

    assert world.discord.roles[ANN] == set()
    assert await world.wishes() == []


# --- screening -----------------------------------------------------------------------------------


async def test_wish_waits_for_screening(world: World):
    world.discord.pending.add(ANN)
    await world.want(change(role_id=RED, after_screening=True), change(role_id=BLUE))
    await world.pass_time()
    assert world.discord.calls == [("add", ANN, BLUE)]
    assert (await world.roles.snapshot()).screening == 1

    world.discord.pending.clear()
    world.roles.member_passed(GUILD, BOB)
    world.roles.member_passed(GUILD, ANN)
    await world.settle()
    assert world.discord.calls == [("add", ANN, BLUE), ("add", ANN, RED)]


async def test_who_passed_while_nobody_looked_is_found(world: World):
    world.discord.pending.add(ANN)
    await world.want(change(after_screening=True))
    await world.pass_time()
    restarted = World(world.database, world.clock, world.discord)
    await restarted.roles.start()
    await restarted.pass_time(A_WHILE)
    assert world.discord.calls == []

    world.discord.pending.clear()
    await restarted.pass_time(timedelta(days=1))
    assert world.discord.calls == [("add", ANN, RED)]


async def test_restarted_process_hears_that_a_member_passed(world: World):
    world.discord.pending.add(ANN)
    await world.want(change(after_screening=True))
    await world.pass_time()
    restarted = World(world.database, world.clock, world.discord)
    await restarted.roles.start()
    world.discord.pending.clear()
    restarted.roles.member_passed(GUILD, ANN)
    await restarted.settle()

    assert world.discord.calls == [("add", ANN, RED)]


async def test_who_passes_while_discord_is_asked_does_not_wait(world: World):
    world.discord.pending.add(ANN)
    world.discord.gate = asyncio.Event()
    await world.want(change(after_screening=True))
    running = asyncio.create_task(world.roles.run_due())
    await world.until(lambda: world.discord.looks)
    world.discord.pending.clear()
    world.roles.member_passed(GUILD, ANN)
    passing = [one for one in world.supervisor._brief if one.get_name() == "role_screening"]
    assert await asyncio.gather(*passing) == [None]
    world.discord.gate.set()
    await running
    await world.roles.run_due()

    assert world.discord.calls == [("add", ANN, RED)]
