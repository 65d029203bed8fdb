"""Commands that warn members and take their voice for a while: /warn to /unmute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.cases import CaseKind
from bot.written import written
from cogs.moderation.completion import complete_duration, complete_reason, complete_span
from cogs.moderation.people import Interaction
from cogs.moderation.policy import SettingsPolicy
from cogs.moderation.punishing import WHY, punish
from cogs.moderation.thresholds import Thresholds

if TYPE_CHECKING:
    from bot.client import Pegasus


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

    @app_commands.command(description="Warn a member", extras=written("member", "reason"))
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to warn", reason=WHY, points="Warn points; the usual ones if left out"
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
        await punish(interaction, CaseKind.WARN, member, reason, points=points)

    @app_commands.command(description="Keep a note about somebody; they are not told")
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(user="Whom it is about; also someone who has left", text="The note")
    async def note(self, interaction: Interaction, user: discord.User, text: str) -> None:
        """Keep a note."""
        await punish(interaction, CaseKind.NOTE, user, text)

    @app_commands.command(
        description="Take a member's voice for a while",
        extras=written("member", "duration", "reason"),
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to time out",
        duration="How long, for example 30m, 1h 30m or 2 days",
        reason=WHY,
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
        await punish(interaction, CaseKind.TIMEOUT, member, reason, duration=duration)

    @app_commands.command(description="End a member's timeout", extras=written("member", "reason"))
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(member="Whose timeout to end", reason=WHY)
    @app_commands.autocomplete(reason=complete_reason)
    async def untimeout(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """End a timeout."""
        await punish(interaction, CaseKind.UNTIMEOUT, member, reason)

    @app_commands.command(
        description="Give a member the mute role",
        extras=written("member", "duration", "reason"),
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        member="Whom to mute", duration="How long; for good if left out", reason=WHY
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
        await punish(interaction, CaseKind.MUTE, member, reason, duration=duration)

    @app_commands.command(
        description="Take the mute role from a member", extras=written("member", "reason")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(member="Whose mute to end", reason=WHY)
    @app_commands.autocomplete(reason=complete_reason)
    async def unmute(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Take the mute role."""
        await punish(interaction, CaseKind.UNMUTE, member, reason)
