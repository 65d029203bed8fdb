"""/automod rule and shadow in a running bot: each command, bad input, and changes meanwhile."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import Actor
from cogs.automod.editing import updated
from cogs.automod.rulebook import Rulebook
from db.engine import Database
from tests.cogs.automod.office import Office, opened_office
from tests.simcord_env import speaking

ROOT = Actor(9, "web", "root")


@pytest.fixture
async def office(sqlite_database: Database) -> AsyncIterator[Office]:
    async with opened_office(sqlite_database) as office:
        yield office


async def test_add_with_text_makes_the_rule(office: Office) -> None:
    said = await office.say(
        "automod rule add",
        trigger="words",
        action="delete, timeout {duration}",
        text="idiot, kill yourself",
        duration="1h",
    )

    [rule] = await office.rules()
    assert rule.name == "words"
    assert rule.when.words == ("idiot", "kill yourself")
    assert [one.type for one in rule.actions] == ["delete", "timeout"]
    assert rule.actions[1].duration.total_seconds() == 3600
    assert "`idiot`" in said
    assert "Time out for 1 hour" in said
    assert "/automod test" in said
    assert "switched off here" in said


async def test_add_without_text_asks_in_a_form(office: Office) -> None:
    form = await office.boss.slash(office.channel, "automod rule add", trigger="words")
    done = await office.boss.submit_modal(form, {"text": "idiot\nmoron"})

    [rule] = await office.rules()
    assert rule.when.words == ("idiot", "moron")
    assert "The rule `words` is there" in done.response.content


async def test_add_refused_pattern_says_where_and_keeps_what_was_typed(office: Office) -> None:
    form = await office.boss.slash(office.channel, "automod rule add", trigger="regex")
    refused = await office.boss.submit_modal(form, {"text": "fine\n(broken"})

    message = refused.followups[-1] if refused.followups else refused.response
    assert "patterns → #2" in message.content
    assert "at character 1" in message.content
    assert await office.rules() == ()

    again = await office.boss.click(message, label="Correct it")
    assert "(broken" in str(again.modal)
    await office.boss.submit_modal(again, {"text": "fine\n(mended)"})
    [rule] = await office.rules()
    assert rule.when.patterns == ("fine", "(mended)")


@pytest.mark.parametrize(
    "options", [{"trigger": "name", "text": "Admin"}, {"trigger": "voice_moves"}]
)
async def test_add_of_what_has_no_message_tells_staff(
    office: Office, options: dict[str, Any]
) -> None:
    await office.say("automod rule add", **options)

    [rule] = await office.rules()
    assert [one.type for one in rule.actions] == ["alert"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"trigger": "caps", "limit": 3}, "At least 10"),
        ({"trigger": "words", "text": "a", "limit": 3}, "counts nothing"),
        ({"trigger": "invites", "window": "5m"}, "counts nothing"),
        ({"trigger": "honeypot"}, "trap channel"),
        ({"trigger": "rate", "window": "soon"}, "is not a duration"),
        ({"trigger": "caps", "duration": "5m"}, "has no duration"),
        (
            {"trigger": "caps", "action": "delete, timeout {duration}", "duration": "2y"},
            "At most",
        ),
        ({"trigger": "caps", "name": "???"}, "right form"),
        ({"trigger": "name", "text": "x" * 101}, "too long"),
    ],
)
async def test_add_bad_input_is_explained(
    office: Office, options: dict[str, Any], expected: str
) -> None:
    said = await office.say("automod rule add", **options)

    assert expected in said
    assert await office.rules() == ()


async def test_add_numbers_names_and_refuses_taken_ones(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.say("automod rule add", trigger="caps")
    said = await office.say("automod rule add", trigger="caps", name="Caps")

    assert [one.name for one in await office.rules()] == ["caps", "caps-2"]
    assert "There is a rule “caps” already" in said


async def test_member_without_permission_is_denied(office: Office) -> None:
    for command, options in [
        ("automod rule add", {"trigger": "caps"}),
        ("automod rule add", {"trigger": "words"}),
        ("automod rule list", {}),
        ("automod rule remove", {"rule": "caps"}),
        ("automod shadow on", {"rule": "caps"}),
    ]:
        assert "Manage Server" in await office.say(command, who=office.ada, **options)
    assert await office.complete("automod rule show", "rule", "", who=office.ada) == {}


async def test_member_with_grant_may(office: Office) -> None:
    await office.say("permissions grant", member=office.ada, feature="automod")

    await office.say("automod rule add", who=office.ada, trigger="caps")

    assert len(await office.rules()) == 1


async def test_list_and_show_speak_the_readers_language(office: Office) -> None:
    assert "no rules yet" in await office.say("automod rule list")
    for number in range(10):
        await office.say(
            "automod rule add", trigger="words", text=f"word{number} `*_", shadow=number == 1
        )

    shown = await office.say("automod rule list")
    assert "10 rules" in shown
    assert "👁️ `words-2`" in shown
    async with speaking("es-ES"):
        said = await office.say("automod rule show", rule="words")
    assert "las palabras" in said
    assert "words(" in said


def in_clear(shown: str) -> str:
    """Return what a text says without a press on its spoiler marks."""
    return re.sub(r"\|\|.*?\|\|", "", shown, flags=re.DOTALL)


async def test_listed_words_are_shown_on_demand_only(office: Office) -> None:
    text = ", ".join(f"slur{number}" for number in range(40))
    said = [
        await office.say("automod rule add", trigger="words", text=text),
        await office.say("automod rule add", trigger="regex", text="`slur[0-9]`"),
        await office.say("automod rule list"),
        await office.say("automod rule show", rule="words"),
        await office.say("automod rule show", rule="regex"),
        await office.say("automod test", text="a slur3 and more"),
    ]
    offers = await office.complete("automod rule show", "rule", "slur")

    for one in said:
        assert "slur" in one
        assert "slur0" not in in_clear(one)
        assert "slur[" not in in_clear(one)
        assert "slur3" not in in_clear(one)
    assert set(offers.values()) == {"words", "regex"}
    assert "slur" not in "".join(offers)


async def test_switches_change_one_rule(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    for command, name, value in [
        ("rule disable", "enabled", False),
        ("rule enable", "enabled", True),
        ("shadow on", "shadow", True),
        ("shadow off", "shadow", False),
    ]:
        await office.say(f"automod {command}", rule="caps")
        assert getattr((await office.rules())[0], name) is value
    assert "Nothing was different" in await office.say("automod shadow off", rule="caps")


async def test_unknown_rule_names_the_nearest(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")

    said = await office.say("automod rule disable", rule="cap")

    assert "no rule “cap”" in said
    assert "Did you mean caps?" in said


async def test_names_are_offered_while_typing(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.say("automod rule add", trigger="words", text="idiot")

    assert set((await office.complete("automod rule show", "rule", "idi")).values()) == {"words"}


async def test_remove_asks_first(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    asked = await office.boss.slash(office.channel, "automod rule remove", rule="caps")
    assert "70% capitals" in asked.response.content
    assert len(await office.rules()) == 1

    await office.boss.click(asked.response, label="Yes, go ahead")

    assert await office.rules() == ()


async def test_remove_of_a_rule_changed_meanwhile_is_refused(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    asked = await office.boss.slash(office.channel, "automod rule remove", rule="caps")
    [rule] = await office.rules()
    book = Rulebook(office.bench.kernel.settings)
    await book.replace(office.guild.id, rule, updated(rule, reason="loud"), ROOT)

    await office.boss.click(asked.response, label="Yes, go ahead")

    assert len(await office.rules()) == 1
    assert "changed this rule meanwhile" in asked.followups[-1].content


async def test_panel_edits_every_part(office: Office) -> None:
    await office.say("automod rule add", trigger="words", text="idiot")
    await office.open_panel("words")

    await office.fill("when", when="words(idiot) and not joined_within(7d)")
    await office.fill("actions", actions="delete\ntimeout 10m", reason="Be kind")
    await office.fill("steps", steps="3: delete, kick", window="2h")
    await office.fill(
        "spared",
        exempt_roles=[office.crew],
        exempt_channels=[office.channel],
        exempt_members=[office.ada],
    )
    await office.fill("name", name="No insults")
    await office.press("shadow")

    [rule] = await office.rules()
    assert rule.name == "no-insults"
    assert rule.when.all[1].negated.age.days == 7
    assert [one.type for one in rule.actions] == ["delete", "timeout"]
    assert rule.reason == "Be kind"
    assert rule.escalation[0].after == 3
    assert rule.strikes_window.total_seconds() == 7200
    assert rule.exempt_roles == (office.crew.id,)
    assert rule.exempt_channels == (office.channel.id,)
    assert rule.exempt_members == (office.ada.id,)
    assert rule.shadow
    assert "From the 3. time on within 2 hours" in office.shown()


async def test_panel_edits_the_whole_rule_as_json(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.open_panel("caps")

    await office.fill("json", json='{"name": "loud", "when": {"type": "caps", "percent": 90}}')

    [rule] = await office.rules()
    assert (rule.name, rule.when.percent) == ("loud", 90)


@pytest.mark.parametrize(
    ("part", "values", "expected"),
    [
        ("when", {"when": "words(idiot) and nto caps"}, "Character 18"),
        ("when", {"when": '{"all": [{"type": "caps", "percent": 900}]}'}, "all → #1 → percent"),
        ("when", {"when": '{"all": ['}, "not JSON (line 1"),
        ("actions", {"actions": "dleete", "reason": ""}, "Did you mean delete?"),
        ("steps", {"steps": "2: delete\nthen ban", "window": "1d"}, "Line 2"),
        ("steps", {"steps": "4: ban\n3: kick", "window": "1d"}, "more strikes"),
        ("steps", {"steps": "", "window": "1s"}, "At least 1 minute"),
    ],
)
async def test_panel_says_what_is_wrong_and_keeps_the_form(
    office: Office, part: str, values: dict[str, Any], expected: str
) -> None:
    await office.say("automod rule add", trigger="caps")
    before = await office.rules()
    await office.open_panel("caps")

    await office.fill(part, **values)

    assert expected in office.shown()
    assert await office.rules() == before
    form = await office.choose(part)
    first = next(iter(values.values()))
    assert (
        not first
        or first.splitlines()[0].replace('"', '\\"') in str(form.modal).replace("\\\\", "\\")
        or first.splitlines()[0] in str(form.modal)
    )


async def test_what_is_corrected_after_a_refusal_shows_in_the_panel(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.open_panel("caps")
    form, backend = await office.choose("name"), office.bench.env.backend
    backend.edit_role(office.guild.id, office.crew.id, {"permissions": 0})
    await office.bench.env.settle()
    refused = await office.boss.submit_modal(form, {"name": "shouting"})
    message = refused.followups[-1] if refused.followups else refused.response
    assert "Manage Server" in message.content
    backend.edit_role(office.guild.id, office.crew.id, {"permissions": 1 << 5})
    await office.bench.env.settle()

    again = await office.boss.click(message, label="Correct it")
    await office.boss.submit_modal(again, {"name": "shouting"})

    assert (await office.rules())[0].name == "shouting"
    assert "✅ Saved." in office.shown()
    assert "Rule `shouting`" in office.shown()
    assert message.content == "✅ Saved."
    assert not message.components
    await office.press("shadow")
    assert (await office.rules())[0].shadow


async def test_panel_shows_a_change_made_meanwhile(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.open_panel("caps")
    [rule] = await office.rules()
    book = Rulebook(office.bench.kernel.settings)
    await book.replace(office.guild.id, rule, updated(rule, reason="loud"), ROOT)

    await office.press("shadow")

    assert "changed this rule meanwhile" in office.shown()
    assert "loud" in office.shown()
    assert not (await office.rules())[0].shadow
    await office.press("shadow")
    assert (await office.rules())[0].shadow


async def test_changes_of_two_rules_at_once_are_both_kept(office: Office) -> None:
    for _number in range(2):
        await office.say("automod rule add", trigger="caps")
    first, second = await office.rules()
    book = Rulebook(office.bench.kernel.settings)
    import asyncio

    await asyncio.gather(
        book.replace(office.guild.id, first, updated(first, reason="one"), ROOT),
        book.replace(office.guild.id, second, updated(second, reason="two"), ROOT),
    )

    assert [one.reason for one in await office.rules()] == ["one", "two"]


async def test_removed_rule_comes_back_by_rollback(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    asked = await office.boss.slash(office.channel, "automod rule remove", rule="caps")
    await office.boss.click(asked.response, label="Yes, go ahead")

    asked = await office.boss.slash(
        office.channel, "settings rollback", feature="automod", revision=1
    )
    await office.boss.click(asked.response, label="Yes, go ahead")

    assert [one.name for one in await office.rules()] == ["caps"]
