"""The commands of hosts: starting, scheduling, changing, pausing and cancelling giveaways.

Nothing is decided here. What a command understood of a time in words is always said back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of
from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from bot.core.jobs.recurrence import Recurrence
from bot.forms import Values, ask
from bot.replies import answer
from cogs.giveaways.access import (
    HOSTS,
    Interaction,
    ensure_host,
)
from cogs.giveaways.desk import (
    Where,
    ensure_may_promise,
    make_order,
    read_role_time,
    read_times,
    timezone_of,
)
from cogs.giveaways.opening import Order
from cogs.giveaways.panel import Draft, open_draft
from cogs.giveaways.plan import Look, Plan
from cogs.giveaways.questions import channel_in, create_form
from cogs.giveaways.series import Repeat, SeriesOrder, is_on_last_days, length_by_clock
from cogs.giveaways.settings import KEY
from cogs.giveaways.typed import number_in
from cogs.giveaways.wording import moment
from db.giveaways import Giveaway, GiveawaySeries

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.giveaways.opening import Opening
    from cogs.giveaways.series import Series


REPEAT_CHOICES = [
    app_commands.Choice(name="Every day", value="daily"),
    app_commands.Choice(name="Every week", value="weekly"),
    app_commands.Choice(name="Every month", value="monthly"),
]


class HostCommands(commands.Cog):
    """The commands, for the cog to inherit; it sets the services."""

    bot: Pegasus
    opening: Opening
    series: Series

    @app_commands.command(description="Start a giveaway", extras=HOSTS)
    @app_commands.describe(
        prize="What there is to win",
        duration="How long, or until when: 2 days, friday 8pm, 2027-02-01 20:00, never",
        winners="How many win",
        channel="Where; here if left out",
        description="More about it",
        host="Who holds it; you if left out",
        image="The address of a large image, beginning with https://",
        currency="How much currency each winner is given",
        experience="How much experience each winner is given",
        role_prize="A role that each winner is given",
        role_time="How long winners have that role; for good if left out",
    )
    async def start(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        prize: str,
        duration: str,
        winners: int,
        channel: Where | None = None,
        description: str | None = None,
        host: discord.Member | None = None,
        image: str | None = None,
        currency: int | None = None,
        experience: int | None = None,
        role_prize: discord.Role | None = None,
        role_time: str | None = None,
    ) -> None:
        """Check, open, and say what was understood."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        times = await read_times(interaction, None, duration)
        plan = Plan(
            prize=prize,
            winners=winners,
            duration=times.duration,
            description=description,
            look=Look(image_url=image),
            prize_amount=currency,
            prize_xp=experience,
            reward_role_id=role_prize.id if role_prize else None,
            reward_role_time=read_role_time(role_time),
        )
        channel_id = channel.id if channel else interaction.channel_id or 0
        await self.open_giveaway(interaction, plan, channel_id, host)

    @app_commands.command(
        description="Make a giveaway in forms, and start it once it is complete", extras=HOSTS
    )
    async def create(self, interaction: Interaction) -> None:
        """Open the form."""
        await ensure_host(interaction)
        await ask(interaction, KEY, create_form(), self._created)

    async def _created(self, interaction: Interaction, values: Values) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        plan = Plan(
            prize=values["prize"],
            winners=number_in(values, "winners") or 0,
            description=values["description"] or None,
        )
        draft = Draft(plan, values["duration"], channel_in(interaction, values))
        await open_draft(interaction, self.opening, draft, self.open_giveaway)

    async def open_giveaway(
        self,
        interaction: Interaction,
        plan: Plan,
        channel_id: int,
        host: discord.Member | None,
    ) -> None:
        """Hold a giveaway from now on, and say what was understood; raises in words."""
        order = make_order(interaction, plan, channel_id, host)
        await ensure_may_promise(interaction, plan)
        giveaway = await self.opening.open(order, actor_of(interaction))
        await answer(interaction, _opened(giveaway))

    # --- scheduling ----------------------------------------------------------------------------

    @app_commands.command(
        description="Have a giveaway begin later, once or again and again", extras=HOSTS
    )
    @app_commands.describe(
        prize="What there is to win",
        start="When it begins: tomorrow 18:00, friday 8pm, 2027-02-01 20:00",
        duration="How long, or until when",
        winners="How many win",
        repeat="Whether it comes again; once if left out",
        channel="Where; here if left out",
        description="More about it",
        host="Who holds it; you if left out",
        image="The address of a large image, beginning with https://",
        currency="How much currency each winner is given",
        experience="How much experience each winner is given",
        role_prize="A role that each winner is given",
        role_time="How long winners have that role; for good if left out",
    )
    @app_commands.choices(repeat=REPEAT_CHOICES)
    async def schedule(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        prize: str,
        start: str,
        duration: str,
        winners: int,
        repeat: app_commands.Choice[str] | None = None,
        channel: Where | None = None,
        description: str | None = None,
        host: discord.Member | None = None,
        image: str | None = None,
        currency: int | None = None,
        experience: int | None = None,
        role_prize: discord.Role | None = None,
        role_time: str | None = None,
    ) -> None:
        """Check, store, and say what was understood."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_host(interaction)
        times = await read_times(interaction, start, duration)
        plan = Plan(
            prize=prize,
            winners=winners,
            duration=times.duration,
            description=description,
            look=Look(image_url=image),
            prize_amount=currency,
            prize_xp=experience,
            reward_role_id=role_prize.id if role_prize else None,
            reward_role_time=read_role_time(role_time),
        )
        channel_id = channel.id if channel else interaction.channel_id or 0
        order = make_order(interaction, plan, channel_id, host, starts_at=times.starts_at)
        await self.schedule_giveaway(
            interaction, order, times.starts_at, repeat, by_clock=times.by_clock
        )

    async def schedule_giveaway(
        self,
        interaction: Interaction,
        order: Order,
        first: datetime,
        repeat: app_commands.Choice[str] | None,
        *,
        by_clock: bool = False,
    ) -> None:
        """Hold a giveaway from an instant on, once or more often, and say what was understood.

        With `by_clock` those that come again end at the same time, also when the clocks change.
        """
        await ensure_may_promise(interaction, order.plan)
        if repeat is not None:
            zone, plan = await timezone_of(interaction), order.plan
            if by_clock:
                lasts, by_clock = length_by_clock(first, plan.duration, zone)
                plan = replace(plan, duration=lasts)
            series = SeriesOrder(
                guild_id=order.guild_id,
                channel_id=order.channel_id,
                host_id=order.host_id,
                plan=plan,
                first=first,
                repeat=Repeat(repeat.value),
                timezone=zone,
                by_clock=by_clock,
            )
            await self._begin_series(interaction, series)
            return
        giveaway = await self.opening.open(order, actor_of(interaction))
        await answer(interaction, _scheduled(giveaway))

    async def _begin_series(self, interaction: Interaction, order: SeriesOrder) -> None:
        series = await self.series.begin(order, actor_of(interaction))
        done = _(
            "🔁 The giveaway of {prize} begins {when} in {channel}, and comes again {repeat} at "
            "that time in {zone}. /giveaway cancel stops it.",
            prize=quote(series.plan["prize"]),
            when=moment(order.first),
            channel=f"<#{order.channel_id}>",
            repeat=how_often(series, order.repeat),
            zone=order.timezone,
        )
        await answer(interaction, done)


_REPEATS = {
    Repeat.DAILY: _("every day"),
    Repeat.WEEKLY: _("every week"),
    Repeat.MONTHLY: _("every month"),
}


def how_often(series: GiveawaySeries, repeat: Repeat) -> Message:
    """Return how often a series comes again."""
    if is_on_last_days(Recurrence(series.rule, series.timezone)):
        return _("on the last day of each month")
    return _REPEATS[repeat]


def _opened(giveaway: Giveaway) -> Message:
    values = {
        "number": giveaway.number,
        "prize": quote(giveaway.prize),
        "channel": f"<#{giveaway.channel_id}>",
    }
    hint = _("Requirements, bonus entries and looks: /giveaway edit.")
    if giveaway.ends_at is None:
        return _("🎉 #{number}, {prize}, is on its way to {channel}. {hint}", **values, hint=hint)
    return _(
        "🎉 #{number}, {prize}, is on its way to {channel} and ends {when}. {hint}",
        **values,
        when=moment(giveaway.ends_at),
        hint=hint,
    )


def _scheduled(giveaway: Giveaway) -> Message:
    values = {
        "number": giveaway.number,
        "prize": quote(giveaway.prize),
        "channel": f"<#{giveaway.channel_id}>",
        "when": moment(giveaway.starts_at),
    }
    if giveaway.ends_at is None:
        return _("🗓️ #{number}, {prize}, begins {when} in {channel}.", **values)
    return _(
        "🗓️ #{number}, {prize}, begins {when} in {channel} and ends {end}.",
        **values,
        end=moment(giveaway.ends_at),
    )
