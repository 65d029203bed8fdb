"""What is done to channels and members for a time, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import ChannelSummary
from bot.core.nullstate import NullState
from bot.core.overwrites import SEND_MESSAGES, TALKING
from bot.core.problems.rules import Problem
from cogs.automod.problems import Troubles
from db import automod_effects as effect_table
from db import automod_roles as role_table
from db.people import erase_person
from tests.cogs.automod.world import (
    ANN,
    BOB,
    BOT,
    GUILD,
    ROOM,
    STAFF,
    World,
    overwrite,
    rule,
    words,
)


async def test_role_for_a_time_is_taken_back(world: World) -> None:
    role = {"type": "add_role", "role_id": "700", "duration": 600}
    await world.start(rule("scam", words("nitro"), role))
    await world.say("nitro")
    assert world.discord.roles[ANN.id] == {700}
    await world.pass_time(601)

    assert world.discord.roles[ANN.id] == set()


async def test_role_for_a_time_ends_also_when_the_member_has_their_data_erased(
    world: World,
) -> None:
    role = {"type": "add_role", "role_id": "700", "duration": 600}
    await world.start(rule("scam", words("nitro"), role))
    await world.say("nitro")
    async with world.database.write() as session:
        await erase_person(session, ANN.id)
    await world.pass_time(601)

    assert world.discord.roles[ANN.id] == set()
    assert await world.rows(role_table.TimedRole) == []


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


SLOW = {"type": "slowmode", "seconds": 10, "duration": 600}
SLOWER = {"type": "slowmode", "seconds": 30, "duration": 1200}


async def test_undoing_one_incident_leaves_what_another_still_wants(world: World) -> None:
    await world.start(rule("flood", words("nitro"), SLOW), rule("more", words("casino"), SLOWER))
    await world.say("nitro")
    await world.say("casino", BOB)
    first, second = await world.incidents()
    assert world.bridge.states["slowmode", ROOM] == {"rate": 30}

    await world.service.undo(GUILD, second.id, user_id=8)
    assert world.bridge.states["slowmode", ROOM] == {"rate": 10}
    await world.service.undo(GUILD, first.id, user_id=8)
    assert world.bridge.states["slowmode", ROOM] == {"rate": 0}
    assert await world.rows(effect_table.Effect) == []


async def test_refused_extension_leaves_the_first_to_be_put_back(world: World) -> None:
    await world.start(rule("flood", words("nitro"), SLOW), rule("more", words("casino"), SLOWER))
    await world.say("nitro")
    world.bridge.refusing = True
    await world.say("casino", BOB)
    world.bridge.refusing = False
    await world.pass_time(601)

    assert world.bridge.states["slowmode", ROOM] == {"rate": 0}
    assert await world.rows(effect_table.Effect) == []


async def test_lock_that_an_earlier_version_wrote_down_is_opened_exactly(world: World) -> None:
    await world.start(rule("flood", words("nitro"), LOCK))
    await world.say("nitro")
    before, closed = overwrite(GUILD, allow=1024), overwrite(GUILD, allow=1024, deny=TALKING)
    world.bridge.states["lock", ROOM] = {"overwrites": [closed]}
    async with world.database.write() as session:
        row = await effect_table.get_effect(session, GUILD, "lock", ROOM)
        assert row is not None
        row.original = {"allow": "1024", "deny": "0", "is_there": True}
        row.applied = {"allow": "1024", "deny": str(TALKING), "is_there": True}
        row.wants = {}
    await world.pass_time(601)

    assert world.bridge.states["lock", ROOM] == {"overwrites": [before]}
    assert await world.rows(effect_table.Effect) == []


@pytest.mark.parametrize(
    ("kind", "allowed", "said"),
    [
        ("thread", {"view_channel"}, "Manage Threads"),
        ("thread", {"view_channel", "manage_threads"}, "change the thread"),
        ("text", {"view_channel", "manage_channels"}, "Manage Permissions"),
    ],
)
async def test_refused_lock_names_what_the_place_needs(
    kind: Any, allowed: set[str], said: str
) -> None:
    found: list[Problem] = []

    class Problems:
        async def report(self, _guild_id: int, problem: Problem) -> None:
            found.append(problem)

    class State(NullState):
        def channel(self, guild_id: int, channel_id: int) -> ChannelSummary:
            rights = frozenset(allowed)
            return ChannelSummary(channel_id, guild_id, "nook", kind, bot_permissions=rights)

    problems: Any = Problems()
    effect = {"kind": "lock", "channel_id": str(ROOM)}
    text = await Troubles(problems, State).cannot_change(GUILD, effect)

    assert said in text.render("en")
    assert (kind == "thread") is ("Manage Threads" in found[0].fix.render("en"))


async def test_what_people_change_before_an_extension_is_put_back(world: World) -> None:
    await world.start(rule("flood", words("nitro"), SLOW), rule("more", words("casino"), SLOWER))
    await world.say("nitro")
    world.bridge.states["slowmode", ROOM] = {"rate": 5}
    await world.say("casino", BOB)
    assert world.bridge.states["slowmode", ROOM] == {"rate": 30}
    await world.pass_time(1201)

    assert world.bridge.states["slowmode", ROOM] == {"rate": 5}


async def test_end_in_one_process_and_extension_in_another_leave_what_is_wanted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(rule("flood", words("nitro"), SLOW))
    other = await World(world.database, world.clock, world).start()
    await world.say("nitro")
    world.clock.advance(601)
    write = world.bridge.write

    async def late(*args: Any) -> None:
        # Between the decision to put back and its call the other process extends.
        monkeypatch.setattr(world.bridge, "write", write)
        await other.say("nitro", BOB)
        await write(*args)

    monkeypatch.setattr(world.bridge, "write", late)
    await world.jobs.run_due()
    await world.rest()

    assert world.bridge.states["slowmode", ROOM] == {"rate": 10}
    await world.pass_time(601)
    assert world.bridge.states["slowmode", ROOM] == {"rate": 0}
