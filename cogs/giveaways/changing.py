"""The commands that change, pause, resume and cancel giveaways, and stop what comes again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of, guild_id_of
from bot.core.errors import Conflict
from bot.core.fields.text import quote, shorten
from bot.core.i18n import Message, _
from bot.replies import answer, confirm
from cogs.giveaways.access import (
    HOSTS,
    Interaction,
    ensure_host,
    ensure_may_handle,
    find_giveaway,
    is_host,
    offer_giveaways,
)
from cogs.giveaways.columns import plan_of
from cogs.giveaways.desk import (
    Where,
    ensure_may_host,
    ensure_may_post,
    ensure_may_promise,
    is_never,
    read_moment,
    read_role_time,
)
from cogs.giveaways.opening import OVER
from cogs.giveaways.panel import (
    open_panel,
)
from cogs.giveaways.wording import moment
from db import giveaway_hosting as table
from db.giveaways import ACTIVE, PAUSED, SCHEDULED, Giveaway

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.giveaways.opening import Opening
    from cogs.giveaways.plan import Plan
    from cogs.giveaways.series import Series


_SERIES = "series:"
_CHANGEABLE = (SCHEDULED, ACTIVE, PAUSED)


async def complete_changeable(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer the giveaways that can still be changed, to hosts."""
    if interaction.guild_id is None or not await is_host(interaction):
        return []
    return await offer_giveaways(interaction, current, statuses=_CHANGEABLE)


async def complete_cancellable(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer what can be cancelled: open giveaways, and what comes again."""
    choices = await complete_changeable(interaction, current)
    if interaction.guild_id is None or not await is_host(interaction):
        return choices
    cog: Any = interaction.client.get_cog("Giveaways")
    for one in await cog.series.list(interaction.guild_id):
        name = shorten(f"🔁 {one.plan['prize']} ({one.timezone})", 100)
        if current.casefold() in name.casefold():
            choices.append(app_commands.Choice(name=name, value=f"{_SERIES}{one.id}"))
    return choices[:25]


class ChangeCommands(commands.Cog):
    """The commands, for the cog to inherit; it sets the services."""

    bot: Pegasus
    opening: Opening
    series: Series

    @app_commands.command(description="Change a giveaway that has not ended", extras=HOSTS)
    @app_commands.describe(
        giveaway="The giveaway, by its number, title or prize",
        prize="What there is to win",
        winners="How many win",
        start="When it begins, if it has not: tomorrow 18:00, friday 8pm",
        end="When it ends: 2 days from now, friday 8pm, never",
        description="More about it",
        channel="Where its message is posted anew",
        host="Who holds it from now on",
        currency="How much currency each winner is given; 0 for none",
        experience="How much experience each winner is given; 0 for none",
        role_prize="A role that each winner is given",
        role_time="How long winners have that role; for good if left out",
    )
    @app_commands.autocomplete(giveaway=complete_changeable)
    async def edit(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        giveaway: str,
        prize: str | None = None,
        winners: int | None = None,
        start: str | None = None,
        end: str | None = None,
        description: str | None = None,
        channel: Where | None = None,
        host: discord.Member | None = None,
        currency: int | None = None,
        experience: int | None = None,
        role_prize: discord.Role | None = None,
        role_time: str | None = None,
    ) -> None:
        """Change what the options name, and show the panel for all else."""
        found = await self._handled(interaction, giveaway)
        plan = _changed(
            plan_of(found),
            {"prize": prize, "winners": winners, "description": description},
            currency=currency,
            experience=experience,
            role_prize=role_prize,
            role_time=role_time,
        )
        moved: dict[str, Any] = await _read_times(interaction, start, end)
        if channel is not None:
            ensure_may_post(interaction, channel.id)
            moved["channel_id"] = channel.id
        if host is not None:
            ensure_may_host(host)
            moved["host_id"] = host.id
        if moved or plan != plan_of(found):
            await ensure_may_promise(interaction, plan, plan_of(found))
            found = await self.opening.change(found, actor_of(interaction), plan, **moved)
        await open_panel(interaction, self.opening, found)

    @app_commands.command(description="Let nobody enter a giveaway for a while", extras=HOSTS)
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_changeable)
    async def pause(self, interaction: Interaction, giveaway: str) -> None:
        """Pause; the time that is left stays."""
        found = await self._handled(interaction, giveaway)
        paused = await self.opening.pause(found, actor_of(interaction))
        done = _(
            "⏸️ {prize} is paused. /giveaway resume lets it go on for as long as was left.",
            prize=quote(paused.prize),
        )
        await answer(interaction, done)

    @app_commands.command(description="Let a paused giveaway go on", extras=HOSTS)
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_changeable)
    async def resume(self, interaction: Interaction, giveaway: str) -> None:
        """Resume."""
        found = await self._handled(interaction, giveaway)
        resumed = await self.opening.resume(found, actor_of(interaction))
        done: Message = _("▶️ {prize} goes on.", prize=quote(resumed.prize))
        if resumed.ends_at is not None:
            done = _(
                "▶️ {prize} goes on and ends {when}.",
                prize=quote(resumed.prize),
                when=moment(resumed.ends_at),
            )
        await answer(interaction, done)

    @app_commands.command(
        description="End a giveaway without a winner, or stop what comes again", extras=HOSTS
    )
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_cancellable)
    async def cancel(self, interaction: Interaction, giveaway: str) -> None:
        """Ask, then cancel."""
        if giveaway.startswith(_SERIES):
            await self._stop_series(interaction, giveaway.removeprefix(_SERIES))
            return
        found = await self._handled(interaction, giveaway)
        question = _(
            "Cancel the giveaway of {prize}? Nobody wins, and it can't be taken back.",
            prize=quote(found.prize),
        )

        async def recheck(pressed: Interaction) -> None:
            await ensure_may_handle(pressed, found)

        if await confirm(interaction, question, recheck=recheck):
            await self._cancel(found, interaction)
            await answer(interaction, _("🚫 {prize} was cancelled.", prize=quote(found.prize)))

    async def _cancel(self, found: Giveaway, interaction: Interaction) -> None:
        # It may have been changed while the question stood, which is no reason to refuse.
        async with self.bot.kernel.database.read() as session:
            current = await table.get_giveaway(session, found.id)
        await self.opening.cancel(current or found, actor_of(interaction))

    async def _stop_series(self, interaction: Interaction, number: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        known = await self.series.list(guild_id_of(interaction))
        named = next((one.id for one in known if str(one.id) == number), 0)
        found = await self.series.get(guild_id_of(interaction), named)
        await ensure_may_handle(interaction, found)
        question = _(
            "Have the giveaway of {prize} not come again? What is open of it goes on.",
            prize=quote(found.plan["prize"]),
        )

        async def recheck(pressed: Interaction) -> None:
            await ensure_may_handle(pressed, found)

        if await confirm(interaction, question, recheck=recheck):
            await self.series.stop(found, actor_of(interaction))
            await answer(interaction, _("🚫 It does not come again."))

    async def _handled(self, interaction: Interaction, giveaway: str) -> Giveaway:
        """Defer, and return a giveaway that can be changed and that the person may handle."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        found = await find_giveaway(interaction, giveaway, rather=_CHANGEABLE)
        await ensure_may_handle(interaction, found)
        if found.status in OVER:
            raise Conflict(OVER[found.status])
        return found


def _changed(
    plan: Plan,
    options: Mapping[str, Any],
    *,
    currency: int | None,
    experience: int | None,
    role_prize: discord.Role | None,
    role_time: str | None,
) -> Plan:
    """Return the plan with what the options of a command say."""
    given = {name: value for name, value in options.items() if value is not None}
    if currency is not None:
        given["prize_amount"] = currency or None
    if experience is not None:
        given["prize_xp"] = experience or None
    if role_prize is not None:
        given |= {"reward_role_id": role_prize.id, "reward_role_time": None}
    if role_time is not None:
        given["reward_role_time"] = read_role_time(role_time)
    return replace(plan, **given)


async def _read_times(
    interaction: Interaction, start: str | None, end: str | None
) -> dict[str, Any]:
    """Return the start and the end that a command names; one that is not given is not there."""
    times: dict[str, Any] = {}
    if start:
        times["starts_at"] = await read_moment(interaction, start)
    if end and is_never(end):
        times["is_untimed"] = True
    elif end:
        times["ends_at"] = await read_moment(interaction, end, since=times.get("starts_at"))
    return times
