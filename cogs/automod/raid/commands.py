"""/automod raid and /automod lockdown: what staff see of raids and do about them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import discord
from discord import app_commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of
from bot.core.durations import parse_duration
from bot.core.errors import InvalidInput
from bot.core.features import RateClass
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.replies import answer
from cogs.automod.raid.desk import FEATURE
from cogs.automod.raid.lockdown import MAX_REASON, LockdownOrder
from cogs.automod.raid.views import cog_of, offer_ban
from cogs.automod.raid.wording import alert_text, member_list, stamp
from db.lockdowns import LockdownState

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

MANAGED = {MANAGES: FEATURE, "rate_class": RateClass.MODERATION}
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)
_MENTION = re.compile(r"<#(\d{15,20})>|\b(\d{15,20})\b")


class RaidCommands(app_commands.Group):
    """The commands about raids."""

    def __init__(self) -> None:
        super().__init__(name="raid", description="See and end raids, and ban who joined")

    @app_commands.command(
        description="See the raid that is on, or the latest one", extras={**MANAGED}
    )
    async def status(self, interaction: Interaction) -> None:
        """Answer with what is known, and who joined."""
        guild_id = await begin(interaction)
        report = await cog_of(interaction).raids.report(guild_id)
        locale = locale_of(interaction)
        text = alert_text(report.raid, locale)
        await answer(interaction, f"{text}\n\n{member_list(report.suspicions, locale)}")

    @app_commands.command(
        description="End the raid: open all doors again as they were", extras={**MANAGED}
    )
    async def end(self, interaction: Interaction) -> None:
        """End it now."""
        guild_id = await begin(interaction)
        await cog_of(interaction).raids.end(guild_id, actor_of(interaction))
        await answer(interaction, _("The raid is over. I am putting everything back as it was."))

    @app_commands.command(
        description="Ban who joined during the latest raid, after a look at them",
        extras={**MANAGED},
    )
    async def ban(self, interaction: Interaction) -> None:
        """Show who would be banned, and ban them after a yes."""
        await begin(interaction)
        await offer_ban(interaction)


class LockdownCommands(app_commands.Group):
    """The commands about lockdowns."""

    def __init__(self) -> None:
        super().__init__(name="lockdown", description="Close channels, and open them as they were")

    @app_commands.command(
        description="Close all public channels, or some, so that only staff can write",
        extras={**MANAGED},
    )
    @app_commands.describe(
        channels="The channels to close, such as #general #memes; all public ones if left out",
        duration="How long, such as 30m or 2h; until you end it if left out",
        reason="Why, for the log",
    )
    async def start(
        self,
        interaction: Interaction,
        channels: app_commands.Range[str, 1, 1000] | None = None,
        duration: app_commands.Range[str, 1, 40] | None = None,
        reason: app_commands.Range[str, 1, MAX_REASON] | None = None,
    ) -> None:
        """Begin a lockdown."""
        guild_id = await begin(interaction)
        order = LockdownOrder(
            guild_id=guild_id,
            actor=actor_of(interaction),
            channel_ids=read_channels(interaction, channels),
            duration=_read_duration(duration),
            reason=reason,
        )
        lockdowns = cog_of(interaction).lockdowns
        lockdown = await lockdowns.begin(order)
        await answer(interaction, await self._closing(interaction, lockdown.ends_at))

    @staticmethod
    async def _closing(interaction: Interaction, ends_at: object) -> Message:
        found = await cog_of(interaction).lockdowns.current(guild_id_of(interaction))
        count = sum(found[1].values()) if found else 0
        closing = ngettext("I am closing {count} channel.", "I am closing {count} channels.", count)
        if found is not None and found[0].ends_at is not None and ends_at:
            return _(
                "{closing} They open again {when}, exactly as they were.",
                closing=closing,
                when=stamp(found[0].ends_at),
            )
        return _(
            "{closing} /automod lockdown end opens them again, exactly as they were.",
            closing=closing,
        )

    @app_commands.command(
        description="Open the closed channels again, exactly as they were", extras={**MANAGED}
    )
    async def end(self, interaction: Interaction) -> None:
        """End the lockdown."""
        guild_id = await begin(interaction)
        lockdown = await cog_of(interaction).lockdowns.end(guild_id)
        if lockdown.state == LockdownState.OPENING:
            await answer(interaction, _("I am opening the channels already."))
            return
        await answer(
            interaction,
            _("I am opening the channels. What somebody changed by hand stays as they set it."),
        )


async def begin(interaction: Interaction) -> int:
    """Defer, check that the person manages Automod, and return the guild's id."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, FEATURE)
    return guild_id_of(interaction)


def read_channels(interaction: Interaction, text: str | None) -> frozenset[int] | None:
    """Return the ids of the channels that a text names; raises `InvalidInput` for others."""
    if text is None:
        return None
    state = interaction.client.kernel.state()
    guild_id = guild_id_of(interaction)
    named = {int(one or other) for one, other in _MENTION.findall(text)}
    known = {one for one in named if state.channel(guild_id, one) is not None}
    if not known or known != named:
        raise InvalidInput(
            _("I don't know these channels."), hint=_("Mention them, such as #general #memes.")
        )
    return frozenset(known)


def _read_duration(text: str | None) -> timedelta | None:
    return parse_duration(text, minimum=SHORTEST, maximum=LONGEST) if text else None
