"""/automod test and replay in a running bot: what they say, and that they do nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from db.engine import Database
from tests.cogs.automod.office import Office, opened_office, text_of


@pytest.fixture
async def office(sqlite_database: Database) -> AsyncIterator[Office]:
    async with opened_office(sqlite_database) as office:
        yield office


async def test_test_names_rule_view_and_place(office: Office) -> None:
    await office.say("automod rule add", trigger="words", text="idiot", action="delete, warn")
    await office.say("automod rule add", trigger="caps")

    said = await office.say("automod test", text="you are an 1d10t, really")

    assert "Would be done:** Delete the message, Warn (1 point)" in said
    assert "🚨 `words` hits" in said
    assert "**__1d10t__**" in said
    assert "with look-alikes as letters" in said
    assert "▫️ `caps` does not hit" in said


async def test_test_of_an_innocent_text_passes(office: Office) -> None:
    await office.say("automod rule add", trigger="words", text="idiot")

    assert "would pass" in await office.say("automod test", text="good morning")


async def test_test_says_who_is_spared(office: Office) -> None:
    await office.say("automod rule add", trigger="words", text="idiot")

    said = await office.say("automod test", text="idiot", member=office.boss)

    assert "would pass" in said
    assert "🛟 `words` hits, but spares this: staff is exempt" in said
    assert str(office.crew.id) in said


async def test_test_names_shadow_and_disabled_rules(office: Office) -> None:
    await office.say("automod rule add", trigger="words", text="idiot", shadow=True)
    await office.say("automod rule add", trigger="caps")
    await office.say("automod rule disable", rule="caps")

    said = await office.say("automod test", text="idiot")

    assert "only be reported (shadow):** Delete the message" in said
    assert "⚪ `caps` is off." in said


async def test_test_knows_what_the_operator_blocks(office: Office) -> None:
    cog: Any = office.bench.bot.get_cog("Automod")
    cog.blocklist.book.domains = frozenset({"evil.example"})
    rule = {"name": "bad", "when": {"type": "links", "mode": "deny", "blocked": True}}
    await office.bench.kernel.settings.change(
        office.guild.id, "automod", {"rules": [rule]}, actor=SYSTEM
    )

    assert "🚨 `bad` hits" in await office.say("automod test", text="https://evil.example/x")
    shown = await office.say("automod rule show", rule="bad")
    assert "links to sites that the bot's operator blocks" in shown


async def test_test_counts_nothing_and_changes_nothing(office: Office) -> None:
    await office.say("automod rule add", trigger="duplicates", limit=2)

    for _time in range(3):
        assert "would pass" in await office.say("automod test", text="the same again")
    assert (await office.bench.kernel.settings.get(office.guild.id, "automod")).revision == 1


async def test_test_without_rules_and_without_permission(office: Office) -> None:
    assert "would pass" in await office.say("automod test", text="idiot")
    assert "Manage Server" in await office.say("automod test", who=office.ada, text="idiot")


async def write(office: Office, *texts: str) -> None:
    for text in texts:
        await office.ada.send(office.channel, text)


async def test_replay_shows_what_a_rule_would_have_hit(office: Office) -> None:
    await write(office, "hello", "you idiot", "how are you", "1d10t")
    await office.boss.send(office.channel, "idiot, says staff")
    await office.say("automod rule add", trigger="words", text="idiot")
    await office.say("automod rule disable", rule="words")

    said = await replayed(office, rule="words")

    assert "5 messages looked at" in said
    assert "2 would have been hit** (40.0%)" in said
    assert "**__1d10t__**" in said
    assert "Of 1 member" in said
    assert "says staff" not in said
    assert "still there" in said


async def test_replay_fills_windows_in_order(office: Office) -> None:
    await write(office, *["buy my things now"] * 4)
    await office.say("automod rule add", trigger="duplicates", limit=3, shadow=True)

    assert "2 would have been hit" in await replayed(office, rule="duplicates")


async def test_replay_of_a_draft_saves_nothing(office: Office) -> None:
    await write(office, "hello", "you idiot")

    form = await office.boss.slash(office.channel, "automod replay", messages=10)
    done = await office.boss.submit_modal(form, {"draft": "words(idiot)"})

    assert "1 would have been hit" in text_of(done.response)
    assert await office.rules() == ()


async def test_replay_of_a_bad_draft_says_where(office: Office) -> None:
    form = await office.boss.slash(office.channel, "automod replay")
    done = await office.boss.submit_modal(form, {"draft": "words(idiot"})

    assert "I expected “)” here" in text_of(done.followups[-1] if done.followups else done.response)


async def replayed(office: Office, **options: object) -> str:
    result = await office.boss.slash(office.channel, "automod replay", **options)
    return text_of(result.response)
