"""What comes one after the other in a burst comes to the same as what comes together."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from db import automod as table
from tests.cogs.automod.world import ANN, World, rule, words

SHORT = {"type": "timeout", "duration": 600}
LONG = {"type": "timeout", "duration": 5 * 86_400}
ROLE = {"type": "add_role", "role_id": "700"}
WARN = {"type": "warn", "points": 2}


async def kinds(world: World) -> list[tuple[str, int]]:
    return [(case.kind, case.points) for case in await world.all_cases()]


async def test_longer_timeout_follows_the_shorter_one(world: World) -> None:
    await world.start(rule("mild", words("darn"), SHORT), rule("harsh", words("nitro"), LONG))
    for text in ("darn", "nitro", "darn", "nitro"):
        await world.say(text)

    assert len(await world.incidents()) == 1
    ends = [case.expires_at for case in await world.all_cases()]
    assert ends == [world.clock.now() + timedelta(seconds=s) for s in (600, 5 * 86_400)]


async def test_role_is_given_though_a_harsher_action_came_before(world: World) -> None:
    await world.start(rule("harsh", words("nitro"), SHORT), rule("mark", words("darn"), ROLE))
    await world.say("nitro")
    await world.say("darn")

    assert world.discord.roles[ANN.id] == {700}
    assert await kinds(world) == [("timeout", 0), ("add_role", 0)]


async def test_points_that_come_after_a_sanction_are_a_warning(world: World) -> None:
    await world.start(rule("harsh", words("nitro"), SHORT), rule("mild", words("darn"), WARN))
    for text in ("nitro", "darn", "darn"):
        await world.say(text)

    assert await kinds(world) == [("timeout", 0), ("warn", 2)]


async def test_who_is_kicked_is_not_warned_afterwards(world: World) -> None:
    kick = {"type": "kick"}
    await world.start(rule("harsh", words("nitro"), kick), rule("mild", words("darn"), WARN))
    await world.say("nitro")
    await world.say("darn")

    assert await kinds(world) == [("kick", 0)]


async def test_what_is_not_carried_out_yet_is_not_lost_by_a_raise(
    world: World, monkeypatch: Any
) -> None:
    await world.start(rule("mark", words("darn"), ROLE, WARN), rule("harsh", words("nitro"), SHORT))

    async def nothing(_incident_id: int) -> None:
        return

    with monkeypatch.context() as patch:
        patch.setattr(world.service._executor, "carry_out", nothing)
        await world.say("darn")
    await world.say("nitro")

    # The warning is part of the harsher action.
    assert sorted(await kinds(world)) == [("add_role", 0), ("timeout", 2)]
    assert world.discord.roles[ANN.id] == {700}


async def test_role_that_another_raise_leaves_alone_ends_when_it_was_to_end(world: World) -> None:
    await world.start(
        rule("mark", words("darn"), ROLE | {"duration": 600}), rule("harsh", words("nitro"), SHORT)
    )
    await world.say("darn")
    await world.pass_time(8)
    await world.say("nitro")
    await world.pass_time(593)

    assert world.discord.roles[ANN.id] == set()


async def test_two_processes_raise_a_member_without_losing_anything(world: World) -> None:
    await world.start(rule("mark", words("darn"), ROLE), rule("harsh", words("nitro"), LONG, WARN))
    other = await World(world.database, world.clock, world).start()
    await asyncio.gather(world.say("darn"), other.say("nitro"))

    assert sorted(await kinds(world)) == [("add_role", 0), ("timeout", 2)]
    (member,) = await world.rows(table.IncidentMember)
    assert (member.version, member.carried_out) == (2, 2)


async def test_reason_is_that_of_the_rule_whose_action_is_taken(world: World) -> None:
    await world.start(
        rule("mild", words("darn"), WARN | {"points": 1}, reason="No swearing"),
        rule("harsh", words("nitro"), LONG, reason="No scams"),
        rule("short", words("heck"), SHORT, reason="Calm down"),
        rule("plain", words("spam"), {"type": "kick"}),
        rule("mark", words("darn"), ROLE),
    )
    await world.say("darn heck nitro")
    assert [(case.kind, case.reason) for case in await world.all_cases()] == [
        ("timeout", "No scams"),
        ("add_role", "Automod: mark"),
    ]
    (case, _role) = await world.all_cases()
    assert set(case.details["rules"]) == {"mild", "harsh", "short", "mark"}

    await world.say("darn spam")
    assert (await world.all_cases())[-1].reason == "Automod: plain"
