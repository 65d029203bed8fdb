"""Browsers at the page, a member, and a guild whose bot has commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import discord
import pytest
from discord import app_commands, ui

from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from tests.sandbox.conftest import Client
from tests.sandbox.page.browser import Browser, Open


@pytest.fixture
async def browsers(sandbox: Sandbox) -> AsyncIterator[Open]:
    """Open as many browsers as the test asks for."""
    opened: list[Browser] = []

    async def open_browser() -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)
        opened.append(Browser(aiohttp.ClientSession(cookie_jar=jar), sandbox))
        return opened[-1]

    yield open_browser
    for one in opened:
        await one.close()


@pytest.fixture
async def browser(browsers: Open) -> Browser:
    return await browsers()


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada", global_name="Ada")


class Form(ui.Modal, title="Tell us"):
    """A modal with a text field and a select."""

    name = ui.TextInput(label="Name", custom_id="name", max_length=20)
    who = ui.Label(text="Who", component=ui.UserSelect(custom_id="who"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.who.component, ui.UserSelect)
        chosen = self.who.component.values[0].display_name
        await interaction.response.send_message(f"{self.name.value}, {chosen}", ephemeral=True)


class Panel(ui.View):
    """A message with a form behind a button."""

    @ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.send_modal(Form())


@pytest.fixture
async def harbour(client: Client, guild: Guild) -> Guild:
    """A guild whose bot has registered the commands below."""
    tree = client.tree

    @tree.command()
    async def whisper(interaction: discord.Interaction, kind: Literal["join", "leave"]) -> None:
        """Tell one person."""
        await interaction.response.send_message(f"{kind}, quietly", ephemeral=True)

    @tree.command()
    async def slow(interaction: discord.Interaction) -> None:
        """Think first."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.edit_original_response(content="thought")
        await interaction.delete_original_response()

    @tree.command()
    async def mute(interaction: discord.Interaction) -> None:
        """Never answer."""

    @tree.command()
    async def panel(interaction: discord.Interaction) -> None:
        """Show the panel."""
        await interaction.response.send_message("the panel", view=Panel())

    @tree.command()
    @app_commands.default_permissions(manage_guild=True)
    async def admin(interaction: discord.Interaction) -> None:
        """For admins."""
        await interaction.response.send_message("yes")

    @tree.command()
    async def pick(interaction: discord.Interaction, thing: str) -> None:
        """Pick a thing."""
        await interaction.response.send_message(thing)

    @pick.autocomplete("thing")
    async def offer(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}!", value=typed)]

    await tree.sync()
    return guild


GREET: dict[str, Any] = {
    "name": "greet",
    "name_localizations": {"es-ES": "saludar"},
    "description": "Greetings",
    "options": [
        {
            "type": 1,
            "name": "people",
            "name_localizations": {"es-ES": "gente"},
            "description": "Greet",
            "description_localizations": {"es-ES": "Saluda"},
            "options": [
                {
                    "type": 3,
                    "name": "how",
                    "name_localizations": {"es-ES": "cómo"},
                    "description": "How",
                    "required": True,
                    "choices": [
                        {
                            "name": "Loud",
                            "name_localizations": {"es-ES": "Alto"},
                            "value": "loud",
                        }
                    ],
                }
            ],
        }
    ],
}


@pytest.fixture
async def translated(client: Client, guild: Guild) -> Guild:
    """A guild whose bot has one command, in two languages, and answers it."""
    application_id = client.application_id
    assert application_id is not None
    await client.http.bulk_upsert_global_commands(application_id, [GREET])

    @client.listen()
    async def on_interaction(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("hello")

    return guild
