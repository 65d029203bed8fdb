"""The commands: they read what Discord gives, call the service, and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of
from bot.core.i18n import _
from bot.replies import answer
from cogs._template.rules import Thanks
from cogs._template.service import TemplateService

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction = discord.Interaction["Pegasus"]


@app_commands.guild_only()
class Template(commands.GroupCog, group_name="template", group_description="Thank somebody"):
    """Joins the service to Discord."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.service = TemplateService(
            kernel.database, kernel.settings, kernel.outbox, kernel.state
        )

    @app_commands.command(description="Thank another member in public")
    @app_commands.describe(member="Whom you want to thank", reason="What for")
    async def give(self, interaction: Interaction, member: discord.Member, reason: str) -> None:
        """Pass the thanks on and tell where they are."""
        channel_id = await self.service.pass_on(
            guild_id_of(interaction),
            Thanks(interaction.user.id, member.id, member.bot, reason),
            request_id=interaction.id,
        )
        await answer(interaction, _("Done: see {channel}.", channel=f"<#{channel_id}>"))
