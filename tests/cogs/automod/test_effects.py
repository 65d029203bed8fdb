"""What is done to channels and members for a time, and how it ends."""

from __future__ import annotations

from typing import Any

from bot.core.overwrites import SEND_MESSAGES, TALKING
from db import automod_effects as effect_table
from tests.cogs.automod.world import ANN, BOT, GUILD, ROOM, STAFF, World, overwrite, rule, words


async def test_role_for_a_time_is_taken_back(world: World) -> None:
    role = {"type": "add_role", "role_id": "700", "duration": 600}
    await world.start(rule("scam", words("nitro"), role))
    await world.say("nitro")
    assert world.discord.roles[ANN.id] == {700}
    await world.pass_time(601)

    assert world.discord.roles[ANN.id] == set()


async def test_slowmode_and_lock_end_exactly(world: World) -> None:
    await world.start(
        rule(
            "flood",
            words("nitro"),
            "delete",
            {"type": "slowmode", "seconds": 30, "duration": 600},
            {"type": "lock", "duration": 600},
            {"type": "pause_invites", "duration": 600},
        )
    )
    before: Any = {"overwrites": [overwrite(GUILD, allow=1024, deny=1 << 17)]}
    world.bridge.states["lock", ROOM] = dict(before)
    await world.say("nitro")
    assert world.bridge.states["slowmode", ROOM] == {"rate": 30}
    assert world.bridge.denied(ROOM) & TALKING == TALKING
    assert world.bridge.states["pause_invites", 0]["until"] is not None
    await world.pass_time(601)

    assert world.bridge.states["slowmode", ROOM] == {"rate": 0}
    assert world.bridge.states["lock", ROOM] == before
    assert await world.rows(effect_table.Effect) == []


async def test_slowmode_changed_by_hand_stays(world: World) -> None:
    slow = {"type": "slowmode", "seconds": 30, "duration": 600}
    await world.start(rule("flood", words("nitro"), slow))
    await world.say("nitro")
    world.bridge.states["slowmode", ROOM] = {"rate": 5}
    await world.pass_time(601)

    assert world.bridge.states["slowmode", ROOM] == {"rate": 5}


LOCK = {"type": "lock", "duration": 600}


async def test_lock_closes_a_guild_with_a_role_for_members_and_spares_staff(world: World) -> None:
    gate, friend = 800, 1005
    before = [
        overwrite(GUILD, deny=SEND_MESSAGES),
        overwrite(gate, allow=SEND_MESSAGES),
        overwrite(friend, allow=SEND_MESSAGES, member=True),
        overwrite(STAFF, allow=SEND_MESSAGES),
    ]
    world.bridge.states["lock", ROOM] = {"overwrites": list(before)}
    await world.start(rule("flood", words("nitro"), LOCK))
    await world.say("nitro")
    writing = [
        int(one["id"])
        for one in world.bridge.states["lock", ROOM]["overwrites"]
        if int(one["allow"]) & SEND_MESSAGES
    ]
    assert sorted(writing) == [BOT, STAFF]
    await world.pass_time(601)

    left = world.bridge.states["lock", ROOM]["overwrites"]
    assert sorted(left, key=lambda one: one["id"]) == sorted(before, key=lambda one: one["id"])


async def test_lock_lets_staff_go_on_who_had_nothing_of_their_own(world: World) -> None:
    await world.start(rule("flood", words("nitro"), LOCK))
    await world.say("nitro")
    listed = world.bridge.states["lock", ROOM]["overwrites"]
    assert [one["allow"] for one in listed if one["id"] == str(STAFF)] == [str(SEND_MESSAGES)]
    await world.pass_time(601)

    assert world.bridge.states["lock", ROOM] == {"overwrites": []}


async def test_lock_that_lasts_keeps_what_people_changed_meanwhile(world: World) -> None:
    await world.start(rule("flood", words("nitro"), LOCK))
    await world.say("nitro")
    late = overwrite(801, allow=SEND_MESSAGES)
    world.bridge._put_overwrites(ROOM, [late])
    await world.pass_time(60)
    await world.say("nitro")
    assert world.bridge.states["lock", ROOM]["overwrites"] != []
    await world.pass_time(601)

    assert world.bridge.states["lock", ROOM] == {"overwrites": [late]}


async def test_thread_is_locked_itself(world: World) -> None:
    world.bridge.states["lock", ROOM] = {"locked": False}
    await world.start(rule("flood", words("nitro"), LOCK))
    await world.say("nitro")
    assert world.bridge.states["lock", ROOM] == {"locked": True}
    await world.pass_time(601)

    assert world.bridge.states["lock", ROOM] == {"locked": False}
