"""/customcommand, by which admins write a guild's own commands, and the use of those commands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of, in_time, manages
from bot.core.durations import parse_duration
from bot.core.features import RateClass
from bot.core.i18n import LANGUAGES, Message, _, catalogue_for, ngettext
from bot.core.settings.model import SettingsChanged
from bot.core.usage import UsageEvent
from bot.localization import locale_of
from bot.replies import answer, confirm, paginate
from bot.tree import OwnCommand
from cogs.customcommand.book import KEY, CommandBook, find_command
from cogs.customcommand.forms import AnswerForm, Entered, Save
from cogs.customcommand.invocations import as_options, facts_of, invocation_by, invocation_in
from cogs.customcommand.registrar import DiscordRegistrar
from cogs.customcommand.resource import RESOURCE, CommandResource
from cogs.customcommand.rules import (
    LONGEST_COOLDOWN,
    MAX_DESCRIPTION,
    Command,
    Draft,
    Invocation,
    Response,
    check_alias_count,
    check_among,
    check_may_mention,
    read_name,
)
from cogs.customcommand.sync import CommandSync
from cogs.customcommand.using import CommandUse, UseCounter
from cogs.customcommand.wording import cheat_sheet, info, list_line

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.prefixes import Body, PrefixUse

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

# Commands can be written and looked at while they are not registered yet.
MANAGED: Mapping[Any, Any] = {
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
    MANAGES: KEY,
}
_PAGE = 8
_MAX_OFFERS = 25
_BASICS = "general"
_NOTHING = "-"
_THREADS = frozenset({10, 11, 12})


@app_commands.guild_only()
class CustomCommands(
    commands.GroupCog,
    group_name=KEY,
    group_description="Commands of your own",
):
    """Joins the book of commands, their registration and their use to Discord."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self.book = CommandBook(
            kernel.database, kernel.clock, kernel.audit, kernel.jobs, self._builtin
        )
        self.sync = CommandSync(
            kernel.database,
            kernel.clock,
            settings=kernel.settings,
            problems=kernel.problems,
            book=self.book,
            registrar=DiscordRegistrar(bot),
            state=kernel.state,
            builtin=self._builtin,
        )
        self.counter = UseCounter(kernel.database, kernel.clock, kernel.supervisor.spawn)
        self.use = CommandUse(
            kernel.database,
            kernel.clock,
            settings=kernel.settings,
            book=self.book,
            counter=self.counter,
            screen=self._may_say,
            exists=self._exists,
        )

    async def _may_say(self, invocation: Invocation, words: str) -> bool:
        return await self.bot.intake.would_pass(facts_of(invocation, words))

    def _exists(self, guild_id: int, one: int) -> bool:
        state = self.bot.kernel.state()
        if state.guild(guild_id) is None:
            return True
        return state.role(guild_id, one) is not None or state.channel(guild_id, one) is not None

    def _builtin(self) -> frozenset[str]:
        """Return the names of the bot's own commands as clients of any language show them."""
        known = self.bot.tree.get_commands(type=discord.AppCommandType.chat_input)
        names = [one.name for one in known]
        return frozenset(names).union(
            catalogue_for(language).pgettext("command-name", name)
            for language in LANGUAGES
            for name in names
        )

    async def cog_load(self) -> None:
        """Take up the use of commands and their registration."""
        kernel = self.bot.kernel
        self.sync.register_with(kernel.jobs)
        kernel.resources.register(RESOURCE.name, CommandResource(self.book, kernel.state))
        self._unsubscribe = kernel.bus.subscribe(SettingsChanged, self.on_settings)
        self.bot.fallback = self.run
        self.bot.own_commands = self.list_for
        self.bot.prefixes.source = self

    async def cog_unload(self) -> None:
        """Give all that back, and write what was counted."""
        self.bot.fallback = None
        self.bot.own_commands = None
        self.bot.prefixes.source = None
        self._unsubscribe()
        await self.counter.flush()

    async def on_settings(self, event: SettingsChanged) -> None:
        """Look at the registration anew: the switch or the guild's language may have changed."""
        if event.feature in (KEY, _BASICS) and self.bot.get_guild(event.guild_id) is not None:
            await self.sync.look([event.guild_id])

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Register what was changed while the bot was away."""
        await self.sync.look([guild.id for guild in self.bot.guilds])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Register a guild's commands again: Discord forgets them when the bot is removed."""
        await self.sync.begin_anew(guild.id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Tell of commands that nobody may use any more."""
        await self.sync.note_gone(role.guild.id, role.id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Tell of commands that can't be used anywhere any more."""
        await self.sync.note_gone(channel.guild.id, channel.id)

    # --- use ---------------------------------------------------------------------------------

    async def run(self, interaction: Interaction) -> bool:
        """Answer a command that is a guild's own; returns whether it is one."""
        data: Any = interaction.data
        if interaction.guild_id is None or not data.get("guild_id"):
            return False
        kernel = self.bot.kernel
        name, started = data["name"], kernel.clock.monotonic()
        options = data.get("options") or ()
        args = next((str(one["value"]) for one in options if one["name"] == "text"), "")
        async with in_time():
            await kernel.limits.check(interaction.user.id, RateClass.DEFAULT)
            payload = await self.use.answer(invocation_by(interaction, name, args))
        await interaction.response.send_message(**as_options(payload))
        self._record(interaction.guild_id, interaction.user.id, name, started)
        return True

    async def list_for(self, interaction: Interaction) -> list[OwnCommand]:
        """Return the guild's commands that a member may use somewhere, aliases left out."""
        guild_id, member = interaction.guild_id, interaction.user
        if guild_id is None or not (await self.bot.kernel.settings.get(guild_id, KEY)).enabled:
            return []
        roles = {one.id for one in member.roles} if isinstance(member, discord.Member) else set()
        drafts = [one.draft for one in await self.book.commands(guild_id)]
        return [
            OwnCommand(one.name, one.description, one.response.takes_text, bool(one.role_ids))
            for one in drafts
            if one.enabled and (not one.role_ids or not roles.isdisjoint(one.role_ids))
        ]

    async def knows(self, guild_id: int, name: str) -> bool:
        """Return whether a name after the guild's prefix is one of its own commands."""
        if not (await self.bot.kernel.settings.get(guild_id, KEY)).enabled:
            return False
        return any(name in one.draft.names for one in await self.book.commands(guild_id))

    async def answer(self, use: PrefixUse) -> Body:
        """Return the answer to a command that was written with the guild's prefix."""
        facts, started = use.facts, self.bot.kernel.clock.monotonic()
        said = await self._placed(invocation_in(facts, use, self.bot.kernel.state()))
        payload = await self.use.answer(said)
        self._record(facts.guild_id, facts.author_id, use.name, started)
        return payload

    async def _placed(self, said: Invocation) -> Invocation:
        """Return a use with the parent of its thread, which is asked for where it is not known."""
        channel_id = said.occasion.channel_id
        if self.bot.kernel.state().channel(said.guild_id, channel_id) is not None:
            return said
        try:
            place: Any = await self.bot.http.get_channel(channel_id)
        except discord.DiscordException:
            # Then it is judged by what is known.
            return said
        parent_id = place.get("parent_id") if place["type"] in _THREADS else None
        occasion = replace(said.occasion, channel_name=place.get("name") or "")
        return replace(said, occasion=occasion, parent_id=int(parent_id) if parent_id else None)

    def _record(self, guild_id: int, user_id: int, name: str, started: float) -> None:
        kernel = self.bot.kernel
        kernel.usage.record(
            UsageEvent(
                guild_id=guild_id,
                user_id=user_id,
                command=f"{KEY} {name}",
                kind="custom",
                outcome="ok",
                duration_ms=round((kernel.clock.monotonic() - started) * 1000),
                at=kernel.clock.now(),
            )
        )

    # --- management --------------------------------------------------------------------------

    @app_commands.command(description="Add a command, in a form", extras={**MANAGED})
    @app_commands.describe(
        name="What the command is called",
        description="What Discord shows beside its name",
        cooldown="How long a member waits before using it again, such as 30s or 1h",
        aliases="Other names for it, with spaces between them",
    )
    async def add(
        self,
        interaction: Interaction,
        name: app_commands.Range[str, 1, 60],
        description: app_commands.Range[str, 1, MAX_DESCRIPTION] | None = None,
        cooldown: str | None = None,
        aliases: app_commands.Range[str, 1, 200] | None = None,
    ) -> None:
        """Ask for the answer, show it, and add the command when it is saved."""
        async with in_time():
            await ensure_manages(interaction, KEY)
            draft = _changed(Draft(name, Response()), name, description, cooldown, aliases)
            others = await self.book.commands(guild_id_of(interaction))
        check_among(draft, others, self._builtin())

        async def save(pressed: Interaction, wanted: Draft) -> Message:
            await ensure_manages(pressed, KEY)
            check_may_mention(wanted.response, Response(), _unmentionable(pressed))
            added = await self.book.add(guild_id_of(pressed), wanted, actor_of(pressed))
            return await self._saved(added)

        await _ask(interaction, draft, save)

    @app_commands.command(description="Change a command, in a form", extras={**MANAGED})
    @app_commands.describe(
        command="The command to change",
        name="A new name for it",
        description="What Discord shows beside its name; - for nothing",
        cooldown="How long a member waits before using it again, such as 30s or 1h; 0 for not",
        aliases="Other names for it, with spaces between them; - for none",
        enabled="Whether it is there at all",
    )
    async def edit(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        command: str,
        name: app_commands.Range[str, 1, 60] | None = None,
        description: app_commands.Range[str, 1, MAX_DESCRIPTION] | None = None,
        cooldown: str | None = None,
        aliases: app_commands.Range[str, 1, 200] | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Ask for the answer as it is, show it, and change the command when it is saved."""
        async with in_time():
            await ensure_manages(interaction, KEY)
            known = await self.book.commands(guild_id_of(interaction))
        seen = find_command(known, command)
        draft = _changed(seen.draft, name, description, cooldown, aliases)
        if enabled is not None:
            draft = replace(draft, enabled=enabled)
        check_among(draft, [one for one in known if one.id != seen.id], self._builtin())

        async def save(pressed: Interaction, wanted: Draft) -> Message:
            await ensure_manages(pressed, KEY)
            check_may_mention(wanted.response, seen.draft.response, _unmentionable(pressed))
            return await self._saved(await self.book.change(seen, wanted, actor_of(pressed)))

        await _ask(interaction, draft, save)

    @app_commands.command(description="Remove a command for good", extras={**MANAGED})
    @app_commands.describe(command="The command to remove")
    async def remove(self, interaction: Interaction, command: str) -> None:
        """Ask, then remove the command."""
        seen = await self._begin(interaction, command)
        question = (
            ngettext(
                "Remove /{name}? It has been used {count} time.",
                "Remove /{name}? It has been used {count} times.",
                seen.uses,
                name=seen.draft.name,
            )
            if seen.uses
            else _("Remove /{name}? Nobody has used it yet.", name=seen.draft.name)
        )

        async def recheck(pressed: Interaction) -> None:
            await ensure_manages(pressed, KEY)

        if not await confirm(interaction, question, recheck=recheck):
            return
        await self.book.remove(seen, actor_of(interaction))
        await answer(interaction, _("✅ /{name} is gone.", name=seen.draft.name))

    @app_commands.command(name="list", description="Show all commands", extras={**MANAGED})
    async def list_commands(self, interaction: Interaction) -> None:
        """Show the commands, a line each."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        await self._read_uses(guild_id_of(interaction))
        known = await self.book.commands(guild_id_of(interaction))
        if not known:
            await answer(
                interaction, _("There are no commands yet. Add one with /customcommand add.")
            )
            return
        await paginate(interaction, pages_of(known, locale_of(interaction)))

    @app_commands.command(description="Show all about a command", extras={**MANAGED})
    @app_commands.describe(command="The command to show")
    async def info(self, interaction: Interaction, command: str) -> None:
        """Show a command with its answer and how often it is used."""
        seen = await self._begin(interaction, command)
        await answer(
            interaction, embed=discord.Embed(description=info(seen, locale_of(interaction)))
        )

    @app_commands.command(description="Show what can be written in an answer", extras={**MANAGED})
    async def variables(self, interaction: Interaction) -> None:
        """Show the variables and the other constructions of the language."""
        locale = locale_of(interaction)
        embed = discord.Embed(
            title=_("What an answer can hold").render(locale), description=cheat_sheet(locale)
        )
        await answer(interaction, embed=embed)

    @edit.autocomplete("command")
    @remove.autocomplete("command")
    @info.autocomplete("command")
    async def complete_command(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the guild's commands to those who manage them."""
        if interaction.guild_id is None or not await manages(interaction, KEY):
            return []
        typed = current.strip().removeprefix("/").casefold()
        known = await self.book.commands(interaction.guild_id)
        return [
            app_commands.Choice(name=f"/{one.draft.name}", value=one.draft.name)
            for one in known
            if any(typed in name for name in one.draft.names)
        ][:_MAX_OFFERS]

    async def _begin(self, interaction: Interaction, name: str) -> Command:
        """Defer the answer, check the right, and return the command as it is in the database."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        await self._read_uses(guild_id)
        return await self.book.find(guild_id, name)

    async def _read_uses(self, guild_id: int) -> None:
        """Have the guild's commands read anew: what is remembered holds old numbers of uses."""
        await self.counter.flush()
        self.book.forget(guild_id)

    async def _saved(self, command: Command) -> Message:
        name = command.draft.name
        if not (await self.bot.kernel.settings.get(command.guild_id, KEY)).enabled:
            return _(
                "✅ /{name} is saved. Custom commands are switched off here: switch them on with "
                "/feature enable.",
                name=name,
            )
        if not command.draft.enabled:
            return _("✅ /{name} is saved, and switched off.", name=name)
        return _("✅ /{name} is saved. Discord shows it in a moment.", name=name)


def pages_of(known: Sequence[Command], locale: str) -> list[discord.Embed]:
    """Return the commands in lines, as many to a page as surely fit."""
    title = ngettext("{count} command", "{count} commands", len(known)).render(locale)
    lines = [list_line(one, locale) for one in known]
    return [
        discord.Embed(title=title, description="\n".join(lines[start : start + _PAGE]))
        for start in range(0, len(lines), _PAGE)
    ]


async def _ask(interaction: Interaction, draft: Draft, save: Save) -> None:
    form = AnswerForm(interaction, draft, Entered.of(draft.response), save)
    await interaction.response.send_modal(form)


def _changed(
    draft: Draft,
    name: str | None,
    description: str | None,
    cooldown: str | None,
    aliases: str | None,
) -> Draft:
    """Return the draft with the options that were given; raises `InvalidInput`."""
    if name is not None:
        draft = replace(draft, name=read_name(name))
    if description is not None:
        draft = replace(draft, description="" if description == _NOTHING else description)
    if cooldown is not None:
        typed = "0" if cooldown.strip() == _NOTHING else cooldown
        length = parse_duration(typed, minimum=timedelta(), maximum=LONGEST_COOLDOWN)
        draft = replace(draft, cooldown=length)
    if aliases is not None:
        names = [] if aliases.strip() == _NOTHING else re.split(r"[\s,]+", aliases.strip())
        draft = replace(draft, aliases=tuple(read_name(one) for one in names if one))
        check_alias_count(draft.aliases)
    return draft


def _unmentionable(interaction: Interaction) -> set[int]:
    """Return the roles that who acts may not mention in messages of their own."""
    if interaction.guild is None or interaction.permissions.mention_everyone:
        return set()
    return {one.id for one in interaction.guild.roles if not one.mentionable}
