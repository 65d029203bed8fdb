"""A process that dies while it changes channels, or puts them back: another goes on exactly."""

from __future__ import annotations

from typing import Any

import pytest

from db import automod_effects as effect_table
from db import automod_strikes as strike_table
from tests.cogs.automod.dying import Dying
from tests.cogs.automod.world import ANN, GUILD, ROOM, World, overwrite, rule, words

FLOOD = rule(
    "flood",
    words("nitro"),
    "delete",
    {"type": "timeout", "duration": 3600},
    {"type": "slowmode", "seconds": 30, "duration": 600},
    {"type": "lock", "duration": 600},
    escalation=[{"after": 9, "actions": [{"type": "kick"}]}],
)
# What was there before: an overwrite for everybody, and a slow channel.
LOCK: dict[str, Any] = {"overwrites": [overwrite(GUILD, allow=1024, deny=1 << 17)]}
RATE = {"rate": 5}


@pytest.fixture
async def flooded(world: World) -> World:
    """A process whose rule slows and locks a channel."""
    world.bridge.states |= {("lock", ROOM): dict(LOCK), ("slowmode", ROOM): dict(RATE)}
    return await world.start(FLOOD)


def assert_as_before(world: World) -> None:
    assert world.bridge.states["slowmode", ROOM] == RATE
    assert world.bridge.states["lock", ROOM] == LOCK


@pytest.mark.parametrize(
    "moment",
    ["after read 1", "before write 1", "after write 1", "after read 2", "after write 2"],
)
async def test_kill_while_channels_are_changed(flooded: World, moment: str) -> None:
    dying: Any = Dying(flooded.bridge, moment)
    flooded.service.effects._changer = dying
    verdict = flooded.gate.judge(flooded.message("nitro"))
    assert verdict is not None
    assert verdict.effect is not None
    async with dying.until_dead(verdict.effect()):
        other = await World(flooded.database, flooded.clock, flooded).start()
        await other.pass_time(20)
        assert other.bridge.states["slowmode", ROOM] == {"rate": 30}
        assert other.bridge.denied(ROOM) != 1 << 17
        assert [(kind, place) for kind, place, _state in other.bridge.writes] == [
            ("slowmode", ROOM),
            ("lock", ROOM),
        ]

        await other.pass_time(601)
        await other.pass_time(60)
    assert_as_before(other)
    assert await other.rows(effect_table.Effect) == []
    assert [case.state for case in await other.all_cases()] == ["applied"]


@pytest.mark.parametrize(
    "moment",
    ["before read 1", "after read 1", "after write 1", "before write 2", "after write 2"],
)
async def test_kill_while_an_incident_is_undone(flooded: World, moment: str) -> None:
    await flooded.say("nitro")
    (incident,) = await flooded.incidents()
    dying: Any = Dying(flooded.bridge, moment)
    flooded.service.effects._changer = dying
    async with dying.until_dead(flooded.service.undo(GUILD, incident.id, user_id=8)):
        other = await World(flooded.database, flooded.clock, flooded).start()
        await other.pass_time(45)

    assert_as_before(other)
    assert len(other.bridge.writes) == 4
    assert await other.rows(effect_table.Effect) == []
    assert await other.rows(strike_table.Strike) == []
    assert [case.state for case in await other.all_cases()] == ["undone"]
    assert not other.discord.is_timed_out(ANN.id)
    assert "**Undone** by" in await other.shown()
