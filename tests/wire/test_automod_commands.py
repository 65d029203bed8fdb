"""Automod's commands over the wire: panels, forms and files are what Discord takes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.interactions import Interaction
from bot.sandbox.models import Message
from tests.wire.running import Bot, config_for, running, until

RULE = {
    "name": "insults",
    "when": {"type": "words", "words": ["idiot"]},
    "actions": [{"type": "delete"}, {"type": "timeout", "duration": 600}],
    "exempt_roles": [],
}


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        yield running_bot


@pytest.fixture
def owner(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.actor(sandbox.world.users[guild.owner_id], guild)


async def rules(bot: Bot, guild: Guild) -> Any:
    return (await bot.kernel.settings.get(guild.id, "automod")).settings.rules


async def question_of(shown: Interaction) -> Message:
    """Return the last message of an answer, once it asks something."""
    found: list[Message] = await until(lambda: [one for one in _answers(shown) if one.components])
    return found[0]


def _answers(shown: Interaction) -> list[Message]:
    return [one for one in (*shown.followups, shown.response) if one is not None]


async def put(bot: Bot, guild: Guild, *found: Any) -> None:
    await bot.kernel.settings.change(guild.id, "automod", {"rules": list(found)}, actor=SYSTEM)


async def test_rule_is_made_by_a_form_and_mended(guild: Guild, owner: Actor, bot: Bot) -> None:
    staff = guild.channel("staff")
    form = await owner.slash(staff, "automod rule add", trigger="regex")
    refused = await owner.submit_modal(form, {"text": "(idiot"})
    assert refused.response is not None
    assert "at character 1" in refused.response.text()

    again = await owner.click(refused, "Correct it")
    await owner.submit_modal(again, {"text": "(idiot)"})

    [rule] = await rules(bot, guild)
    assert rule.when.patterns == ("(idiot)",)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("when", {"when": "words(idiot, moron)"}),
        ("actions", {"actions": "delete\nwarn 2", "reason": "Be kind"}),
        ("steps", {"steps": "3: delete, kick", "window": "2h"}),
        ("name", {"name": "unkind"}),
        ("json", {"json": json.dumps({**RULE, "reason": "Be kind"})}),
    ],
)
async def test_panel_opens_its_forms_and_saves(
    guild: Guild, owner: Actor, bot: Bot, part: str, values: dict[str, str]
) -> None:
    await put(bot, guild, RULE)
    panel = await owner.slash(guild.channel("staff"), "automod rule edit", rule="insults")
    assert panel.response is not None
    assert "idiot" in panel.response.text()

    form = await owner.select(panel, "automod:panel:edit", [part])
    await owner.submit_modal(form, values)

    shown = panel.response
    await until(lambda: "Saved" in shown.text())
    [rule] = await rules(bot, guild)
    assert rule.model_dump(mode="json", exclude={"bots", "enabled", "shadow"}) != RULE


async def test_panel_exemptions_leave_out_what_is_gone(
    guild: Guild, owner: Actor, bot: Bot
) -> None:
    gone = guild.add_role("Gone")
    kept = guild.add_role("Kept")
    await until(lambda: bot.kernel.state().role(guild.id, kept.id))
    await put(bot, guild, {**RULE, "exempt_roles": [str(gone.id), str(kept.id)]})
    guild.remove_role(gone)
    await until(lambda: bot.kernel.state().role(guild.id, gone.id) is None)
    panel = await owner.slash(guild.channel("staff"), "automod rule edit", rule="insults")

    form = await owner.select(panel, "automod:panel:edit", ["spared"])
    await owner.submit_modal(
        form, {"exempt_roles": [str(kept.id)], "exempt_channels": [], "exempt_members": []}
    )

    assert panel.response is not None
    shown = panel.response
    await until(lambda: "Saved" in shown.text())
    [rule] = await rules(bot, guild)
    assert rule.exempt_roles == (kept.id,)


async def test_replay_and_test_read_and_change_nothing(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    general, staff = guild.channel("general"), guild.channel("staff")
    ada = sandbox.join(guild, "ada")
    for text in ["good morning", "you idiot", "idiot again"]:
        ada.send(general, text)
    owner.send(general, "idiot, says the owner")
    await put(bot, guild, RULE)

    replayed = await owner.slash(staff, "automod replay", rule="insults", channel=general)
    tried = await owner.slash(staff, "automod test", text="you idiot", channel=general)

    assert replayed.response is not None
    shown = replayed.response.embeds[0]["description"]
    assert "4 messages looked at" in shown
    assert "2 would have been hit" in shown
    assert tried.response is not None
    assert "Time out for 10 minutes" in tried.response.embeds[0]["description"]
    assert len(general.messages) == 4


async def test_export_is_taken_back_by_import(guild: Guild, owner: Actor, bot: Bot) -> None:
    staff = guild.channel("staff")
    shown = await owner.slash(staff, "automod preset", level="strict")
    await owner.click(await question_of(shown), "Yes, go ahead")
    await until(lambda: bot.kernel.settings.peek(guild.id, "automod").settings.rules)
    before = await rules(bot, guild)
    exported = await owner.slash(staff, "automod export")
    assert exported.response is not None
    [file] = exported.response.attachments
    await bot.kernel.settings.reset(guild.id, "automod", None, actor=SYSTEM)

    asked = await owner.slash(staff, "automod import", file=("automod.json", file.content))
    await owner.click(await question_of(asked), "Yes, go ahead")

    await until(lambda: bot.kernel.settings.peek(guild.id, "automod").settings.rules == before)
