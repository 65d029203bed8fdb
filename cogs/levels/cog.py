"""Hears of messages, voice and joins; the commands that members use.

Nothing is decided here. Members are not cached, so news of them comes from raw payloads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import StopButton
from bot.checks import guild_id_of
from bot.core.i18n import N_, _
from bot.core.imaging.studio import NotDrawnError
from bot.localization import locale_of
from bot.replies import answer, paginate
from bot.written import written
from cogs.levels import importing, reconciling
from cogs.levels.announcing import IN_PRIVATE, NEVER
from cogs.levels.explaining import Situation, explain
from cogs.levels.office import Interaction, Office
from cogs.levels.settings import KEY
from cogs.levels.standings import Period
from cogs.levels.wording import board_pages, card_of, rank_line
from db.levels import put_notify

if TYPE_CHECKING:
    from bot.client import Pegasus

_TALK = f"{KEY}.talk"
_AWAY = N_("<@{user}> is not in this server. What they had earned waits for when they come back.")
_WISHES = {
    "guild": N_("✅ You are told of your levels as this server tells them."),
    IN_PRIVATE: N_("✅ I tell you of your levels in private."),
    NEVER: N_("✅ I don't tell anybody of your levels."),
}


@app_commands.guild_only()
class Levels(
    commands.GroupCog,
    group_name="levels",
    group_description="Experience and levels in this server",
):
    """Joins the services of levels to Discord's events and commands."""

    def __init__(self, bot: Pegasus, office: Office) -> None:
        self.bot = bot
        self.office = office
        self._unsubscribe: Callable[[], None] = lambda: None

    async def cog_load(self) -> None:
        """Take up earlier work and begin to listen."""
        kernel, office = self.bot.kernel, self.office
        await office.boosts.start()
        kernel.batches.register(reconciling.KIND, office.reconciler)
        kernel.batches.register(importing.KIND, office.importer)
        office.gifts.start(kernel.jobs)
        self.bot.add_dynamic_items(StopButton)
        self._unsubscribe = office.ruling.start(kernel.bus)
        self.bot.intake.add_observer(KEY, office.counter.see)
        for event, listener in (
            ("GUILD_CREATE", office.seats.guild_seen),
            ("GUILD_DELETE", self.on_guild_gone),
            ("VOICE_STATE_UPDATE", office.seats.moved),
            ("GUILD_MEMBER_UPDATE", office.seats.changed),
            ("GUILD_MEMBER_ADD", office.returning.joined),
            ("CHANNEL_UPDATE", self.on_place_changed),
            ("THREAD_UPDATE", self.on_place_changed),
        ):
            self.bot.intake.listen(event, KEY, listener)
        kernel.unwritten.register(KEY, self.flush)
        kernel.supervisor.start(_TALK, office.talk.run)

    async def cog_unload(self) -> None:
        """Store what was counted, and hear of nothing more."""
        self._unsubscribe()
        self.bot.intake.remove(KEY)
        self.bot.kernel.unwritten.remove(KEY)
        await self.bot.kernel.supervisor.end(_TALK)
        await self.office.studio.close()
        await self.flush()
        await self.office.returning.flush()

    async def flush(self) -> None:
        """Store what was counted and the minutes that wait."""
        await self.office.counter.flush()
        await self.office.talk.flush()

    def on_guild_gone(self, payload: Mapping[str, Any]) -> None:
        """Forget who sits where, in a guild that is gone or away."""
        self.office.seats.guild_gone(int(payload["id"]))
        self.office.plans.forget(int(payload["id"]))

    def on_place_changed(self, payload: Mapping[str, Any]) -> None:
        """Look anew where a channel stands."""
        if payload.get("guild_id"):
            self.office.plans.forget_places(int(payload["guild_id"]))

    # --- commands ----------------------------------------------------------------------------

    @app_commands.command(description="Show who has the most experience", extras=written("period"))
    @app_commands.describe(period="Of all time unless you say so")
    @app_commands.choices(
        period=[
            app_commands.Choice(name="Of all time", value="all"),
            app_commands.Choice(name="This week", value="week"),
            app_commands.Choice(name="This month", value="month"),
        ]
    )
    async def leaderboard(
        self, interaction: Interaction, period: app_commands.Choice[str] | None = None
    ) -> None:
        """Show a board."""
        guild_id, locale = guild_id_of(interaction), locale_of(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        wanted: Period = period.value if period else "all"  # pyright: ignore[reportAssignmentType] - as declared
        places = await self.office.standings.board(guild_id, wanted)
        if not places:
            await answer(interaction, _("Nobody has earned any experience yet."))
            return
        own = await self.office.standings.own_rank(guild_id, interaction.user.id, wanted)
        settings = self.office.book.plan(guild_id).settings
        await paginate(interaction, board_pages(places, wanted, own, settings.colour, locale))

    @app_commands.command(
        description="Say why somebody earns experience, or does not",
        extras={"works_while_off": True},
    )
    @app_commands.describe(member="Whom it is about; you if left out")
    async def why(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Explain everything that decides what a member earns here and now."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        who = member or interaction.user
        if not isinstance(who, discord.Member):
            await answer(interaction, _(_AWAY, user=who.id))
            return
        situation = await self._situation(interaction, who)
        locale = locale_of(interaction)
        lines = [f"**<@{who.id}>**", *(one.render(locale) for one in explain(situation))]
        await answer(interaction, "\n".join(lines))

    async def _situation(
        self, interaction: Interaction, who: discord.Member | discord.User
    ) -> Situation:
        guild_id, office = guild_id_of(interaction), self.office
        await self.bot.kernel.settings.get(guild_id, KEY)
        plan, state = office.book.plan(guild_id), self.bot.kernel.state()
        xp, minutes = await office.standings.today(guild_id, who.id)
        # What somebody was given for may be nobody else's matter.
        own = who.id == interaction.user.id
        gifts = await office.standings.gifts(guild_id, who.id) if own else ()
        seat = office.seats.get(guild_id, who.id)
        channel_id = interaction.channel_id or 0
        room = [one for one in office.seats.in_guild(guild_id) if seat and _shares(one, seat)]
        return Situation(
            plan=plan,
            role_ids=frozenset(role.id for role in getattr(who, "roles", ())),
            is_bot=who.bot,
            channel_id=channel_id,
            channel_percent=plan.place_percent(channel_id, state),
            ready_in=office.counter.ready_in((guild_id, who.id)),
            reads_content=self.bot.kernel.config.discord.message_content_intent,
            seat=seat,
            room=tuple(room),
            afk_channel_id=office.afk_channel(guild_id),
            voice_percent=plan.place_percent(seat.channel_id, state) if seat else 100,
            minutes=minutes,
            xp_today=xp,
            boost=office.boosts.get(guild_id),
            gifts=gifts,
        )

    @app_commands.command(description="Choose where you are told of your new levels")
    @app_commands.describe(where="Where you are told")
    @app_commands.choices(
        where=[
            app_commands.Choice(name="As this server does", value="guild"),
            app_commands.Choice(name="In private messages", value=IN_PRIVATE),
            app_commands.Choice(name="Never", value=NEVER),
        ]
    )
    async def notify(self, interaction: Interaction, where: app_commands.Choice[str]) -> None:
        """Store what the member wants."""
        wish = None if where.value == "guild" else where.value
        async with self.bot.kernel.database.write() as session:
            await put_notify(session, guild_id_of(interaction), interaction.user.id, wish)
        await answer(interaction, _(_WISHES[where.value]))


class Ranks(commands.Cog):
    """The /rank command, which stands alone."""

    def __init__(self, office: Office) -> None:
        self.office = office

    @app_commands.command(
        description="Show the level and experience of a member", extras=written("member")
    )
    @app_commands.describe(member="Whose rank; yours if left out")
    @app_commands.guild_only()
    async def rank(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Show a member's card, for all to see."""
        guild_id, locale = guild_id_of(interaction), locale_of(interaction)
        who = member or interaction.user
        if who.bot:
            await answer(interaction, _("Bots earn nothing."))
            return
        if not isinstance(who, discord.Member):
            await answer(interaction, _(_AWAY, user=who.id))
            return
        await interaction.response.defer(thinking=True)
        standing = await self.office.standings.rank(guild_id, who.id)
        accent = self.office.book.plan(guild_id).settings.colour
        card = card_of(standing, who.display_name, who.name, accent, locale)
        text = rank_line(standing, who.id, locale)
        try:
            data = await self.office.cards.draw(
                card, user_id=who.id, avatar=who.avatar.key if who.avatar else None
            )
        except NotDrawnError:
            await answer(interaction, text, ephemeral=False)
            return
        file = discord.File(BytesIO(data), "rank.png", description=text[:1024])
        await answer(interaction, file=file, ephemeral=False)


def _shares(one: Any, seat: Any) -> bool:
    return one.channel_id == seat.channel_id
