"""Commands that remove people and let them back in: /kick to /softban."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.cases import CaseKind
from bot.written import written
from cogs.moderation.completion import complete_duration, complete_reason
from cogs.moderation.people import Interaction
from cogs.moderation.punishing import DELETE_CHOICES, HOW_FAR_BACK, WHY, punish, window_of

if TYPE_CHECKING:
    from bot.client import Pegasus


class Removing(commands.Cog):
    """Kicks, bans and their end."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    @app_commands.command(
        description="Remove a member; they can join again", extras=written("member", "reason")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(kick_members=True)
    @app_commands.describe(member="Whom to remove", reason=WHY)
    @app_commands.autocomplete(reason=complete_reason)
    async def kick(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Kick a member."""
        await punish(interaction, CaseKind.KICK, member, reason)

    @app_commands.command(
        description="Ban somebody for good, also someone who has left",
        extras=written("user", "reason"),
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(user="Whom to ban; an id will do", reason=WHY, delete=HOW_FAR_BACK)
    @app_commands.choices(delete=DELETE_CHOICES)
    @app_commands.autocomplete(reason=complete_reason)
    async def ban(
        self,
        interaction: Interaction,
        user: discord.User,
        reason: str | None = None,
        delete: app_commands.Choice[int] | None = None,
    ) -> None:
        """Ban for good."""
        await punish(interaction, CaseKind.BAN, user, reason, delete_window=window_of(delete))

    @app_commands.command(
        description="Ban somebody for a while", extras=written("user", "duration", "reason")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(
        user="Whom to ban; an id will do",
        duration="How long, for example 12h, 7 days or 2 weeks",
        reason=WHY,
        delete=HOW_FAR_BACK,
    )
    @app_commands.choices(delete=DELETE_CHOICES)
    @app_commands.autocomplete(duration=complete_duration, reason=complete_reason)
    async def tempban(
        self,
        interaction: Interaction,
        user: discord.User,
        duration: str,
        reason: str | None = None,
        delete: app_commands.Choice[int] | None = None,
    ) -> None:
        """Ban until an instant; a job lifts the ban."""
        window = window_of(delete)
        await punish(
            interaction, CaseKind.TEMPBAN, user, reason, duration=duration, delete_window=window
        )

    @app_commands.command(description="Lift a ban", extras=written("user", "reason"))
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(user="Whose ban to lift; an id will do", reason=WHY)
    @app_commands.autocomplete(reason=complete_reason)
    async def unban(
        self, interaction: Interaction, user: discord.User, reason: str | None = None
    ) -> None:
        """Lift a ban."""
        await punish(interaction, CaseKind.UNBAN, user, reason)

    @app_commands.command(
        description="Remove a member with their latest messages", extras=written("member", "reason")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(
        member="Whom to remove; they can join again",
        reason=WHY,
        delete="How far back their messages go; one day if left out",
    )
    @app_commands.choices(delete=DELETE_CHOICES[1:])
    @app_commands.autocomplete(reason=complete_reason)
    async def softban(
        self,
        interaction: Interaction,
        member: discord.User,
        reason: str | None = None,
        delete: app_commands.Choice[int] | None = None,
    ) -> None:
        """Ban and unban at once, which deletes messages."""
        window = window_of(delete) or timedelta(days=1)
        await punish(interaction, CaseKind.SOFTBAN, member, reason, delete_window=window)
