"""The /case commands, /warnings and /modstats."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import discord
import pytest
from sqlalchemy import event, insert

from bot.core.cases import CaseKind, CaseState, Order, Target
from bot.core.contracts import SYSTEM
from db import cases as table
from tests.cogs.moderation.world import Place, text_of


@pytest.fixture
async def warned(place: Place) -> Place:
    await place.say(place.mod, "warn", member=place.ada, reason="Spoilers")
    return place


async def test_view_shows_the_case_with_notes_and_changes(warned: Place) -> None:
    await warned.say(warned.mod, "case note", number=1, text="Second time")
    await warned.say(warned.mod, "case edit", number=1, reason="Spoilers in #general")

    said = await warned.say(warned.mod, "case view", number=1)

    assert "Case 1: Warning" in said
    assert "Second time" in said
    assert "Spoilers → Spoilers in" in said


async def test_view_of_an_unknown_number_says_so(place: Place) -> None:
    assert "no case 7" in await place.say(place.mod, "case view", number=7)


async def test_hostile_texts_are_shown_as_they_are(place: Place) -> None:
    await place.say(place.mod, "warn", member=place.ada, reason="**@everyone** [x](https://e.vil)")

    said = await place.say(place.mod, "case view", number=1)

    assert r"\*\*" in said


async def test_edit_moves_the_end_of_a_timeout(place: Place) -> None:
    await place.say(place.mod, "timeout", member=place.ada, duration="1h")

    said = await place.say(place.mod, "case edit", number=1, duration="3h")

    assert "is changed" in said
    case = await place.cases.get(place.guild.id, 1)
    assert case.expires_at - case.created_at == timedelta(hours=3)


async def test_edit_of_nothing_and_of_the_own_case_is_refused(warned: Place) -> None:
    assert "Say what to change" in await warned.say(warned.mod, "case edit", number=1)
    await warned.say(warned.boss, "warn", member=warned.mod, reason="Late")

    assert "about you" in await warned.say(warned.mod, "case edit", number=2, reason="Fine")
    assert "about you" in await warned.say(warned.mod, "case undo", number=2)


async def test_undo_lifts_the_ban(place: Place) -> None:
    await place.say(place.mod, "ban", user=place.ada)

    assert "is undone" in await place.say(place.mod, "case undo", number=1, reason="Wrong one")

    assert place.ada.id not in place.backend.get_guild(place.guild.id).bans
    assert (await place.cases.get(place.guild.id, 1)).state is CaseState.UNDONE
    assert "undone already" in await place.say(place.mod, "case undo", number=1)


@pytest.fixture
async def junior(place: Place) -> Any:
    """Somebody below `ada`'s moderators who may only time members out."""
    role = place.guild.create_role("Junior", permissions=discord.Permissions(moderate_members=True))
    member = place.guild.add_member(place.bench.env.create_user("junior"), roles=[role])
    await place.bench.env.settle()
    return member


@pytest.mark.parametrize("command", ["case undo", "case edit"])
async def test_changing_a_ban_takes_the_permission_to_ban(
    place: Place, junior: Any, command: str
) -> None:
    await place.say(place.boss, "ban", user=place.ada)
    options = {"duration": "2m"} if command == "case edit" else {}

    said = await place.say(junior, command, number=1, **options)

    assert "Ban Members" in said
    case = await place.cases.get(place.guild.id, 1)
    assert (case.kind, case.state, case.expires_at) == (CaseKind.BAN, CaseState.APPLIED, None)


async def test_undo_of_what_holds_a_member_of_higher_rank_is_refused(
    place: Place, junior: Any
) -> None:
    await place.say(place.boss, "timeout", member=place.mod, duration="1h")

    assert "is not below yours" in await place.say(junior, "case undo", number=1)

    assert (await place.cases.get(place.guild.id, 1)).state is CaseState.APPLIED


async def test_undo_gives_no_role_back_that_is_above_ones_own(place: Place, junior: Any) -> None:
    await place.cases.order(
        Order(
            guild_id=place.guild.id,
            kind=CaseKind.REMOVE_ROLE,
            target=Target(place.ada.id, "ada"),
            moderator=SYSTEM,
            source="automod",
            dedupe_key="incident:1",
            role_id=place.roles["Member"].id,
        )
    )

    assert "Manage Roles" in await place.say(junior, "case undo", number=1)


async def test_undo_for_one_who_has_left_goes_by_permission(place: Place) -> None:
    await place.say(place.mod, "kick", member=place.ada)

    assert "is undone" in await place.say(place.mod, "case undo", number=1)


async def test_delete_asks_first_and_only_those_who_manage(warned: Place) -> None:
    assert "Manage Server" in await warned.say(warned.mod, "case delete", number=1)

    result = await warned.run(warned.boss, "case delete", number=1)
    assert "Delete case 1?" in text_of(result)
    assert await warned.cases.list(warned.guild.id) != []
    await warned.boss.click(result.response, label="Yes, go ahead")

    assert await warned.cases.list(warned.guild.id) == []


async def test_delete_answered_no_keeps_the_case(warned: Place) -> None:
    result = await warned.run(warned.boss, "case delete", number=1)
    await warned.boss.click(result.response, label="Cancel")

    assert len(await warned.cases.list(warned.guild.id)) == 1


async def test_evidence_is_kept_and_shown_again(warned: Place) -> None:
    assert "Nothing is kept" in await warned.say(warned.mod, "case evidence", number=1)

    said = await warned.say(
        warned.mod, "case evidence", number=1, file=("chat.txt", b"the butler did it")
    )
    assert "Kept with case 1" in said
    result = await warned.run(warned.mod, "case evidence", number=1)

    (file,) = result.response.attachments
    assert file.filename == "chat.txt"
    assert await file.read() == b"the butler did it"
    assert result.response.ephemeral


async def test_records_are_for_moderators_only(warned: Place) -> None:
    await warned.show_command(warned.ada, "case")
    await warned.show_command(warned.ada, "modstats")

    for command in ("case list", "modstats"):
        assert "You need the permission" in await warned.say(warned.ada, command)
    offers = await warned.ada.autocomplete(warned.channel, "case view", "number", "1")
    assert offers == []


async def test_numbers_are_completed_with_what_the_case_is(warned: Place) -> None:
    offers = await warned.mod.autocomplete(warned.channel, "case view", "number", "")

    assert offers == [{"name": "#1 · Warning · ada", "value": 1}]


async def test_warnings_shows_ones_own_to_everybody(warned: Place) -> None:
    assert "Spoilers" in await warned.say(warned.ada, "warnings")
    assert "1 point" in await warned.say(warned.mod, "warnings", member=warned.ada)
    assert "You need the permission" in await warned.say(warned.ada, "warnings", member=warned.mod)


async def test_points_of_warnings_belong_to_a_case_that_is_shown(place: Place) -> None:
    # A warning that was merged into something harsher is a case of that kind, with its points.
    order = Order(
        guild_id=place.guild.id,
        kind=CaseKind.KICK,
        target=Target(place.ada.id, "ada"),
        moderator=SYSTEM,
        source="automod",
        dedupe_key="automod:1",
        reason="Spam",
        points=2,
    )
    await place.bench.kernel.cases.record(order)
    plain = replace(order, dedupe_key="automod:2", reason="Nothing to count", points=0)
    await place.bench.kernel.cases.record(plain)

    said = await place.say(place.ada, "warnings")
    assert "Spam" in said
    assert "Kick" in said
    assert said.count("2 points") == 2
    assert "Nothing to count" not in said


async def test_modstats_counts_by_moderator_and_kind(warned: Place) -> None:
    await warned.say(warned.boss, "kick", member=warned.ada)

    said = await warned.say(warned.mod, "modstats")

    assert f"<@{warned.mod.id}> · **1**" in said
    assert "Kick 1" in said
    alone = await warned.say(warned.mod, "modstats", moderator=warned.mod)
    assert "Kick" not in alone


async def fill(place: Place, count: int) -> None:
    """Put cases into the database as they would be there after years."""
    now = place.bench.kernel.clock.now()
    rows = [
        {
            "guild_id": place.guild.id,
            "number": number,
            "dedupe_key": f"old:{number}",
            "kind": CaseKind.WARN,
            "state": CaseState.APPLIED,
            "target_id": place.ada.id,
            "target_name": "ada",
            "moderator_id": place.mod.id,
            "moderator_name": "mod",
            "source": "command",
            "reason": f"Reason {number}",
            "created_at": now,
        }
        for number in range(1, count + 1)
    ]
    async with place.bench.kernel.database.write() as session:
        await session.execute(insert(table.Case), rows)


async def test_list_leafs_through_a_thousand_cases_one_query_a_page(place: Place) -> None:
    await fill(place, 1000)
    statements: list[str] = []
    engine = place.bench.kernel.database.engine.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "FROM cases" in statement:
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    result = await place.run(place.mod, "case list", user=place.ada)
    assert numbers_in(result) == list(range(1000, 990, -1))
    for page in range(1, 4):
        await place.mod.click(result.response, label="Older")
        assert numbers_in(result) == list(range(1000 - 10 * page, 990 - 10 * page, -1))
    await place.mod.click(result.response, label="Newer")

    assert numbers_in(result) == list(range(980, 970, -1))
    assert len(statements) == 5


def numbers_in(result: Any) -> list[int]:
    (embed,) = result.response.embeds
    return [int(one) for one in re.findall(r"\*\*#(\d+)\*\*", embed.description)]


async def test_list_filters_by_moderator_and_kind(warned: Place) -> None:
    await warned.say(warned.boss, "kick", member=warned.ada)

    assert numbers_in(await warned.run(warned.mod, "case list", moderator=warned.boss)) == [2]
    assert numbers_in(await warned.run(warned.mod, "case list", kind="warn")) == [1]
    assert "No cases" in await warned.say(warned.mod, "case list", user=warned.boss)
