"""The /xp commands: what staff do with experience by hand, and its multipliers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import run_batch
from bot.checks import actor_of
from bot.core.durations import parse_duration
from bot.core.errors import Conflict, DiscordFailed, InvalidInput
from bot.core.fields.text import quote, shorten
from bot.core.i18n import N_, Message, _, ngettext
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.levels.boosts import LONGEST
from cogs.levels.describing import Number, describe_multiplier
from cogs.levels.desk import MANAGED, begin, change_settings, recheck
from cogs.levels.files import MOST_BYTES, Reading, read_file
from cogs.levels.importing import Mode, order_import, outcome_of, progress_of
from cogs.levels.office import Interaction, Office
from cogs.levels.rewarding import RewardCommands
from cogs.levels.rules import parse_xp
from cogs.levels.settings import (
    KEY,
    MOST_MULTIPLIERS,
    MOST_PERCENT,
    LevelSettings,
    Multiplier,
)
from cogs.levels.staff import Deed, Target

if TYPE_CHECKING:
    from bot.client import Pegasus

_SHOWN = 10
_SHORTEST = timedelta(minutes=5)


@app_commands.guild_only()
class Xp(commands.GroupCog, group_name="xp", group_description="Experience by staff's hand"):
    """Changes experience and what it depends on."""

    def __init__(self, bot: Pegasus, office: Office) -> None:
        self.bot = bot
        self.office = office
        group = self.__cog_app_commands_group__
        if group is not None:
            group.add_command(RewardCommands(bot, office))

    @app_commands.command(description="Give a member experience", extras=MANAGED)
    @app_commands.describe(member="The member who gets it", amount="How much")
    async def give(self, interaction: Interaction, member: discord.User, amount: str) -> None:
        """Add to what somebody has."""
        await self._change(interaction, member, Deed.GIVE, amount)

    @app_commands.command(description="Take experience from a member", extras=MANAGED)
    @app_commands.describe(member="From whom", amount="How much; nobody ends below 0")
    async def take(self, interaction: Interaction, member: discord.User, amount: str) -> None:
        """Take from what somebody has."""
        await self._change(interaction, member, Deed.TAKE, amount)

    @app_commands.command(name="set", description="Set a member's experience", extras=MANAGED)
    @app_commands.describe(member="Whose", amount="How much they are to have")
    async def set_xp(self, interaction: Interaction, member: discord.User, amount: str) -> None:
        """Put a number in place of what somebody has."""
        await self._change(interaction, member, Deed.SET, amount)

    async def _change(
        self,
        interaction: Interaction,
        member: discord.Member | discord.User,
        deed: Deed,
        amount: str,
    ) -> None:
        guild_id = await begin(interaction)
        if member.bot:
            raise InvalidInput(_("Bots earn nothing."), hint=_("Choose another member."))
        value = parse_xp(amount, zero=deed is Deed.SET)
        is_member = isinstance(member, discord.Member)
        roles = frozenset(one.id for one in member.roles) if is_member else None
        target = Target(guild_id, member.id, roles)
        revised = await self.office.staff.change(target, deed, value, actor_of(interaction))
        await answer(
            interaction,
            _(
                "✅ {member}: {before} → {after} experience, level {level}.",
                member=f"<@{member.id}>",
                before=Number(revised.before_xp),
                after=Number(revised.rise.xp),
                level=Number(revised.rise.level),
            ),
        )

    # --- what it depends on --------------------------------------------------------------------

    @app_commands.command(
        description="Have everything earn more for a time; without options, show it",
        extras=MANAGED,
    )
    @app_commands.describe(
        multiplier="How many times as much, such as 2 or 1.5; 1 ends it",
        duration="For how long, such as 2h or 3 days",
    )
    async def boost(
        self,
        interaction: Interaction,
        multiplier: app_commands.Range[float, 1.0, 10.0] | None = None,
        duration: str | None = None,
    ) -> None:
        """Begin a boost, end it, or show it."""
        guild_id = await begin(interaction)
        if multiplier is None:
            await answer(interaction, self._boost_words(guild_id))
            return
        percent = round(multiplier * 100)
        if percent == 100:
            ended = await self.office.staff.end_boost(guild_id, actor_of(interaction))
            text = _("✅ The boost has ended.") if ended else _("There is no boost.")
            await answer(interaction, text)
            return
        if duration is None:
            raise InvalidInput(_("For how long? Name a duration, such as 2h."))
        span = parse_duration(duration, minimum=_SHORTEST, maximum=LONGEST)
        await self.office.staff.boost(guild_id, percent, span, actor_of(interaction))
        await answer(interaction, self._boost_words(guild_id))

    def _boost_words(self, guild_id: int) -> Message:
        boost = self.office.boosts.get(guild_id)
        if boost is None:
            return _("There is no boost.")
        end = int(boost[1].timestamp())
        return _(
            "🚀 Everything earns {percent} % until {end}.", percent=boost[0], end=f"<t:{end}:f>"
        )

    @app_commands.command(
        description="Have a role or channel earn more or less; without options, show all",
        extras=MANAGED,
    )
    @app_commands.describe(
        percent="100 is what everybody earns and takes the multiplier away, 0 is nothing",
        role="The role; of several that somebody has the highest percentage counts",
        channel="The channel or category",
    )
    async def multiplier(
        self,
        interaction: Interaction,
        percent: app_commands.Range[int, 0, MOST_PERCENT] | None = None,
        role: discord.Role | None = None,
        channel: discord.abc.GuildChannel | None = None,
    ) -> None:
        """Set, remove or show multipliers."""
        guild_id = await begin(interaction)
        if percent is None:
            await self._show_multipliers(interaction, guild_id)
            return
        if (role is None) == (channel is None):
            raise InvalidInput(_("Name one role or one channel."))
        found = Multiplier(
            role_id=role.id if role else None,
            channel_id=channel.id if channel else None,
            percent=percent,
        )
        await change_settings(
            self.bot.kernel.settings,
            guild_id,
            lambda now: {"multipliers": _with_multiplier(now, found)},
            actor_of(interaction),
        )
        await self._show_multipliers(interaction, guild_id)

    async def _show_multipliers(self, interaction: Interaction, guild_id: int) -> None:
        settings: LevelSettings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        if not settings.multipliers:
            await answer(interaction, _("All roles and channels earn alike."))
            return
        locale = locale_of(interaction)
        lines = [f"- {describe_multiplier(one).render(locale)}" for one in settings.multipliers]
        await answer(interaction, "\n".join(lines))

    # --- import --------------------------------------------------------------------------------

    @app_commands.command(
        name="import", description="Import experience from a CSV or JSON file", extras=MANAGED
    )
    @app_commands.describe(
        file="With a person's ID and experience or level in each line; other bots' exports work",
        mode="What becomes of experience that somebody has; it is replaced unless you say so",
    )
    @app_commands.choices(
        mode=[
            app_commands.Choice(name="Replace it", value="replace"),
            app_commands.Choice(name="Add to it", value="add"),
            app_commands.Choice(name="Keep whichever is higher", value="higher"),
        ]
    )
    async def import_file(
        self,
        interaction: Interaction,
        file: discord.Attachment,
        mode: app_commands.Choice[str] | None = None,
    ) -> None:
        """Read the whole file, show what it says, and import it after a yes."""
        guild_id, locale = await begin(interaction), locale_of(interaction)
        await self.bot.kernel.settings.get(guild_id, KEY)
        curve = self.office.book.plan(guild_id).curve
        reading = await asyncio.to_thread(read_file, await _download(file), curve)
        title = quote(file.filename, 60)
        if not reading.lines:
            raise InvalidInput(
                Message("{words}", {"words": _bad_words(reading, locale) or title}),
            )
        wanted = cast("Mode", mode.value if mode else "replace")
        if not await confirm(
            interaction,
            _preview(title, reading, wanted, locale),
            danger=wanted == "replace",
            recheck=recheck,
        ):
            return
        await self.office.counter.flush()
        actor = actor_of(interaction)
        lines = reading.lines
        await self.office.importer.keep(guild_id, interaction.id, lines, actor, wanted)
        order = order_import(
            guild_id,
            interaction.channel_id or 0,
            interaction.id,
            actor,
            locale=locale,
            lines=len(lines),
            mode=wanted,
        )
        await run_batch(interaction, order, progress=progress_of, outcome=outcome_of)


_QUESTIONS: dict[Mode, str] = {
    "replace": N_("Import this? It takes the place of what they have."),
    "add": N_("Import this? It is added to what they have."),
    "higher": N_("Import this? Whoever has more already keeps that."),
}


async def _download(file: discord.Attachment) -> bytes:
    if file.size > MOST_BYTES:
        raise InvalidInput(_("This file is too large: at most 4 MiB, please."))
    try:
        return await file.read()
    except discord.HTTPException:
        raise DiscordFailed(
            _("I could not get the file from Discord."), hint=_("Please try again.")
        ) from None


def _preview(title: str, reading: Reading, mode: Mode, locale: str) -> Message:
    """Return what a file says, as the question before it is imported."""
    count = ngettext(
        "{title}: {count} person", "{title}: {count} people", len(reading.lines), title=title
    )
    lines = [count.render(locale)]
    lines += [
        f"- <@{one.user_id}>: {Number(one.xp).render(locale)}" for one in reading.lines[:_SHOWN]
    ]
    if len(reading.lines) > _SHOWN:
        lines.append("- …")
    if reading.bad:
        lines.append(_bad_words(reading, locale))
    lines.append(Message(_QUESTIONS[mode]).render(locale))
    return Message("{text}", {"text": shorten("\n".join(lines), 1900)})


def _bad_words(reading: Reading, locale: str) -> str:
    count = ngettext(
        "⚠️ {count} line can't be imported:",
        "⚠️ {count} lines can't be imported:",
        len(reading.bad),
    )
    lines = [count.render(locale)]
    for one in reading.bad[:_SHOWN]:
        words = _("Line {number}: {problem}", number=one.number, problem=one.problem)
        lines.append(f"-# {quote(words.render(locale), 160)}")
    return "\n".join(lines)


def _with_multiplier(settings: LevelSettings, new: Multiplier) -> list[dict[str, Any]]:
    """Return the multipliers with one in its place; one of 100 percent is none."""
    target = new.role_id, new.channel_id
    kept = [one for one in settings.multipliers if (one.role_id, one.channel_id) != target]
    if new.percent != 100:
        kept.append(new)
    if len(kept) > MOST_MULTIPLIERS:
        raise Conflict(
            _("There are {count} multipliers already, which is the most.", count=MOST_MULTIPLIERS)
        )
    return [one.model_dump(mode="json") for one in kept]
