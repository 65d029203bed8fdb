"""The commands that show giveaways, and keep their plans as templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of, guild_id_of
from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import _
from bot.localization import locale_of
from bot.replies import answer, confirm, paginate
from cogs.giveaways.access import (
    HOSTS,
    Interaction,
    can_see,
    complete_any,
    ensure_host,
    find_giveaway,
    is_host,
)
from cogs.giveaways.columns import plan_of
from cogs.giveaways.desk import (
    Where,
    is_never,
    make_order,
    read_moment,
    read_times,
)
from cogs.giveaways.hosting import REPEAT_CHOICES
from cogs.giveaways.listing import pages_of
from cogs.giveaways.panel import pages_about
from cogs.giveaways.plan import Plan
from cogs.giveaways.templates import LONGEST_NAME
from db import giveaway_hosting as table
from db.giveaways import ACTIVE, DRAWING, OPEN_STATUSES, PAUSED

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.giveaways.series import Series
    from cogs.giveaways.templates import Templates


async def complete_template(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer the guild's templates by name, to hosts."""
    if interaction.guild_id is None or not await is_host(interaction):
        return []
    cog: Any = interaction.client.get_cog("Giveaways")
    names = [one.name for one in await cog.templates.list(interaction.guild_id)]
    wanted = current.casefold()
    return [app_commands.Choice(name=one, value=one) for one in names if wanted in one.casefold()][
        :25
    ]


class LookCommands(commands.Cog):
    """The commands, for the cog to inherit; it sets the services."""

    bot: Pegasus
    series: Series
    templates: Templates
    open_giveaway: Callable[..., Any]
    schedule_giveaway: Callable[..., Any]

    template = app_commands.Group(
        name="template", description="Plans of giveaways that are kept for later"
    )

    @app_commands.command(name="list", description="Show the giveaways of this server")
    async def list_giveaways(self, interaction: Interaction) -> None:
        """Show what goes on, and to hosts what is to come."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id, host = guild_id_of(interaction), await is_host(interaction)
        statuses = OPEN_STATUSES if host else (ACTIVE, PAUSED, DRAWING)
        async with self.bot.kernel.database.read() as session:
            giveaways = await table.list_of_guild(session, guild_id, statuses)
            if not host:
                giveaways = [one for one in giveaways if can_see(interaction, one)]
            entries = await table.count_entries_of(session, [one.id for one in giveaways])
        following = await self.series.list_upcoming(guild_id) if host else []
        pages = pages_of(giveaways, entries, following, locale_of(interaction))
        if not pages:
            text = _("There is no giveaway at the moment.")
            await answer(interaction, text)
            return
        title = _("Giveaways").render(locale_of(interaction))
        embeds = [discord.Embed(title=title, description=page) for page in pages]
        await paginate(interaction, embeds)

    @app_commands.command(description="Show all that is public of a giveaway")
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_any)
    async def info(self, interaction: Interaction, giveaway: str) -> None:
        """Describe it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find_giveaway(interaction, giveaway)
        pages = await pages_about(self.bot, found, locale_of(interaction))
        if len(pages) == 1:
            await answer(interaction, pages[0])
        else:
            await paginate(interaction, [discord.Embed(description=one) for one in pages])

    # --- templates -----------------------------------------------------------------------------

    @template.command(name="save", description="Keep a giveaway's plan under a name", extras=HOSTS)
    @app_commands.describe(
        name="What to call it", giveaway="The giveaway, by its number, title or prize"
    )
    @app_commands.autocomplete(giveaway=complete_any, name=complete_template)
    async def template_save(
        self,
        interaction: Interaction,
        name: app_commands.Range[str, 1, LONGEST_NAME],
        giveaway: str,
    ) -> None:
        """Keep all but the dates."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        found = await find_giveaway(interaction, giveaway)
        saved = await self.templates.save(
            guild_id_of(interaction),
            name,
            plan_of(found),
            actor_of(interaction),
            number=found.number,
        )
        done = _("✅ Kept as {name}. /giveaway template use starts one like it.", name=quote(saved))
        await answer(interaction, done)

    @template.command(name="use", description="Start a giveaway from a template", extras=HOSTS)
    @app_commands.describe(
        name="The template",
        duration="How long, or until when; as in the template if left out",
        prize="Another prize",
        winners="Another number of winners",
        channel="Where; here if left out",
        start="When it begins; now if left out",
        repeat="Whether it comes again; once if left out",
    )
    @app_commands.choices(repeat=REPEAT_CHOICES)
    @app_commands.autocomplete(name=complete_template)
    async def template_use(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        name: str,
        duration: str | None = None,
        prize: str | None = None,
        winners: int | None = None,
        channel: Where | None = None,
        start: str | None = None,
        repeat: app_commands.Choice[str] | None = None,
    ) -> None:
        """Hold what the template says, with what the options say instead."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        found = await self.templates.get(guild_id_of(interaction), name)
        plan = Plan.from_json(found.plan)
        changes: dict[str, Any] = {"prize": prize, "winners": winners}
        starts_at, by_clock = await read_moment(interaction, start) if start else None, False
        if duration and is_never(duration):
            plan = replace(plan, duration=None)
        elif duration:
            times = await read_times(interaction, start, duration)
            changes["duration"], by_clock = times.duration, times.by_clock
        plan = replace(plan, **{key: value for key, value in changes.items() if value is not None})
        if duration is None and plan.duration is None and plan.end_at_entries is None:
            raise InvalidInput(
                _("This template does not say when it ends."),
                hint=_("Name a duration with the command."),
            )
        channel_id = channel.id if channel else interaction.channel_id or 0
        if starts_at is None and repeat is None:
            await self.open_giveaway(interaction, plan, channel_id, None)
            return
        order = make_order(interaction, plan, channel_id, starts_at=starts_at)
        first = starts_at or self.bot.kernel.clock.now()
        await self.schedule_giveaway(interaction, order, first, repeat, by_clock=by_clock)

    @template.command(name="list", description="Show the templates", extras=HOSTS)
    async def template_list(self, interaction: Interaction) -> None:
        """List them by name."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        known = await self.templates.list(guild_id_of(interaction))
        if not known:
            text = _("There is no template yet. /giveaway template save keeps one.")
            await answer(interaction, text)
            return
        lines = [f"- {quote(one.name)}: {quote(one.plan['prize'], 60)}" for one in known]
        title = _("Templates").render(locale_of(interaction))
        # As many as there may be are shorter than an embed.
        await answer(interaction, embed=discord.Embed(title=title, description="\n".join(lines)))

    @template.command(name="delete", description="Delete a template", extras=HOSTS)
    @app_commands.describe(name="The template")
    @app_commands.autocomplete(name=complete_template)
    async def template_delete(self, interaction: Interaction, name: str) -> None:
        """Ask, then delete."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        found = await self.templates.get(guild_id_of(interaction), name)
        question = _("Delete the template {name}?", name=quote(found.name))
        if await confirm(interaction, question, recheck=ensure_host):
            await self.templates.delete(found, actor_of(interaction))
            await answer(interaction, _("🗑️ {name} is deleted.", name=quote(found.name)))
