"""Incidents: one per burst, carried out once, logged once, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.cases import NotPermitted, Target
from cogs.automod import service as service_module
from cogs.automod.calls import NotAllowed
from db import automod_messages as message_table
from tests.cogs.automod.world import ANN, GUILD, ROOM, World, rule, words

TIMEOUT = {"type": "timeout", "duration": 600}
WARN = {"type": "warn", "points": 2}


async def test_burst_is_one_incident_one_case_and_one_log_message(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    facts = [world.message("free nitro") for _ in range(30)]
    verdicts = [world.gate.judge(one) for one in facts]
    assert all(one is not None and not one.accepted for one in verdicts)
    await asyncio.gather(*(one.effect() for one in verdicts if one and one.effect))
    await world.rest()
    await world.pass_time(20)

    (incident,) = await world.incidents()
    assert world.bridge.deleted == {one.id for one in facts}
    assert len(world.bridge.calls) <= 2
    (case,) = await world.all_cases()
    assert (case.kind, case.state, case.target_id) == ("timeout", "applied", ANN.id)
    assert [row.kind for row in await world.log()][:1] == ["message.send"]
    assert {row.kind for row in (await world.log())[1:]} == {"message.edit"}
    assert "30 messages deleted" in await world.shown()
    assert f"case {case.number}" in await world.shown()
    assert (incident.state, incident.open_key) == ("settled", None)


async def test_after_the_burst_comes_another_incident(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("nitro")
    await world.pass_time(9)
    await world.say("nitro")
    await world.pass_time(11)
    await world.say("nitro")

    assert len(await world.incidents()) == 2
    assert [case.points for case in await world.all_cases()] == [2, 2]


async def test_two_processes_that_open_the_same_incident_make_one(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    other = await World(world.database, world.clock, world).start()
    facts = [one.message("nitro") for one in (world, other) for _ in range(2)]
    verdicts = [
        one.gate.judge(each) for one, each in zip((world, other, world, other), facts, strict=True)
    ]
    await asyncio.gather(*(one.effect() for one in verdicts if one and one.effect))
    await world.rest()
    await other.rest()

    assert len(await world.incidents()) == 1
    assert len(await world.all_cases()) == 1
    assert len([row for row in await world.log() if row.kind == "message.send"]) == 1


async def test_severity_is_only_raised(world: World) -> None:
    await world.start(
        rule("mild", words("darn"), "delete", WARN),
        rule("harsh", words("nitro"), "delete", TIMEOUT, {"type": "warn", "points": 3}),
    )
    await world.say("darn")
    await world.say("nitro")
    await world.say("darn")

    assert len(await world.incidents()) == 1
    cases = await world.all_cases()
    # What the warning gave counts once.
    assert [(case.kind, case.points) for case in cases] == [("warn", 2), ("timeout", 1)]


async def test_campaign_is_one_incident_with_a_case_for_each_member(world: World) -> None:
    await world.start(
        rule("wave", {"type": "campaign", "members": 3, "min_length": 5}, "delete", TIMEOUT)
    )
    people = [Target(2000 + number, f"raider{number}") for number in range(20)]
    world.discord.members |= {one.id for one in people}
    facts = [world.message("join my server now", one) for one in people]
    for one in facts:
        verdict = world.gate.judge(one)
        if verdict is not None and verdict.effect is not None:
            await verdict.effect()
    await world.rest()

    (incident,) = await world.incidents()
    cases = await world.all_cases()
    assert incident.scope == "campaign"
    assert sorted(case.target_id for case in cases) == [one.id for one in people]
    assert {case.target_name for case in cases} == {one.name for one in people}
    assert world.bridge.deleted == {one.id for one in facts}
    assert "20 members" in await world.shown()


async def test_strikes_escalate_and_decay_in_the_database(world: World) -> None:
    step = {"after": 2, "actions": [{"type": "delete"}, TIMEOUT]}
    await world.start(
        rule("swear", words("darn"), "delete", WARN, escalation=[step], strikes_window=3600)
    )
    await world.say("darn")
    await world.pass_time(60)
    # Another process has counted nothing itself.
    other = await World(world.database, world.clock, world).start()
    await other.say("darn")
    await world.pass_time(2 * 3600)
    await world.say("darn")

    assert [case.kind for case in await world.all_cases()] == ["warn", "timeout", "warn"]


async def test_shadow_rule_reports_and_does_nothing(world: World) -> None:
    await world.start(rule("try", words("nitro"), "delete", TIMEOUT, shadow=True))
    assert await world.say("nitro")
    await world.pass_time(20)

    assert world.bridge.calls == []
    assert await world.all_cases() == []
    assert "shadow" in await world.shown()
    assert "delete the message, time out" in await world.shown()


async def test_edit_into_a_violation_is_deleted(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    facts = world.message("hello")
    assert world.gate.judge(facts) is None
    assert not await world.say("nitro", message_id=facts.id, edited=True)

    assert world.bridge.deleted == {facts.id}


async def test_late_edit_of_a_message_of_an_incident_changes_nothing_twice(world: World) -> None:
    await world.start(rule("scam", words("nitro"), WARN))
    facts = world.message("nitro")
    verdict = world.gate.judge(facts)
    assert verdict is not None
    assert verdict.effect is not None
    await verdict.effect()
    await world.say("nitro!", message_id=facts.id, edited=True)

    assert len(await world.rows(message_table.IncidentMessage)) == 1
    assert len(await world.all_cases()) == 1
    assert world.bridge.calls == []


async def test_missing_permission_is_told_once_and_the_message_stays(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))
    world.bridge.errors.append(NotAllowed())
    world.discord.before.append(NotPermitted("missing_permissions"))
    await world.say("nitro")
    await world.say("nitro")

    problems = await world.problems.list(GUILD)
    assert sorted(one.problem.cause for one in problems) == ["cannot_act", "cannot_delete"]
    assert world.bridge.deleted == set()
    assert len(world.bridge.calls) == 1
    assert "could not be deleted" in await world.shown()
    assert "not timed out" in await world.shown()


async def test_name_in_a_problem_is_made_harmless_where_it_is_shown_and_only_there(
    world: World,
) -> None:
    await world.start(rule("scam", words("nitro"), TIMEOUT))
    world.discord.before.append(NotPermitted("missing_permissions"))
    await world.say("nitro", Target(4711, "a_b*c"))

    (problem,) = await world.problems.list(GUILD)
    assert " a_b*c " in str(problem.problem.message)


async def test_ban_that_deletes_leaves_nothing_to_delete_twice(world: World) -> None:
    ban = {"type": "ban", "delete_window": 3600}
    await world.start(rule("scam", words("nitro"), "delete", ban))
    await world.say("nitro")
    await world.pass_time(20)

    assert world.bridge.calls == []
    assert world.discord.bans == {ANN.id}
    assert "1 message deleted" in await world.shown()


async def test_ban_that_fails_leaves_the_deleting_to_us(world: World) -> None:
    ban = {"type": "ban", "delete_window": 3600}
    await world.start(rule("scam", words("nitro"), "delete", ban))
    world.discord.before.append(NotPermitted("missing_permissions"))
    await world.say("nitro")
    await world.pass_time(20)

    assert len(world.bridge.deleted) == 1


async def test_deletion_by_another_hand_is_no_work_left(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    facts = world.message("nitro")
    verdict = world.gate.judge(facts)
    assert verdict is not None
    assert verdict.effect is not None
    world.service.deletions._gather_seconds = 3600.0
    await verdict.effect()
    assert world.service.deletions.note_gone(ROOM, [facts.id])
    await world.service.note_deleted([facts.id])

    assert [one.state for one in await world.rows(message_table.IncidentMessage)] == ["deleted"]
    assert world.bridge.calls == []
    await world.supervisor.stop(0)


async def test_what_a_dead_process_left_is_done_by_the_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(rule("scam", words("nitro"), "delete", TIMEOUT))

    async def die(incident_id: int) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(world.service._executor, "carry_out", die)
    monkeypatch.setattr(world.service.deletions, "add", lambda *_: 0)
    facts = world.message("nitro")
    verdict = world.gate.judge(facts)
    assert verdict is not None
    assert verdict.effect is not None
    with pytest.raises(asyncio.CancelledError):
        await verdict.effect()
    other = await World(world.database, world.clock, world).start()
    await other.pass_time(20)

    assert world.bridge.deleted == {facts.id}
    assert [case.state for case in await world.all_cases()] == ["applied"]
    assert "1 message deleted" in await other.shown()


async def test_messages_beyond_what_can_wait_go_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MOST_WAITING", 3)
    await world.start(rule("scam", words("nitro"), "delete"))
    facts = [world.message("free nitro") for _ in range(8)]
    verdicts = [world.gate.judge(one) for one in facts]
    await asyncio.gather(*(one.effect() for one in verdicts if one and one.effect))
    await world.rest()

    assert world.bridge.deleted == {one.id for one in facts}
