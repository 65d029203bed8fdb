"""Welcome over the wire: the whole process against the simulated Discord, events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import discord
import pytest
from PIL import Image

from bot.application import stop_in_order
from bot.core.config import Config
from bot.core.contracts import SYSTEM
from bot.runtime import Runtime
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    guild = sandbox.add_guild("Harbour", channels=("general", "lobby"))
    guild.update(system_channel_id=guild.channel("lobby").id)
    return guild


@pytest.fixture
def url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    return sqlite_url


@asynccontextmanager
async def running(sandbox: Sandbox, url: str) -> AsyncIterator[Runtime]:
    config = Config.model_validate(
        {
            "discord": {
                "token": sandbox.token,
                "api_base_url": sandbox.api_base_url,
                "cdn_base_url": sandbox.cdn_url,
            },
            "database": {"url": url},
            "web": {"port": 0},
        }
    )
    async with aiohttp.ClientSession() as http:
        runtime = Runtime(config, http)
        try:
            await runtime.start()
            await sandbox.wait_for_connection()
            yield runtime
        finally:
            await stop_in_order(runtime.stop_steps())


async def switch_on(runtime: Runtime, guild: Guild, **changes: Any) -> None:
    async with asyncio.timeout(30):
        while runtime.kernel.state().guild(guild.id) is None:
            await asyncio.sleep(0.01)
    await runtime.kernel.settings.change(guild.id, "welcome", changes, enabled=True, actor=SYSTEM)


async def test_join_is_greeted_with_the_members_own_picture(
    sandbox: Sandbox, guild: Guild, url: str
) -> None:
    async with running(sandbox, url) as runtime:
        await switch_on(runtime, guild)
        ada = sandbox.join(guild, "ada", avatar=True)
        message = await sandbox.wait_for_message(guild.channel("lobby"), containing="Welcome to")

    assert f"<@{ada.user.id}>" in message.content
    (card,) = message.attachments
    image = Image.open(BytesIO(card.content))
    assert image.size == (1000, 320)


async def test_screening_passed_after_a_restart_is_still_greeted_once(
    sandbox: Sandbox, guild: Guild, url: str
) -> None:
    lobby = guild.channel("lobby")
    async with running(sandbox, url) as runtime:
        await switch_on(runtime, guild, join_texts=["Hi {member}"], card_enabled=False)
        ada = sandbox.join(guild, "ada", pending=True)
        sandbox.join(guild, "bob")
        await sandbox.wait_for_message(lobby, containing="Hi bob")
    async with running(sandbox, url) as runtime:
        await switch_on(runtime, guild)
        guild.pass_screening(guild.member(ada.user.id))
        await sandbox.wait_for_message(lobby, containing="Hi ada")
        sandbox.join(guild, "cyd")
        await sandbox.wait_for_message(lobby, containing="Hi cyd")

    assert [message.content for message in lobby.messages.values()] == [
        "Hi bob",
        "Hi ada",
        "Hi cyd",
    ]
