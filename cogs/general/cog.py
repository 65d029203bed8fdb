"""The commands that every member meets first: /help, /ping, /about, and /dashboard for owners."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import discord
from babel.numbers import format_decimal
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.checks import FOR_OWNERS
from bot.core.errors import AppError, Denied, NotFound
from bot.core.fields.text import escape_markdown, quote
from bot.core.i18n import Message, _, babel_locale, catalogue_for
from bot.localization import locale_of
from bot.replies import answer, paginate
from bot.written.running import WrittenCommands
from cogs.general.directs import ORDER, DirectHint
from cogs.general.help import (
    entries_of,
    entry_embed,
    find_entries,
    find_others,
    group_embed,
    overview_embeds,
)

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.prefixes import Body, PrefixUse

Interaction = discord.Interaction["Pegasus"]


class General(commands.Cog):
    """Hands the general commands on."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        bot.intake.take_directs("hint", DirectHint(bot.kernel).take, order=ORDER)
        bot.prefixes.add("help", self.tell_help)
        bot.prefixes.add("ping", self.tell_latency)
        bot.prefixes.add("about", self.tell_about)

    @app_commands.command(name="help", description="Show what I can do, or explain one command")
    @app_commands.describe(command="The command to explain")
    async def show_help(self, interaction: Interaction, command: str | None = None) -> None:
        """List the commands by feature, or explain one."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        locale = locale_of(interaction)
        entries = await entries_of(self.bot, interaction, locale)
        if command is None:
            await paginate(interaction, overview_embeds(self.bot, entries, locale))
            return
        wanted = command.strip().lstrip("/").casefold()
        found = find_entries(entries, wanted)
        if not found:
            raise self._not_explained(interaction, command, wanted)
        if len(found) == 1:
            await answer(interaction, embed=entry_embed(found[0], locale))
        else:
            await answer(interaction, embed=group_embed(found, wanted, locale))

    def _not_explained(self, interaction: Interaction, command: str, wanted: str) -> AppError:
        others = find_others(self.bot, wanted, locale_of(interaction))
        name = escape_markdown(command.strip().lstrip("/"))
        if not others:
            return NotFound(
                _("There is no command called {name}.", name=name),
                hint=_("Type /help and pick one from the list."),
            )
        if interaction.guild_id is None:
            return Denied(
                _("/{name} works inside a server only.", name=name),
                hint=_("Type /help there to learn more about it."),
            )
        return Denied(
            _("/{name} is not for you.", name=name),
            hint=_("These may use it: {users}.", users=others[0].users),
        )

    @show_help.autocomplete("command")
    async def complete_command(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the commands that contain what was typed."""
        typed = current.strip().lstrip("/").casefold()
        entries = await entries_of(self.bot, interaction, locale_of(interaction))
        fitting = [e for e in entries if typed in e.name or typed in e.shown.casefold()]
        return [app_commands.Choice(name=f"/{e.shown}"[:100], value=e.name) for e in fitting[:25]]

    @app_commands.command(description="Measure how quickly I answer")
    async def ping(self, interaction: Interaction) -> None:
        """Show how long the gateway, Discord's API and the database take."""
        started = time.perf_counter()
        await interaction.response.defer(ephemeral=True, thinking=True)
        rest = time.perf_counter() - started
        gateway = self._gateway_latency(interaction)
        database = await self.bot.kernel.database.ping()
        await answer(
            interaction,
            _(
                "Gateway {gateway}, Discord's API {rest}, database {database}.",
                gateway=_milliseconds(gateway),
                rest=_milliseconds(rest),
                database=_milliseconds(database),
            ),
        )

    def _gateway_latency(self, interaction: Interaction) -> float | None:
        return self._latency_of(interaction.guild.shard_id if interaction.guild else 0)

    def _latency_of(self, shard_id: int) -> float | None:
        shards = self.bot.kernel.state().gateway().shards
        return next((shard.latency for shard in shards if shard.id == shard_id), None)

    @app_commands.command(description="Tell what I am, my version and how long I have been up")
    async def about(self, interaction: Interaction) -> None:
        """Show version, uptime and how many guilds are served."""
        await answer(interaction, embed=self._about(locale_of(interaction)))

    def _about(self, locale: str | None) -> discord.Embed:
        counts = self.bot.kernel.state().counts()
        embed = discord.Embed(
            title=f"Pegasus {__version__}",
            description=_(
                "A self-hosted bot for communities: your data stays on the computer that runs me."
            ).render(locale),
            colour=discord.Colour.blurple(),
        )
        embed.add_field(
            name=_("Servers").render(locale),
            value=format_decimal(counts.guilds, locale=babel_locale(locale)),
        )
        started_at = self.bot.kernel.health.started_at
        embed.add_field(
            name=_("Started").render(locale), value=discord.utils.format_dt(started_at, "R")
        )
        return embed

    @app_commands.command(
        description="Get a link to the admin pages (only for the owners of this bot)",
        extras={FOR_OWNERS: True},
    )
    async def dashboard(self, interaction: Interaction) -> None:
        """Give an owner of the bot a link that logs them in once, within five minutes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if not await self.bot.is_owner(interaction.user):
            raise Denied(
                _("Only the owners of this bot can open its admin pages."),
                hint=_(
                    "To become one, ask the person who runs this bot: they add your user ID "
                    "({user_id}) to discord.owner_ids in config.toml and restart the bot. Without "
                    "that entry, the owner of the application in Discord's developer portal, or "
                    "the admins and developers of its team, are the owners. Those who manage a "
                    "server change its settings there with /settings.",
                    user_id=str(interaction.user.id),
                ),
            )
        url = await self.bot.kernel.login_links.create(interaction.user.id)
        await answer(
            interaction,
            _("Open {url} within five minutes. The link works once, for you alone.", url=url),
        )

    # --- with the guild's prefix -------------------------------------------------------------

    async def tell_help(self, use: PrefixUse) -> Body:
        """Answer `!help`: the list that each person may see needs a command with a slash."""
        text = _(
            "With {prefix} I answer to {names} and to this server's own commands. For all others "
            "type / and look through the list, or use /help.",
            prefix=quote(use.prefix),
            names=", ".join(self._written_names(use.locale)),
        )
        return {"content": text.render(use.locale)}

    def _written_names(self, locale: str | None) -> list[str]:
        catalogue = catalogue_for(locale)
        own = [catalogue.pgettext("command-name", name) for name in ("help", "ping", "about")]
        runner = self.bot.prefixes.runner
        return own + (runner.names(locale) if isinstance(runner, WrittenCommands) else [])

    async def tell_latency(self, use: PrefixUse) -> Body:
        """Answer `!ping` with how long the gateway and the database take."""
        guild = self.bot.get_guild(use.facts.guild_id)
        text = _(
            "Gateway {gateway}, database {database}.",
            gateway=_milliseconds(self._latency_of(guild.shard_id if guild else 0)),
            database=_milliseconds(await self.bot.kernel.database.ping()),
        )
        return {"content": text.render(use.locale)}

    async def tell_about(self, use: PrefixUse) -> Body:
        """Answer `!about` as the command with a slash does."""
        return {"embeds": [self._about(use.locale).to_dict()]}


def _milliseconds(seconds: float | None) -> Message | str:
    if seconds is None or not math.isfinite(seconds):
        return _("not measured yet")
    return f"{seconds * 1000:.0f} ms"
