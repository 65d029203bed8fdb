"""/automod preset, export and import in a running bot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import Actor
from cogs.automod.rulebook import KEY
from db.engine import Database
from tests.cogs.automod.office import Office, opened_office, text_of
from tests.simcord_env import speaking

ROOT = Actor(9, "web", "root")
YES = "Yes, go ahead"


@pytest.fixture
async def office(sqlite_database: Database) -> AsyncIterator[Office]:
    async with opened_office(sqlite_database) as office:
        yield office


async def take(office: Office, label: str, command: str, **options: Any) -> tuple[str, str]:
    """Run a command, press a button of its question; return the question and the last word."""
    asked = await office.boss.slash(office.channel, command, **options)
    question = (asked.followups or [asked.response])[-1]
    text = text_of(question)
    await office.boss.click(question, label=label)
    return text, text_of(asked.followups[-1])


async def test_preset_shows_asks_and_switches_on(office: Office) -> None:
    await office.say("automod rule add", trigger="caps", name="mine")

    text, done = await take(office, YES, "automod preset", level="balanced")

    assert "Added: `preset-leaks`" in text
    assert "1 rule stays as it is" in text
    assert "switches it on" in text
    assert "Done: 12 rules" in done
    state = await office.bench.kernel.settings.get(office.guild.id, KEY)
    assert state.enabled
    assert len(state.settings.rules) == 12


async def test_preset_takes_the_place_of_another(office: Office) -> None:
    await office.say("automod rule add", trigger="caps", name="mine")
    await take(office, YES, "automod preset", level="raid")

    text, _done = await take(office, YES, "automod preset", level="relaxed", shadow=True)

    assert "Changed: " in text
    assert "Removed: " in text
    rules = await office.rules()
    assert [one.name for one in rules if not one.name.startswith("preset-")] == ["mine"]
    assert all(one.shadow for one in rules if one.name != "mine")
    assert "change nothing" in await last_word(
        office, "automod preset", level="relaxed", shadow=True
    )


async def last_word(office: Office, command: str, **options: Any) -> str:
    result = await office.boss.slash(office.channel, command, **options)
    return text_of((result.followups or [result.response])[-1])


async def test_preset_refused_changes_nothing(office: Office) -> None:
    _text, done = await take(office, "Cancel", "automod preset", level="strict")

    assert "Nothing was changed" in done
    assert await office.rules() == ()


async def test_preset_reasons_are_in_the_guilds_language(office: Office) -> None:
    await office.bench.kernel.settings.change(
        office.guild.id, "general", {"language": "es"}, actor=ROOT
    )

    await take(office, YES, "automod preset", level="relaxed")

    assert any("secreto" in one.reason for one in await office.rules())


async def test_preset_is_not_taken_over_after_a_change_meanwhile(office: Office) -> None:
    asked = await office.boss.slash(office.channel, "automod preset", level="strict")
    await office.say("automod rule add", trigger="caps")

    await office.boss.click(asked.followups[-1], label=YES)

    assert [one.name for one in await office.rules()] == ["caps"]
    assert "changed meanwhile" in text_of(asked.followups[-1])


async def exported(office: Office) -> bytes:
    result = await office.boss.slash(office.channel, "automod export")
    [file] = result.response.attachments
    assert file.filename == "automod.json"
    return await file.read()


async def test_export_is_taken_back_by_import(office: Office) -> None:
    await take(office, YES, "automod preset", level="strict")
    before = await office.settings()
    data = await exported(office)
    assert json.loads(data)["version"] == 1
    await office.bench.kernel.settings.reset(office.guild.id, KEY, None, actor=ROOT)

    text, _done = await take(office, YES, "automod import", file=("automod.json", data))

    assert "Added: " in text
    assert await office.settings() == before


def file_of(**settings: Any) -> tuple[str, bytes]:
    document = {"format": "pegasus-automod", "version": 1, "settings": settings}
    return "rules.json", json.dumps(document).encode()


CAPS = {"name": "caps", "when": {"type": "caps", "percent": 90}}
WORDS = {"name": "words", "when": {"type": "words", "words": ["idiot"]}}


async def test_import_adds_and_changes(office: Office) -> None:
    await office.say("automod rule add", trigger="caps")
    await office.say("automod rule add", trigger="zalgo")

    text, _done = await take(
        office, YES, "automod import", file=file_of(rules=[CAPS, WORDS], exempt_staff=False)
    )

    assert "Added: `words`" in text
    assert "Changed: `caps`" in text
    assert [one.name for one in await office.rules()] == ["caps", "zalgo", "words"]
    assert (await office.rules())[0].when.percent == 90
    assert (await office.settings()).exempt_staff


async def test_import_replaces_all(office: Office) -> None:
    await office.say("automod rule add", trigger="zalgo")

    text, _done = await take(
        office,
        YES,
        "automod import",
        file=file_of(rules=[CAPS], exempt_staff=False),
        mode="replace",
    )

    assert "Removed: `zalgo`" in text
    assert "1 other setting changes" in text
    assert [one.name for one in await office.rules()] == ["caps"]
    assert not (await office.settings()).exempt_staff


async def test_import_leaves_out_what_another_server_has(office: Office) -> None:
    foreign = {**WORDS, "actions": [{"type": "add_role", "role_id": "77"}]}
    spared = {**CAPS, "exempt_roles": ["77", str(office.crew.id)]}

    text, _done = await take(office, YES, "automod import", file=file_of(rules=[foreign, spared]))

    assert "not here: `words`" in text
    assert "1 exempt role" in text
    [rule] = await office.rules()
    assert rule.exempt_roles == (office.crew.id,)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("a.json", b"{"), "not JSON (line 1"),
        (("a.json", b"\xff\xfe\xfa"), "not text in UTF-8"),
        (("a.json", b"[" * 100_000), "too deep"),
        (("a.json", b"[]"), "not a file of Automod's rules"),
        (("a.json", b'{"format": "pegasus-automod", "version": 9}'), "newer version"),
        (("a.json", b'{"format": "pegasus-automod", "version": 1}'), "no settings"),
        (("a.json", b" " * (1024 * 1024 + 1)), "too large"),
        (file_of(rules=[CAPS, {**WORDS, "when": {"type": "wrds"}}]), "`/rules/1/when`"),
        (file_of(rules=[CAPS, CAPS]), "same name"),
        (file_of(colour="red"), "no setting colour"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_import_of_a_bad_file_is_refused_whole(
    office: Office, file: tuple[str, bytes], said: str
) -> None:
    assert said in await office.say("automod import", file=file)
    assert await office.rules() == ()


async def test_sets_need_permission(office: Office) -> None:
    for command, options in [
        ("automod preset", {"level": "strict"}),
        ("automod export", {}),
        ("automod import", {"file": file_of()}),
        ("automod native push", {}),
        ("automod replay", {"rule": "caps"}),
    ]:
        assert "Manage Server" in await office.say(command, who=office.ada, **options)


async def test_preset_speaks_spanish(office: Office) -> None:
    async with speaking("es-ES"):
        result = await office.boss.slash(office.channel, "automod preset", level="relaxed")
    assert "Relajado" in text_of(result.response)
