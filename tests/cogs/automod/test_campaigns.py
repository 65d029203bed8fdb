"""Campaigns: the same text by many members, whose messages all go, and who are met once each."""

from __future__ import annotations

from typing import Any

from bot.core.cases import Target
from db import automod_messages as message_table
from db import automod_strikes as strike_table
from tests.cogs.automod.world import World, rule

TIMEOUT = {"type": "timeout", "duration": 600}
WARN = {"type": "warn", "points": 1}
TEXT = "come and join my great new server"


def wave(members: int = 3, **more: Any) -> dict[str, Any]:
    return {"type": "campaign", "members": members, "window": 600, "min_length": 5, **more}


def raiders(world: World, count: int) -> list[Target]:
    people = [Target(2000 + number, f"raider{number}") for number in range(count)]
    world.discord.members |= {one.id for one in people}
    return people


async def targets(world: World) -> list[int]:
    return [case.target_id for case in await world.all_cases()]


async def test_messages_of_earlier_authors_go_with_the_one_that_makes_it_a_campaign(
    world: World,
) -> None:
    await world.start(rule("wave", wave(), "delete", WARN))
    people = raiders(world, 3)
    facts = [world.message(TEXT, one, channel_id=500 + n) for n, one in enumerate(people)]
    for one in facts:
        verdict = world.gate.judge(one)
        if verdict is not None and verdict.effect is not None:
            await verdict.effect()
    await world.rest()

    assert world.bridge.deleted == {one.id for one in facts}
    rows = await world.rows(message_table.IncidentMessage)
    assert {row.user_id for row in rows} == {one.id for one in people}


async def test_campaign_that_goes_on_after_a_lull_meets_nobody_twice(world: World) -> None:
    step = {"after": 2, "actions": [{"type": "delete"}, TIMEOUT]}
    await world.start(rule("wave", wave(), "delete", WARN, escalation=[step]))
    people = raiders(world, 6)
    for one in people[:4]:
        await world.say(TEXT, one)
    # Longer than a burst, so that another incident is opened.
    await world.pass_time(60)
    for one in people[4:]:
        await world.say(TEXT, one)
    await world.pass_time(60)

    assert len(await world.incidents()) == 2
    assert sorted(await targets(world)) == [one.id for one in people]
    assert len(await world.rows(strike_table.Strike)) == len(people)
    ids = [row.message_id for row in await world.rows(message_table.IncidentMessage)]
    assert len(ids) == len(set(ids)) == len(world.bridge.deleted) == len(people)


async def test_member_who_goes_on_is_met_again(world: World) -> None:
    await world.start(rule("wave", wave(), "delete", WARN))
    people = raiders(world, 3)
    for one in people:
        await world.say(TEXT, one)
    await world.pass_time(60)
    await world.say(TEXT, people[0])

    assert sorted(await targets(world)) == sorted([*(one.id for one in people), people[0].id])


async def test_another_process_knows_who_was_met(world: World) -> None:
    await world.start(rule("wave", wave(2), "delete", WARN))
    people = raiders(world, 3)
    facts = [world.message(TEXT, one) for one in people]
    other = await World(world.database, world.clock, world).start()
    # Both hear the first two messages; each deals with the campaign in its turn.
    for process, heard in ((world, facts[:2]), (other, facts)):
        for one in heard:
            verdict = process.gate.judge(one)
            if verdict is not None and verdict.effect is not None:
                await verdict.effect()
        await process.rest()
        await process.pass_time(60)

    assert sorted(await targets(world)) == [one.id for one in people]


async def test_campaign_may_be_about_those_only_who_write_it_from_then_on(world: World) -> None:
    await world.start(rule("wave", wave(everyone=False), "delete", TIMEOUT))
    people = raiders(world, 5)
    for one in people:
        await world.say(TEXT, one)

    assert sorted(await targets(world)) == [one.id for one in people[2:]]
    assert len(world.bridge.deleted) == len(people)


async def test_rule_that_one_member_broke_is_not_held_against_the_others(world: World) -> None:
    newcomers = {"type": "has_roles", "roles": ["77700"]}
    await world.start(
        rule("wave", wave(), "delete", WARN),
        rule("newcomers", newcomers, {"type": "kick"}),
    )
    people = raiders(world, 3)
    for one in people[:2]:
        await world.say(TEXT, one)
    await world.say(TEXT, people[2], roles=[77700])

    kinds = {case.target_id: case.kind for case in await world.all_cases()}
    assert kinds == {2000: "warn", 2001: "warn", 2002: "kick"}


async def test_campaign_in_shadow_leaves_all_to_the_rule_once_it_acts(world: World) -> None:
    rules = rule("wave", wave(2), "delete", WARN)
    await world.start(rules | {"shadow": True})
    people = raiders(world, 3)
    for one in people[:2]:
        await world.say(TEXT, one)
    assert await targets(world) == []
    await world.start(rules)
    await world.say(TEXT, people[2])

    assert sorted(await targets(world)) == [one.id for one in people]
    assert len(world.bridge.deleted) == len(people)
