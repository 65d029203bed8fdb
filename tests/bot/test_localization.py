"""Which language people are answered in, and which names Discord shows for commands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.localization import CatalogueTranslator, locale_of


def interaction(own: discord.Locale, guild: discord.Locale | None) -> discord.Interaction:
    return cast("discord.Interaction", SimpleNamespace(locale=own, guild_locale=guild))


@pytest.mark.parametrize(
    ("own", "guild", "language"),
    [
        (discord.Locale.spain_spanish, discord.Locale.american_english, "es"),
        (discord.Locale.latin_american_spanish, None, "es"),
        (discord.Locale.british_english, discord.Locale.spain_spanish, "en"),
        (discord.Locale.german, discord.Locale.spain_spanish, "es"),
        (discord.Locale.german, None, "en"),
    ],
)
def test_answer_is_in_the_persons_language_else_the_guilds(
    own: discord.Locale, guild: discord.Locale | None, language: str
) -> None:
    assert locale_of(interaction(own, guild)).partition("-")[0] == language


async def translate(text: str, location: Location, locale: discord.Locale) -> str | None:
    context = cast("Any", SimpleNamespace(location=location, data=None))
    return await CatalogueTranslator().translate(app_commands.locale_str(text), locale, context)


async def test_command_is_described_in_spanish() -> None:
    text = "Measure how quickly I answer"
    found = await translate(text, Location.command_description, discord.Locale.spain_spanish)
    assert found
    assert found != text


@pytest.mark.parametrize("locale", [discord.Locale.american_english, discord.Locale.german])
async def test_other_languages_keep_the_english_text(locale: discord.Locale) -> None:
    text = "Measure how quickly I answer"
    assert await translate(text, Location.command_description, locale) is None


async def test_unknown_text_is_left_alone() -> None:
    where = Location.command_description
    assert await translate("No such text", where, discord.Locale.spain_spanish) is None


async def test_name_stays_one_word() -> None:
    found = await translate("help", Location.command_name, discord.Locale.spain_spanish)
    assert found is None or (" " not in found and found == found.lower())


async def test_menu_is_named_as_a_text_with_capitals() -> None:
    async def nothing(interaction: discord.Interaction, user: discord.User) -> None:
        raise AssertionError("nobody calls it")

    menu = app_commands.ContextMenu(name="Warn", callback=nothing)
    context: Any = app_commands.TranslationContext(Location.command_name, menu)
    text = app_commands.locale_str("Warn")

    found = await CatalogueTranslator().translate(text, discord.Locale.spain_spanish, context)

    assert found == "Advertir"
