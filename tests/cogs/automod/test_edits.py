"""Edits: what a message was judged by before, it is not judged by again."""

from __future__ import annotations

from bot.core.cases import Target
from cogs.automod.calls import NotAllowed
from db import automod_strikes as strike_table
from tests.cogs.automod.world import BOB, GUILD, World, rule, words

WARN = {"type": "warn", "points": 2}


async def said(world: World, content: str, author: Target = BOB) -> int:
    """Have a message judged that stays; return its id."""
    facts = world.message(content, author)
    verdict = world.gate.judge(facts)
    if verdict is not None and verdict.effect is not None:
        await verdict.effect()
    await world.rest()
    return facts.id


async def test_late_edit_that_adds_nothing_is_not_met_again(world: World) -> None:
    step = {"after": 2, "actions": [{"type": "kick"}]}
    await world.start(rule("scam", words("nitro"), WARN, escalation=[step]))
    message_id = await said(world, "get nitro")
    await world.pass_time(60)
    # A message that is pinned later looks like an edit, too.
    for text in ("get nitro", "get NITRO!"):
        await world.say(text, BOB, message_id=message_id, edited=True)
        await world.pass_time(60)

    assert [case.kind for case in await world.all_cases()] == ["warn"]
    assert len(await world.incidents()) == 1
    assert len(await world.rows(strike_table.Strike)) == 1


async def test_late_edit_into_something_else_is_met(world: World) -> None:
    await world.start(
        rule("scam", words("nitro", "casino"), WARN), rule("links", words("bet"), WARN)
    )
    message_id = await said(world, "nitro")
    for text, cases in (("casino", 2), ("casino bet", 3), ("bet", 3), ("nitro", 3)):
        await world.pass_time(60)
        await world.say(text, BOB, message_id=message_id, edited=True)
        assert len(await world.all_cases()) == cases

    # The one that only the second rule is about.
    incident = (await world.incidents())[-1]
    assert list(incident.findings["rules"]) == ["links"]


async def test_edit_within_the_burst_is_remembered_as_well(world: World) -> None:
    await world.start(rule("scam", words("nitro", "casino"), WARN))
    message_id = await said(world, "nitro")
    await world.say("casino", BOB, message_id=message_id, edited=True)
    await world.pass_time(60)
    await world.say("casino ", BOB, message_id=message_id, edited=True)

    assert len(await world.all_cases()) == 1


async def test_message_that_filled_a_window_is_not_met_again_for_it(world: World) -> None:
    await world.start(
        rule("twice", {"type": "duplicates", "limit": 2, "window": 600, "min_length": 3}, WARN)
    )
    first = await said(world, "buy my things")
    await said(world, "buy my things")
    assert len(await world.all_cases()) == 1
    await world.pass_time(60)
    await world.say("buy my things", BOB, message_id=first, edited=True)
    assert len(await world.all_cases()) == 1

    await said(world, "buy my things")
    assert len(await world.all_cases()) == 2


async def test_message_that_staff_pardoned_is_left_alone(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    world.bridge.errors.append(NotAllowed())
    message_id = await said(world, "nitro")
    (incident,) = await world.incidents()
    await world.service.undo(GUILD, incident.id, user_id=8, pardon=True)
    await world.pass_time(60)
    world.service.deletions._refused.clear()
    await world.say("nitro", BOB, message_id=message_id, edited=True)

    assert len(await world.incidents()) == 1
    assert world.bridge.deleted == set()


async def test_message_that_could_not_be_deleted_goes_with_its_edit(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    world.bridge.errors.append(NotAllowed())
    message_id = await said(world, "nitro")
    await world.pass_time(90)
    world.service.deletions._refused.clear()
    await world.say("nitro", BOB, message_id=message_id, edited=True)

    assert world.bridge.deleted == {message_id}
    assert len(await world.all_cases()) == 1


async def test_what_a_rule_saw_in_shadow_it_acts_on_once_it_may(world: World) -> None:
    acts = rule("scam", words("nitro"), WARN)
    await world.start(acts | {"shadow": True})
    message_id = await said(world, "nitro")
    await world.pass_time(60)
    await world.start(acts)
    await world.say("nitro", BOB, message_id=message_id, edited=True)

    assert len(await world.all_cases()) == 1
