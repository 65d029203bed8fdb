"""Buttons, menus and forms over the wire: each use is counted, and each is answered."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from bot import acknowledgements
from bot.sandbox import Actor, Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import Bot, config_for, running, until


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        yield running_bot


@pytest.fixture
def owner(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.actor(sandbox.world.users[guild.owner_id], guild)


async def test_use_of_a_component_is_counted_and_timed(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    shown = await owner.slash(guild.channel("staff"), "help")
    assert shown.response is not None
    await owner.click(shown, "Next")
    counted = "component_interactions_total"
    assert await bot.metric(counted, namespace="pages", outcome="ok") == 1
    assert await bot.metric("interaction_ack_seconds_count", kind="component") == 1


async def test_direct_message_is_answered_once(sandbox: Sandbox, guild: Guild, bot: Bot) -> None:
    ada = sandbox.join(guild, "ada")
    first = ada.send_dm("hello?")
    answer = await sandbox.wait_for_message(
        first.channel, author=sandbox.application.user, containing="/help"
    )
    assert "/ayuda" in answer.content
    ada.send_dm("are you there?")
    await ada.slash(guild.channel("general"), "ping")
    said = [one for one in first.channel.messages.values() if one.author is not ada.user]
    assert said == [answer]


async def test_component_of_an_earlier_process_is_answered(
    sandbox: Sandbox,
    guild: Guild,
    owner: Actor,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It is known at once that nothing will take the press; nobody has to wait for that.
    monkeypatch.setattr(acknowledgements, "GIVE_UP_SECONDS", 600.0)
    async with running(config_for(sandbox, sqlite_url)):
        await until(lambda: sandbox.application.commands)
        shown = await owner.slash(guild.channel("staff"), "help")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        pressed = await owner.click(shown, "Next")
        assert pressed.response is not None
        assert "no longer active" in pressed.response.content
        assert await bot.metric("component_interactions_total", outcome="user_error") == 1


async def test_button_that_did_its_work_can_be_clicked_again(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot, log: io.StringIO
) -> None:
    shown = await owner.slash(guild.channel("staff"), "welcome settings")
    message = shown.response
    assert message is not None
    await owner.click(shown, "Reset")
    await until(lambda: "Cancel" in str(message.components))
    cancel = owner._component(message, "Cancel")

    pressed = await asyncio.gather(*(owner.click(shown, "Cancel") for _ in range(3)))
    await until(lambda: "Cancel" not in str(message.components))
    late = await owner._use(message, cancel, None, wait=True, within=5.0)

    for one in (*pressed, late):
        assert one.response is None or "no longer active" not in one.response.content
    assert "unknown view" not in log.getvalue()


async def test_question_takes_the_first_answer_and_no_second(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    channel = guild.channel("staff")
    change = {"feature": "welcome", "field": "leave_enabled", "value": "yes"}
    await owner.slash(channel, "settings set", options=change)
    asked = await owner.slash(channel, "settings reset", feature="welcome")

    pressed = await asyncio.gather(
        *(owner.click(asked, label) for label in ("Yes, go ahead", "Yes, go ahead", "Cancel"))
    )

    for one in pressed:
        assert one.response is None or "no longer active" not in one.response.content
    await until(lambda: any("Say goodbye" in one.content for one in asked.followups))


async def test_settings_panel_changes_a_setting(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    shown = await owner.slash(guild.channel("staff"), "welcome settings")
    assert shown.response is not None
    assert shown.response.ephemeral
    assert "Welcome" in shown.response.text()
    form = await owner.click(shown, "panel:edit:join_channel_id")
    assert form.modal is not None
    await owner.submit_modal(form, {"join_channel_id": [str(guild.channel("welcome").id)]})
    counted = "component_interactions_total"
    assert await bot.metric(counted, namespace="panel", outcome="ok") == 1
    assert await bot.metric(counted, namespace="form", outcome="ok") == 1


async def test_autocompletion_offers_commands(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    choices = await owner.autocomplete(guild.channel("staff"), "help", "command", "pin")
    assert [choice["value"] for choice in choices] == ["ping"]
