"""Finds commands that can be written by their names in all languages, and runs them in the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.core.errors import AppError, InvalidInput
from bot.core.i18n import LANGUAGES, _, catalogue_for
from bot.written import WRITTEN
from bot.written.access import CommandAccess
from bot.written.answering import WrittenInteraction, interaction_of
from bot.written.reading import read_words
from bot.written.resolving import Command, Resolver, check_written, usage_of

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.prefixes import PrefixUse

log = structlog.get_logger(__name__)

_SUBCOMMAND = discord.AppCommandOptionType.subcommand.value


class WrittenCommands:
    """Runs commands that were written; one per client, once its features are loaded."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self.access = CommandAccess(bot)
        roots = bot.tree.get_commands(type=discord.AppCommandType.chat_input)
        self._roots: dict[str, Any] = {
            name: root
            for root in roots
            if any(WRITTEN in one.extras for one in _commands_in(root))
            for name in _names_of(root)
        }
        for root in roots:
            for one in _commands_in(root):
                if WRITTEN in one.extras:
                    check_written(one)

    def knows(self, name: str) -> bool:
        """Return whether a command, or a group with some, can be written under this name."""
        return name in self._roots

    def names(self, locale: str | None) -> list[str]:
        """Return the names of all commands that can be written."""
        catalogue = catalogue_for(locale)
        return sorted(
            " ".join(
                catalogue.pgettext("command-name", word) for word in one.qualified_name.split()
            )
            for root in {one.name: one for one in self._roots.values()}.values()
            for one in _commands_in(root)
            if WRITTEN in one.extras
        )

    async def run(self, use: PrefixUse) -> None:
        """Run a command and have it answered, also where it can't be read."""
        guild = self._bot.get_guild(use.facts.guild_id)
        if guild is None or guild.me is None or "member" not in use.facts.raw:
            return
        root = self._roots[use.name]
        try:
            interaction = await interaction_of(self._bot, guild, use.facts, use.locale, root.name)
        except discord.DiscordException as error:
            # There is nowhere to say so.
            log.info("written_command_without_channel", error=type(error).__name__)
            return
        tree = self._bot.tree
        try:
            interaction.data = await self._data(interaction, guild, use, root)
        except (AppError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
            await tree.on_error(interaction, error)  # pyright: ignore[reportArgumentType] - ours takes any
            return
        try:
            await tree._call(interaction)
        except app_commands.AppCommandError as error:
            await tree.on_error(interaction, error)

    async def _data(
        self, interaction: WrittenInteraction, guild: discord.Guild, use: PrefixUse, root: Any
    ) -> Any:
        command, text = _find(root, use)
        await self.access.ensure(command, interaction)
        words = read_words(text, usage := usage_of(command, use.prefix, use.locale))
        resolver = Resolver(self._bot, guild, use.facts.raw)
        shown = {
            shape.name: one for shape, one in zip(usage.shapes, command.parameters, strict=True)
        }
        options = [await resolver.option(shown[name], words[name]) for name in words]
        if command is not root:
            options = [{"name": command.name, "type": _SUBCOMMAND, "options": options}]
        data: Mapping[str, Any] = interaction.data or {}
        return {**data, "options": options, "resolved": resolver.resolved}


def _find(root: Any, use: PrefixUse) -> tuple[Command, str]:
    """Return the command, of a group the one that is named next, and what follows it."""
    if not isinstance(root, app_commands.Group):
        return root, use.args
    word, _space, rest = use.args.partition(" ")
    known = [one for one in root.commands if WRITTEN in one.extras]
    for one in known:
        if word.casefold() in _names_of(one):
            return one, rest.strip()  # pyright: ignore[reportReturnType] - a command, with extras
    catalogue = catalogue_for(use.locale)
    names = [catalogue.pgettext("command-name", one.name) for one in known]
    raise InvalidInput(
        _("I don't know which of these commands you mean."),
        hint=_(
            "I know: {names}", names=", ".join(f"`{use.prefix}{use.name} {one}`" for one in names)
        ),
    )


def _commands_in(root: Any) -> Iterator[Command]:
    if isinstance(root, app_commands.Group):
        yield from (one for one in root.commands if isinstance(one, app_commands.Command))
    else:
        yield root


def _names_of(command: Any) -> frozenset[str]:
    return frozenset(
        catalogue_for(one).pgettext("command-name", command.name).casefold() for one in LANGUAGES
    )
