"""Incidents: one per burst, carried out once, logged once, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.cases import NotPermitted, Target
from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied
from cogs.automod.calls import NotAllowed, TryAgain
from cogs.automod.retention import CONTENTS_KEPT, INCIDENTS_KEPT, purge_incidents
from db import automod as table
from db import automod_effects as effect_table
from db import automod_messages as message_table
from db import automod_strikes as strike_table
from db.people import erase_person
from tests.cogs.automod.world import ANN, BOB, GUILD, LOG, ROOM, STAFF, World, rule, words

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


async def test_staff_owner_and_clean_messages_are_left_alone(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))

    assert await world.say("nitro", roles=[STAFF])
    assert await world.say("nitro", Target(7, "owner"))
    assert await world.say("hello")
    assert await world.incidents() == []


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


async def test_role_for_a_time_is_taken_back(world: World) -> None:
    role = {"type": "add_role", "role_id": "700", "duration": 600}
    await world.start(rule("scam", words("nitro"), role))
    await world.say("nitro")
    assert world.discord.roles[ANN.id] == {700}
    await world.pass_time(601)

    assert world.discord.roles[ANN.id] == set()


async def test_name_is_one_incident_however_often_it_is_told(world: World) -> None:
    when = words("nitro", sources=["name"])
    await world.start(rule("names", when, WARN))
    payload: dict[str, Any] = {
        "guild_id": str(GUILD),
        "user": {"id": str(ANN.id), "username": "ann", "global_name": "Free Nitro"},
        "roles": [],
        "joined_at": "2026-06-01T11:00:00+00:00",
    }
    other = await World(world.database, world.clock, world).start()
    for one in (world, world, other):
        one.gate.hear_member(payload)
        await one.rest()
        await one.pass_time(30)

    assert [case.kind for case in await world.all_cases()] == ["warn"]

    rejoined = payload | {"joined_at": "2026-06-01T12:05:00+00:00"}
    world.gate.hear_member(rejoined)
    await world.rest()
    assert len(await world.all_cases()) == 2


async def test_native_hit_counts_once_for_all_its_actions(world: World) -> None:
    await world.start(rule("native", {"type": "native"}, WARN))
    from cogs.automod.gate import Membership

    world.bridge.members[ANN.id] = Membership(frozenset(), "ann")
    world.bridge.members[BOB.id] = Membership(frozenset({STAFF}), "bob")
    for user, action in ((ANN, 1), (ANN, 2), (ANN, 3), (BOB, 1)):
        world.gate.hear_native(
            {
                "guild_id": str(GUILD),
                "rule_id": "5",
                "user_id": str(user.id),
                "channel_id": str(ROOM),
                "action": {"type": action},
                "content": "bad",
                "matched_keyword": "bad",
            }
        )
    await world.rest()

    assert [case.target_id for case in await world.all_cases()] == [ANN.id]


async def test_new_thread_with_a_bad_name_goes_and_a_renamed_one_is_called_as_before(
    world: World,
) -> None:
    from cogs.automod.gate import Membership

    await world.start(rule("scam", words("nitro"), "delete", WARN))
    world.bridge.members[ANN.id] = Membership(frozenset(), "ann")
    world.bridge.threads |= {900: "Free nitro", 901: "Fishing"}
    payload = {"guild_id": str(GUILD), "owner_id": str(ANN.id), "parent_id": str(ROOM)}
    new = {**payload, "id": "900", "name": "Free nitro", "newly_created": True}
    world.gate.hear_thread(new, created=True)
    await world.rest()
    assert 900 not in world.bridge.threads
    assert len(await world.all_cases()) == 1

    world.gate.hear_thread({**payload, "id": "901", "name": "nitro here"}, created=False)
    await world.rest()
    assert world.bridge.threads == {901: "Fishing"}
    assert len(await world.all_cases()) == 1


async def test_invite_is_asked_about_once_and_judged_then(world: World) -> None:
    await world.start(rule("invites", {"type": "invites"}, "delete"))
    world.bridge.invites |= {"elsewhere": 9, "here": GUILD}
    facts = [world.message("discord.gg/elsewhere") for _ in range(3)]
    verdicts = [world.gate.judge(one) for one in facts]
    assert all(one is not None and one.accepted for one in verdicts)
    await asyncio.gather(*(one.effect() for one in verdicts if one and one.effect))
    await world.say("discord.gg/here")
    await world.rest()

    assert world.bridge.asked == ["elsewhere", "here"]
    assert world.bridge.deleted == {one.id for one in facts}
    # Known by now: it does not pass at all.
    assert not await world.say("discord.gg/elsewhere")


async def test_invite_that_discord_did_not_tell_about_is_asked_about_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(code: str) -> int | None:
        raise TryAgain

    await world.start(rule("invites", {"type": "invites"}, "delete"))
    world.bridge.invites["elsewhere"] = 9
    with monkeypatch.context() as patch:
        patch.setattr(world.bridge, "guild_of_invite", away)
        await world.say("discord.gg/elsewhere")
        await world.rest()
    assert world.bridge.deleted == set()
    await world.say("discord.gg/elsewhere")
    await world.rest()

    assert len(world.bridge.deleted) == 1


async def test_text_file_is_read_and_judged(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    url = "https://cdn.discordapp.com/a.txt"
    world.bridge.files[url] = "get free nitro"
    file = {"id": "31", "filename": "a.txt", "size": 20, "url": url, "content_type": "text/plain"}
    await world.say("look", attachments=[file])

    assert len(world.bridge.deleted) == 1


async def test_message_before_the_engine_is_there_is_judged_late(world: World) -> None:
    values = {"rules": [rule("scam", words("nitro"), "delete")], "log_channel_id": str(LOG)}
    await world.cases.start()
    world.service.start()
    await world.settings.change(GUILD, "automod", values, enabled=True, actor=SYSTEM)
    facts = world.message("nitro")
    assert world.gate.judge(facts) is None
    await world.rest()

    assert world.bridge.deleted == {facts.id}


async def test_rules_that_were_changed_unheard_are_caught_up_with(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    other = await World(world.database, world.clock, world).start()
    values = {"rules": [rule("scam", words("casino"), "delete")]}
    await world.settings.change(GUILD, "automod", values, actor=SYSTEM)
    assert await other.say("casino")
    # As when the database was away: whatever was said meanwhile is doubted.
    other.settings.drop_cache()
    await other.settings.warm([GUILD])
    await other.say("hello")

    assert not await other.say("casino")


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


# --- undoing ----------------------------------------------------------------------------------


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


# --- a process that dies ----------------------------------------------------------------------


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


# --- retention and erasure --------------------------------------------------------------------


async def test_contents_and_incidents_are_forgotten_in_time(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("nitro")
    async with world.database.write() as session:
        await purge_incidents(session, world.clock.now() + CONTENTS_KEPT * 2)
    assert [one.content for one in await world.rows(message_table.IncidentMessage)] == [None]
    async with world.database.write() as session:
        await purge_incidents(session, world.clock.now() + INCIDENTS_KEPT * 2)

    for kind in (
        table.Incident,
        table.IncidentMember,
        message_table.IncidentMessage,
        strike_table.Strike,
    ):
        assert await world.rows(kind) == []


async def test_erased_person_leaves_no_word_in_incidents(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("free nitro")
    async with world.database.write() as session:
        await erase_person(session, ANN.id)
        (incident,) = (await session.scalars(select(table.Incident))).all()
        (message,) = (await session.scalars(select(message_table.IncidentMessage))).all()

    assert (incident.user_id, incident.excerpt, incident.user_name) == (None, None, None)
    assert incident.findings == {}
    assert (message.user_id, message.content) == (None, None)
    assert await world.rows(table.IncidentMember) == []
