"""Commands that remove people and let them back in: /kick to /softban."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.cases import CaseKind
from cogs.moderation.completion import complete_duration, complete_reason
from cogs.moderation.deeds import Deed, carry_out
from cogs.moderation.people import Interaction
from cogs.moderation.rules.reading import read_duration

if TYPE_CHECKING:
    from bot.client import Pegasus

_REASON = "Why; kept with the case and told to the member"
_DELETE = "How far back their messages go; as the settings say if left out"

# How far back messages go, in seconds, as Discord's own client offers.
DELETE_CHOICES = [
    app_commands.Choice(name="None", value=0),
    app_commands.Choice(name="1 hour", value=3600),
    app_commands.Choice(name="6 hours", value=6 * 3600),
    app_commands.Choice(name="1 day", value=24 * 3600),
    app_commands.Choice(name="3 days", value=3 * 24 * 3600),
    app_commands.Choice(name="7 days", value=7 * 24 * 3600),
]


class Removing(commands.Cog):
    """Kicks, bans and their end."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    @app_commands.command(description="Remove a member; they can join again")
    @app_commands.guild_only()
    @app_commands.default_permissions(kick_members=True)
    @app_commands.describe(member="Whom to remove", reason=_REASON)
    @app_commands.autocomplete(reason=complete_reason)
    async def kick(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Kick a member."""
        await _do(interaction, Deed(kind=CaseKind.KICK, target=member, reason=reason))

    @app_commands.command(description="Ban somebody for good, also someone who has left")
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(user="Whom to ban; an id will do", reason=_REASON, delete=_DELETE)
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
        deed = Deed(kind=CaseKind.BAN, target=user, reason=reason, delete_window=window_of(delete))
        await _do(interaction, deed)

    @app_commands.command(description="Ban somebody for a while")
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(
        user="Whom to ban; an id will do",
        duration="How long, for example 12h, 7 days or 2 weeks",
        reason=_REASON,
        delete=_DELETE,
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
        await interaction.response.defer(ephemeral=True, thinking=True)
        deed = Deed(
            kind=CaseKind.TEMPBAN,
            target=user,
            reason=reason,
            duration=read_duration(duration),
            delete_window=window_of(delete),
        )
        await carry_out(interaction, deed)

    @app_commands.command(description="Lift a ban")
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(user="Whose ban to lift; an id will do", reason=_REASON)
    @app_commands.autocomplete(reason=complete_reason)
    async def unban(
        self, interaction: Interaction, user: discord.User, reason: str | None = None
    ) -> None:
        """Lift a ban."""
        await _do(interaction, Deed(kind=CaseKind.UNBAN, target=user, reason=reason))

    @app_commands.command(description="Remove a member with their latest messages")
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(
        member="Whom to remove; they can join again",
        reason=_REASON,
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
        deed = Deed(kind=CaseKind.SOFTBAN, target=member, reason=reason, delete_window=window)
        await _do(interaction, deed)


async def _do(interaction: Interaction, deed: Deed) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await carry_out(interaction, deed)


def window_of(choice: app_commands.Choice[int] | None) -> timedelta | None:
    """Return how far back messages go, `None` when it was left to the settings."""
    return None if choice is None else timedelta(seconds=choice.value)
