"""Commands that warn members and take their voice for a while: /warn to /unmute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.cases import CaseKind
from cogs.moderation.completion import complete_duration, complete_reason, complete_span
from cogs.moderation.deeds import Deed, carry_out
from cogs.moderation.people import Interaction
from cogs.moderation.policy import SettingsPolicy
from cogs.moderation.rules.reading import read_duration
from cogs.moderation.thresholds import Thresholds

if TYPE_CHECKING:
    from bot.client import Pegasus

_REASON = "Why; kept with the case and told to the member"


class Restricting(commands.Cog):
    """Warnings, notes, timeouts and mutes."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Have cases follow the guilds' settings."""
        kernel = self.bot.kernel
        thresholds = Thresholds(
            kernel.cases, kernel.settings, kernel.jobs, kernel.clock, kernel.state
        )
        thresholds.start()
        kernel.cases.use_policy(SettingsPolicy(kernel.settings, thresholds))

    @app_commands.command(description="Warn a member")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to warn", reason=_REASON, points="Warn points; the usual ones if left out"
    )
    @app_commands.autocomplete(reason=complete_reason)
    async def warn(
        self,
        interaction: Interaction,
        member: discord.User,
        reason: str,
        points: app_commands.Range[int, 0, 100] | None = None,
    ) -> None:
        """Warn a member."""
        deed = Deed(kind=CaseKind.WARN, target=member, reason=reason, points=points)
        await _do(interaction, deed)

    @app_commands.command(description="Keep a note about somebody; they are not told")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(user="Whom it is about; also someone who has left", text="The note")
    async def note(self, interaction: Interaction, user: discord.User, text: str) -> None:
        """Keep a note."""
        await _do(interaction, Deed(kind=CaseKind.NOTE, target=user, reason=text))

    @app_commands.command(description="Take a member's voice for a while")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to time out",
        duration="How long, for example 30m, 1h 30m or 2 days",
        reason=_REASON,
    )
    @app_commands.autocomplete(duration=complete_duration, reason=complete_reason)
    async def timeout(
        self,
        interaction: Interaction,
        member: discord.User,
        duration: str,
        reason: str | None = None,
    ) -> None:
        """Time a member out; longer than Discord's 28 days is renewed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        deed = Deed(
            kind=CaseKind.TIMEOUT, target=member, reason=reason, duration=read_duration(duration)
        )
        await carry_out(interaction, deed)

    @app_commands.command(description="End a member's timeout")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(member="Whose timeout to end", reason=_REASON)
    @app_commands.autocomplete(reason=complete_reason)
    async def untimeout(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """End a timeout."""
        await _do(interaction, Deed(kind=CaseKind.UNTIMEOUT, target=member, reason=reason))

    @app_commands.command(description="Give a member the mute role")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to mute", duration="How long; for good if left out", reason=_REASON
    )
    @app_commands.autocomplete(duration=complete_span, reason=complete_reason)
    async def mute(
        self,
        interaction: Interaction,
        member: discord.User,
        duration: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Give the mute role."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        deed = Deed(
            kind=CaseKind.MUTE, target=member, reason=reason, duration=read_duration(duration)
        )
        await carry_out(interaction, deed)

    @app_commands.command(description="Take the mute role from a member")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(member="Whose mute to end", reason=_REASON)
    @app_commands.autocomplete(reason=complete_reason)
    async def unmute(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Take the mute role."""
        await _do(interaction, Deed(kind=CaseKind.UNMUTE, target=member, reason=reason))


async def _do(interaction: Interaction, deed: Deed) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await carry_out(interaction, deed)
