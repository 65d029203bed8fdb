"""Undoing an incident, whole and once."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.cases import NotPermitted
from bot.core.errors import Conflict, Denied
from db import automod_strikes as strike_table
from db.outbox import OutboxMessage
from tests.cogs.automod.world import ANN, GUILD, ROOM, World, rule, words

TIMEOUT = {"type": "timeout", "duration": 600}
WARN = {"type": "warn", "points": 2}


async def test_undo_takes_back_all_and_one_of_two_wins(world: World) -> None:
    step = {"after": 2, "actions": [{"type": "delete"}, {"type": "kick"}]}
    slow = {"type": "slowmode", "seconds": 30, "duration": 600}
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT, slow, escalation=[step]))
    await world.say("nitro")
    (incident,) = await world.incidents()
    results = await asyncio.gather(
        *(world.service.undo(GUILD, incident.id, user_id=who) for who in (8, 9)),
        return_exceptions=True,
    )
    await world.rest()

    assert sorted(type(one).__name__ for one in results) == ["Conflict", "Undone"]
    assert not world.discord.is_timed_out(ANN.id)
    assert world.bridge.states["slowmode", ROOM] == {"rate": 0}
    assert await world.rows(strike_table.Strike) == []
    assert [case.state for case in await world.all_cases()] == ["undone"]
    assert "**Undone** by" in await world.shown()
    undone = next(one for one in results if not isinstance(one, BaseException))
    assert [one.content for one in undone.shown] == ["nitro"]

    # It counts against nobody: the next one is a first again.
    await world.pass_time(30)
    await world.say("nitro")
    assert [case.kind for case in await world.all_cases()] == ["timeout", "timeout"]


async def test_undo_that_discord_refuses_can_be_tried_again(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    await world.say("nitro")
    (incident,) = await world.incidents()
    world.discord.before.append(NotPermitted("missing_permissions"))
    undone = await world.service.undo(GUILD, incident.id, user_id=8)
    assert [type(one) for one in undone.failures] == [Denied]
    assert world.discord.is_timed_out(ANN.id)
    undone = await world.service.undo(GUILD, incident.id, user_id=8)

    assert undone.failures == ()
    assert not world.discord.is_timed_out(ANN.id)
    with pytest.raises(Conflict):
        await world.service.undo(GUILD, incident.id, user_id=8)


async def test_no_violation_is_recorded(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("nitro")
    (incident,) = await world.incidents()
    await world.service.undo(GUILD, incident.id, user_id=8, pardon=True)

    (found,) = await world.rows(strike_table.FalsePositive)
    assert (found.rules, found.text, found.marked_by) == ({"list": ["scam"]}, "nitro", 8)


async def written_to(world: World, user_id: int) -> list[str]:
    rows = await world.rows(OutboxMessage)
    return [str(one.payload) for one in rows if one.user_id == user_id]


async def test_who_is_freed_is_told(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    await world.say("nitro")
    assert len(await written_to(world, ANN.id)) == 1
    (incident,) = await world.incidents()
    world.discord.before.append(NotPermitted("missing_permissions"))
    await world.service.undo(GUILD, incident.id, user_id=8)
    assert len(await written_to(world, ANN.id)) == 1
    await world.service.undo(GUILD, incident.id, user_id=8, pardon=True)

    (_told, lifted) = await written_to(world, ANN.id)
    assert "Your timeout in **Garden** was lifted." in lifted


async def test_who_was_not_held_any_more_is_told_nothing(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    await world.say("nitro")
    (incident,) = await world.incidents()
    await world.pass_time(700)
    await world.service.undo(GUILD, incident.id, user_id=8)

    assert len(await written_to(world, ANN.id)) == 1
