"""Looks over the record: /warnings for everybody's own, /modstats for staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of
from bot.core.cases import CaseKind
from bot.core.fields.text import escape_markdown
from bot.core.i18n import _, ngettext
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import answer
from cogs.moderation.casepages import show_cases
from cogs.moderation.people import Interaction, actor_facts, bot_facts, raise_refusal
from cogs.moderation.wording import kind_name

if TYPE_CHECKING:
    from bot.client import Pegasus

MOST_MODERATORS = 15
_PERIODS = [
    app_commands.Choice(name="Last 24 hours", value=1),
    app_commands.Choice(name="Last 7 days", value=7),
    app_commands.Choice(name="Last 30 days", value=30),
    app_commands.Choice(name="Last 90 days", value=90),
    app_commands.Choice(name="Last year", value=365),
]
_USUAL_DAYS = 30


class Records(commands.Cog):
    """Warnings of one member, statistics of all moderators."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    @app_commands.command(description="Show a member's warnings and points; yours if left out")
    @app_commands.guild_only()
    @app_commands.describe(member="Whose warnings to show; you if left out")
    async def warnings(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Show warnings; those of others only to moderators."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        who = member or interaction.user
        if who.id != interaction.user.id:
            await _ensure_reader(interaction)
        kernel, guild_id = self.bot.kernel, guild_id_of(interaction)
        points = await kernel.cases.points(guild_id, who.id, kernel.clock.now())
        heading = ngettext(
            "{name}'s warnings · {count} point",
            "{name}'s warnings · {count} points",
            points,
            name=escape_markdown(who.display_name),
        )
        # A warning that was merged into something harsher left its points there.
        await show_cases(
            interaction,
            target_id=who.id,
            kinds=[CaseKind.WARN],
            or_points=True,
            heading=heading,
        )

    @app_commands.command(description="Show what moderators have done")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        moderator="Whose cases to count; all if left out",
        period="How far back; 30 days if left out",
    )
    @app_commands.choices(period=_PERIODS)
    async def modstats(
        self,
        interaction: Interaction,
        moderator: discord.User | None = None,
        period: app_commands.Choice[int] | None = None,
    ) -> None:
        """Count cases by moderator and kind, in the database."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _ensure_reader(interaction)
        days = period.value if period else _USUAL_DAYS
        kernel = self.bot.kernel
        counts = await kernel.cases.count(
            guild_id_of(interaction),
            moderator_id=moderator.id if moderator else None,
            since=kernel.clock.now() - timedelta(days=days),
        )
        await answer(interaction, embed=_stats_embed(counts, days, locale_of(interaction)))


def _stats_embed(
    counts: Mapping[tuple[int, CaseKind], int], days: int, locale: str
) -> discord.Embed:
    title = ngettext("Moderation, last {count} day", "Moderation, last {count} days", days)
    totals: Counter[int] = Counter()
    for (who, _kind), count in counts.items():
        totals[who] += count
    lines = []
    for who, total in totals.most_common(MOST_MODERATORS):
        own = Counter({kind: count for (one, kind), count in counts.items() if one == who})
        kinds = ", ".join(f"{kind_name(kind, locale)} {count}" for kind, count in own.most_common())
        name = f"<@{who}>" if who else _("I myself, or somebody whose data was erased")
        name = name if isinstance(name, str) else name.render(locale)
        lines.append(f"{name} · **{total}**\n-# {kinds}")
    if len(totals) > MOST_MODERATORS:
        rest = len(totals) - MOST_MODERATORS
        lines.append(ngettext("and {count} more", "and {count} more", rest).render(locale))
    text = "\n".join(lines) or _("No cases.").render(locale)
    return discord.Embed(title=title.render(locale), description=text[:4000])


async def _ensure_reader(interaction: Interaction) -> None:
    actor = await actor_facts(interaction)
    raise_refusal(can_act(Action.RECORD, bot=bot_facts(interaction), actor=actor))
