"""What comes in beside plain messages: names, threads, invites, files, hits of Discord's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from bot.core.cases import Target
from bot.core.contracts import SYSTEM, MessageFacts
from cogs.automod.calls import TryAgain
from cogs.automod.directory import Membership
from cogs.automod.needs import MOST_CODES
from cogs.automod.rules.sources import texts_of
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.world import ANN, BOB, GUILD, LOG, ROOM, STAFF, World, rule, words

TIMEOUT = {"type": "timeout", "duration": 600}
WARN = {"type": "warn", "points": 2}


async def test_staff_owner_and_clean_messages_are_left_alone(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))

    assert await world.say("nitro", roles=[STAFF])
    assert await world.say("nitro", Target(7, "owner"))
    assert await world.say("hello")
    assert await world.incidents() == []


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


def stepping(channel_id: int | None, author: Target = ANN, **more: Any) -> dict[str, Any]:
    """Return a VOICE_STATE_UPDATE of a member who is in this channel now."""
    user = {"id": str(author.id), "username": author.name}
    return {
        "guild_id": str(GUILD),
        "user_id": str(author.id),
        "channel_id": str(channel_id) if channel_id else None,
        "member": {"user": user, "roles": [], "joined_at": "2026-06-01T11:00:00+00:00"},
        **more,
    }


async def test_member_who_hops_between_voice_channels_is_met_once(world: World) -> None:
    await world.start(rule("hops", {"type": "voice_moves", "limit": 4, "window": 60}, TIMEOUT))
    # Muting oneself and leaving are no steps, nor is what another does.
    for channel_id in (70, 70, 71, None, 71, 70, 71):
        world.gate.hear_voice(stepping(channel_id))
        world.gate.hear_voice(stepping(70, BOB))
        await world.rest()

    assert [(case.kind, case.target_id) for case in await world.all_cases()] == [
        ("timeout", ANN.id)
    ]
    assert len(await world.incidents()) == 1
    assert "70" in await world.shown() or "71" in await world.shown()


async def test_voice_of_bots_and_without_a_member_is_no_step(world: World) -> None:
    await world.start(rule("hops", {"type": "voice_moves", "limit": 2, "window": 60}, TIMEOUT))
    bot = {"user": {"id": "9", "username": "music", "bot": True}, "roles": []}
    for channel_id in (70, 71, 70):
        world.gate.hear_voice(stepping(channel_id, member=bot))
        world.gate.hear_voice(stepping(channel_id) | {"member": None})
    await world.rest()

    assert await world.incidents() == []


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


async def test_invites_beyond_those_that_are_looked_up_lead_elsewhere(world: World) -> None:
    when = {"type": "invites", "unresolved": "pass"}
    await world.start(rule("invites", when, "delete"))
    codes = [f"here{number}" for number in range(MOST_CODES)]
    world.bridge.invites |= dict.fromkeys(codes, GUILD) | {"elsewhere": 9}
    fine = " ".join(f"discord.gg/{code}" for code in codes)
    await world.say(fine)
    assert world.bridge.deleted == set()

    # Known by now, they hide nothing.
    await world.say(f"{fine} discord.gg/elsewhere")
    assert world.bridge.asked == [*codes, "elsewhere"]
    assert len(world.bridge.deleted) == 1

    dead = " ".join(f"discord.gg/dead{number}" for number in range(MOST_CODES))
    await world.say(f"{dead} discord.gg/unasked")
    assert "unasked" not in world.bridge.asked
    assert len(world.bridge.deleted) == 2


def file_of(number: int, world: World, content: str) -> dict[str, Any]:
    """Return an attached text file with this content."""
    url = f"https://cdn.discordapp.com/{number}.txt"
    world.bridge.files[url] = content
    return {"id": str(number), "filename": f"{number}.txt", "size": 20, "url": url}


async def test_every_text_file_is_read(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    files = [file_of(number, world, "hello") for number in range(31, 40)]
    await world.say("look", attachments=files)
    assert world.bridge.deleted == set()
    await world.say("look", attachments=[*files, file_of(40, world, "get free nitro")])

    assert len(world.bridge.deleted) == 1


async def test_text_files_are_judged_in_a_thread_and_counted_by_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, counting = set(), set()

    def texts(facts: MessageFacts, files: Mapping[int, str]) -> list[Any]:
        (reading.add(threading.get_ident()) if files else None)
        return texts_of(facts, files)

    def count(self: Windows, *arguments: Any) -> Any:
        counting.add(threading.get_ident())
        return count_of(self, *arguments)

    count_of = Windows.count
    monkeypatch.setattr("cogs.automod.rules.engine.texts_of", texts)
    monkeypatch.setattr(Windows, "count", count)
    when = {"type": "links", "limit": 2, "window": 60}
    escalation = [{"after": 2, "actions": [{"type": "ban"}]}]
    campaign = {"type": "campaign", "members": 2, "min_length": 3}
    await world.start(
        rule("links", when, "delete", escalation=escalation), rule("ads", campaign, "delete")
    )
    await world.say("", attachments=[file_of(31, world, "https://e.co")])
    assert world.bridge.deleted == set()
    await world.say("", attachments=[file_of(32, world, "https://e.co")])
    await world.say("", BOB, attachments=[file_of(33, world, "https://e.co")])

    assert len(world.bridge.deleted) == 3
    assert reading
    assert threading.get_ident() not in reading
    assert counting == {threading.get_ident()}


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


async def test_name_and_thread_before_the_engine_is_there_are_judged_late(world: World) -> None:
    rules = [
        rule("names", words("nitro", sources=["name"]), WARN),
        rule("scam", words("casino"), "delete", WARN),
    ]
    await world.cases.start()
    world.service.start()
    values = {"rules": rules, "log_channel_id": str(LOG)}
    await world.settings.change(GUILD, "automod", values, enabled=True, actor=SYSTEM)
    world.bridge.members[BOB.id] = Membership(frozenset(), "bob")
    world.bridge.threads[900] = "casino here"
    world.gate.hear_member(
        {
            "guild_id": str(GUILD),
            "user": {"id": str(ANN.id), "username": "ann", "global_name": "Free Nitro"},
            "roles": [],
            "joined_at": "2026-06-01T11:00:00+00:00",
        }
    )
    thread = {"guild_id": str(GUILD), "owner_id": str(BOB.id), "parent_id": str(ROOM)}
    named = {"id": "900", "name": "casino here", "newly_created": True}
    world.gate.hear_thread({**thread, **named}, created=True)
    await world.rest()

    assert sorted(case.target_id for case in await world.all_cases()) == [ANN.id, BOB.id]
    assert 900 not in world.bridge.threads


async def test_thread_that_is_not_in_the_cache_gets_its_name_from_the_audit_log(
    world: World,
) -> None:
    await world.start(rule("scam", words("nitro"), "delete"))
    world.bridge.members[ANN.id] = Membership(frozenset(), "ann")
    world.bridge.former_names[900] = "Fishing"
    payload = {"guild_id": str(GUILD), "owner_id": str(ANN.id), "parent_id": str(ROOM)}
    # One was renamed while it was archived, the other is only opened again.
    for thread_id in (900, 901):
        renamed = {**payload, "id": str(thread_id), "name": "nitro here"}
        world.gate.hear_thread(renamed, created=False)
    await world.rest()

    assert world.bridge.threads == {900: "Fishing"}
