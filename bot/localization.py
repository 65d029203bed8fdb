"""Discord's side of translation: which locale to answer in, and the names that Discord shows.

Command and option names are looked up with a context ("command-name", "parameter-name"), because a
name must be one lower-case word whatever the same English word means elsewhere.
"""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.core.i18n import catalogue_for, choose_locale, language_of

_CONTEXTS = {
    Location.command_name: "command-name",
    Location.group_name: "command-name",
    Location.parameter_name: "parameter-name",
}


def described(template: str, **texts: str) -> app_commands.locale_str:
    """Make a command's description of a template and texts, all marked with `N_()`."""
    return app_commands.locale_str(template.format(**texts), template=template, texts=texts)


def description_in(string: app_commands.locale_str | str, locale: str) -> str:
    """Return a command's description in a language."""
    catalogue = catalogue_for(locale)
    if isinstance(string, str):
        return catalogue.gettext(string)
    template: str = string.extras.get("template", string.message)
    texts: dict[str, str] = string.extras.get("texts", {})
    told = {name: catalogue.gettext(text) for name, text in texts.items()}
    return catalogue.gettext(template).format(**told) if told else catalogue.gettext(template)


class CatalogueTranslator(app_commands.Translator):
    """Gives discord.py the translated names and descriptions when commands are registered."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the translation, or `None` where the English text stands."""
        if language_of(locale.value) == "en":
            return None
        catalogue = catalogue_for(locale.value)
        # A menu's name is a text like others, in any words and letters.
        is_menu = isinstance(context.data, app_commands.ContextMenu)
        name_context = None if is_menu else _CONTEXTS.get(context.location)
        if name_context is None:
            translated = description_in(string, locale.value)
        else:
            translated = catalogue.pgettext(name_context, string.message)
        return translated if translated != string.message else None


def locale_of(interaction: discord.Interaction) -> str:
    """Return one person's locale: their own, else the guild's, else the operator's."""
    guild = interaction.guild_locale
    return choose_locale(interaction.locale.value, guild.value if guild else None)
