"""What is done to channels and members for a time, and how it ends."""

from __future__ import annotations

from typing import Any

from db import automod_effects as effect_table
from tests.cogs.automod.world import ANN, ROOM, World, rule, words


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
    before: Any = {"allow": "1024", "deny": "2048", "is_there": True}
    world.bridge.states["lock", ROOM] = dict(before)
    await world.say("nitro")
    assert world.bridge.states["slowmode", ROOM] == {"rate": 30}
    assert world.bridge.states["lock", ROOM] != before
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
