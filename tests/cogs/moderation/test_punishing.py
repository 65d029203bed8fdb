"""Commands on one member: what they do, what they say, what they refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.cases import CaseKind, CaseState, SanctionKind
from db.cases import Case
from tests.cogs.moderation.world import Place
from tests.simcord_env import speaking


async def only_case(place: Place) -> Any:
    (case,) = await place.cases.list(place.guild.id)
    return case


async def test_warn_is_recorded_told_and_counted(place: Place) -> None:
    said = await place.say(place.mod, "warn", member=place.ada, reason="Spoilers")

    assert "Case 1" in said
    assert "was warned" in said
    assert "1 point now" in said
    case = await only_case(place)
    assert (case.kind, case.state, case.reason) == (CaseKind.WARN, CaseState.APPLIED, "Spoilers")
    assert (case.target.id, case.moderator_id) == (place.ada.id, place.mod.id)
    await place.bench.deliver()
    assert "warned" in place.dms(place.ada)[-1]


COMMANDS: dict[str, tuple[dict[str, Any], CaseKind, str]] = {
    "timeout": ({"duration": "1h 30m", "reason": "x"}, CaseKind.TIMEOUT, "is timed out until <t:"),
    "kick": ({"reason": "x"}, CaseKind.KICK, "was kicked"),
    "softban": ({"reason": "x"}, CaseKind.SOFTBAN, "latest messages"),
    "ban": ({"reason": "x"}, CaseKind.BAN, "is banned"),
    "tempban": ({"duration": "2 days", "reason": "x"}, CaseKind.TEMPBAN, "is banned until <t:"),
}


def whom(command: str) -> str:
    return "user" if command in ("ban", "tempban", "unban", "note") else "member"


@pytest.mark.parametrize("command", COMMANDS)
async def test_command_acts_and_answers_with_the_case(place: Place, command: str) -> None:
    options, kind, words = COMMANDS[command]

    said = await place.say(place.mod, command, **{whom(command): place.ada}, **options)

    assert "Case 1" in said
    assert words in said
    case = await only_case(place)
    assert (case.kind, case.state) == (kind, CaseState.APPLIED)
    guild = place.backend.get_guild(place.guild.id)
    if command == "timeout":
        assert guild.members[place.ada.id].timed_out_until is not None
    else:
        assert place.ada.id not in guild.members
        assert (place.ada.id in guild.bans) == (command in ("ban", "tempban"))


@pytest.mark.parametrize("command", [*COMMANDS, "warn"])
async def test_command_on_somebody_above_is_refused_in_words(place: Place, command: str) -> None:
    options = COMMANDS.get(command, ({"reason": "x"},))[0]

    said = await place.say(place.mod, command, **{whom(command): place.boss}, **options)

    assert "not below yours" in said
    assert await place.cases.list(place.guild.id) == []
    assert place.boss.id in place.backend.get_guild(place.guild.id).members


@pytest.mark.parametrize("command", COMMANDS)
async def test_command_on_somebody_above_the_bot_is_refused_in_words(
    place: Place, command: str
) -> None:
    top = place.guild.create_role("Top", position=50)
    owner = place.guild.add_member(place.bench.env.create_user("king"), roles=[top])
    chief = place.guild.add_member(
        place.bench.env.create_user("chief"),
        roles=[
            place.guild.create_role("Chief", position=60, permissions=discord.Permissions.all())
        ],
    )
    await place.bench.env.settle()

    said = await place.say(chief, command, **{whom(command): owner}, **COMMANDS[command][0])

    assert "not below mine" in said or "I lack" in said
    assert await place.cases.list(place.guild.id) == []


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("timeout", "Moderate Members"),
        ("kick", "Kick"),
        ("ban", "Ban"),
        ("tempban", "Ban"),
        ("softban", "Ban"),
    ],
)
async def test_command_without_the_bots_permission_names_it_and_the_fix(
    place: Place, command: str, right: str
) -> None:
    await place.limit_bot()

    said = await place.say(place.mod, command, **{whom(command): place.ada}, **COMMANDS[command][0])

    assert "I lack the permission" in said
    assert "Server Settings > Roles" in said
    assert await place.cases.list(place.guild.id) == []


@pytest.mark.parametrize("command", ["kick", "timeout", "warn", "softban"])
async def test_command_on_somebody_who_left(place: Place, command: str) -> None:
    options = COMMANDS.get(command, ({"reason": "x"},))[0]
    place.guild.remove_member(place.ada)
    await place.bench.env.settle()
    gone = place.bench.env.create_user("gone")

    said = await place.say(place.mod, command, **{whom(command): gone}, **options)

    if command == "softban":
        assert "Case 1" in said
    else:
        assert "not a member" in said
        assert await place.cases.list(place.guild.id) == []


async def test_ban_and_unban_of_somebody_who_left(place: Place) -> None:
    gone = place.bench.env.create_user("gone")

    assert "is banned" in await place.say(place.mod, "ban", user=gone)
    assert gone.id in place.backend.get_guild(place.guild.id).bans
    assert "ban is lifted" in await place.say(place.mod, "unban", user=gone)
    assert gone.id not in place.backend.get_guild(place.guild.id).bans


async def test_unban_of_somebody_who_is_not_banned_says_so(place: Place) -> None:
    said = await place.say(place.mod, "unban", user=place.bench.env.create_user("gone"))

    assert "not banned" in said


async def test_note_about_somebody_who_left_is_kept_and_not_told(place: Place) -> None:
    gone = place.bench.env.create_user("gone")

    said = await place.say(place.mod, "note", user=gone, text="Back under another name?")

    assert "the note about" in said
    assert (await only_case(place)).reason == "Back under another name?"
    await place.bench.deliver()
    assert "wrote to them" not in said


@pytest.mark.parametrize("typed", ["soon", "10", "-3h", "5 parsecs", "1s"])
async def test_bad_duration_is_refused_in_words(place: Place, typed: str) -> None:
    said = await place.say(place.mod, "timeout", member=place.ada, duration=typed)

    assert "not a duration" in said or "At least" in said
    assert await place.cases.list(place.guild.id) == []


async def test_reason_too_long_is_refused_in_words(place: Place) -> None:
    said = await place.say(place.mod, "kick", member=place.ada, reason="x" * 1001)

    assert "at most 1000 characters" in said
    assert place.ada.id in place.backend.get_guild(place.guild.id).members


async def test_timeout_and_untimeout(place: Place) -> None:
    await place.say(place.mod, "timeout", member=place.ada, duration="40 days")
    sanction = await place.cases.sanction_of(place.guild.id, place.ada.id, SanctionKind.TIMEOUT)
    assert sanction is not None

    said = await place.say(place.mod, "untimeout", member=place.ada, reason="Enough")

    assert "timeout is lifted" in said
    member = place.backend.get_guild(place.guild.id).members[place.ada.id]
    assert member.timed_out_until is None


async def test_mute_needs_a_role_and_says_where_to_choose_one(place: Place) -> None:
    said = await place.say(place.mod, "mute", member=place.ada)

    assert "/moderation settings" in said
    assert await place.cases.list(place.guild.id) == []


async def test_mute_and_unmute(place: Place) -> None:
    await place.set(mute_role_id=str(place.roles["Muted"].id))

    assert "is muted until <t:" in await place.say(
        place.mod, "mute", member=place.ada, duration="1h"
    )
    member = place.backend.get_guild(place.guild.id).members[place.ada.id]
    assert place.roles["Muted"].id in member.role_ids
    assert "mute is lifted" in await place.say(place.mod, "unmute", member=place.ada)
    assert place.roles["Muted"].id not in member.role_ids


async def test_mute_with_a_role_above_the_bot_is_refused(place: Place) -> None:
    role = place.guild.create_role("High", position=90)
    await place.bench.env.settle()
    await place.set(mute_role_id=str(role.id))

    said = await place.say(place.mod, "mute", member=place.ada)

    assert "not below my highest role" in said


async def test_protected_role_is_left_alone(place: Place) -> None:
    await place.set(protected_role_ids=[str(place.roles["Member"].id)])

    said = await place.say(place.mod, "kick", member=place.ada)

    assert "protected role" in said
    assert place.ada.id in place.backend.get_guild(place.guild.id).members


async def test_default_reason_and_template(place: Place) -> None:
    long = "y" * 150
    await place.set(default_reason="Rule 1", reason_templates=["Spam", long])

    await place.say(place.mod, "timeout", member=place.ada, duration="1h")
    await place.say(place.mod, "warn", member=place.ada, reason="#2")

    assert [one.reason for one in await place.cases.list(place.guild.id)] == [long, "Rule 1"]


async def test_reason_and_duration_are_completed(place: Place) -> None:
    await place.set(reason_templates=["Spam", "Spoilers", "Insults"])

    reasons = await place.mod.autocomplete(place.channel, "warn", "reason", "sp", member=place.ada)
    spans = await place.mod.autocomplete(
        place.channel, "timeout", "duration", "3", member=place.ada
    )

    assert [one["value"] for one in reasons] == ["Spam", "Spoilers"]
    assert [one["value"] for one in spans] == ["3m", "3h", "3d", "21d"]


async def test_answer_is_in_the_moderators_language(place: Place) -> None:
    async with speaking("es-ES"):
        said = await place.say(place.mod, "warn", member=place.ada, reason="x")

    assert "Caso 1" in said


async def test_grant_lets_a_member_act_where_discord_shows_the_command(place: Place) -> None:
    plain = place.guild.add_member(place.bench.env.create_user("plain"))
    await place.show_command(plain, "kick")
    refused = await place.say(plain, "kick", member=place.ada)
    assert "You need the permission" in refused

    await place.say(place.boss, "permissions grant", member=plain, feature="moderation")

    # A grant gives the right, not the rank.
    assert "not below yours" in await place.say(plain, "kick", member=place.ada)
    leader = place.guild.create_role("Leader")
    guide = place.guild.add_member(place.bench.env.create_user("guide"), roles=[leader])
    await place.show_command(guide, "kick")
    await place.say(place.boss, "permissions grant", member=guide, feature="moderation")
    newcomer = place.guild.add_member(place.bench.env.create_user("newcomer"))
    await place.bench.env.settle()
    assert "was kicked" in await place.say(guide, "kick", member=newcomer)


async def test_order_is_known_by_its_interaction(place: Place) -> None:
    """So that whatever runs it again finds the case that is there."""
    result = await place.run(place.mod, "warn", member=place.ada, reason="x")

    async with place.bench.kernel.database.read() as session:
        keys = (await session.scalars(select(Case.dedupe_key))).all()
    assert keys == [f"command:{result._interaction.id}"]


async def test_ban_takes_the_delete_window_of_the_settings_and_marks_the_reason(
    place: Place,
) -> None:
    await place.set(ban_delete_window="2 days")

    await place.say(place.mod, "ban", user=place.ada)

    (call,) = place.calls("PUT", "/bans/")
    assert timedelta(seconds=int(call.params["delete_message_seconds"])) == timedelta(days=2)
    assert call.reason.endswith("[case 1]")
