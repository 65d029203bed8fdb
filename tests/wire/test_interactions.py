"""Buttons, menus and forms over the wire: each use is counted, and each is answered."""

from __future__ import annotations

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


async def test_component_of_an_earlier_process_is_answered(
    sandbox: Sandbox,
    guild: Guild,
    owner: Actor,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acknowledgements, "GIVE_UP_SECONDS", 0.1)
    async with running(config_for(sandbox, sqlite_url)):
        await until(lambda: sandbox.application.commands)
        shown = await owner.slash(guild.channel("staff"), "help")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        pressed = await owner.click(shown, "Next")
        assert pressed.response is not None
        assert "no longer active" in pressed.response.content
        assert await bot.metric("component_interactions_total", outcome="user_error") == 1


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
