"""The /mydata commands, for every person and only about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.features import RateClass
from bot.core.i18n import _
from bot.replies import answer, confirm
from bot.tree import leave_unnamed
from cogs.privacy.service import PrivacyService

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction = discord.Interaction["Pegasus"]


class Privacy(commands.GroupCog, group_name="mydata", group_description="Your data with this bot"):
    """Hands the requests of a person about their own data on."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.service = PrivacyService(
            kernel.database, kernel.clock, kernel.unwritten, kernel.limits
        )

    @app_commands.command(
        description="Get everything I have stored about you as a file",
        extras={"rate_class": RateClass.HEAVY},
    )
    async def export(self, interaction: Interaction) -> None:
        """Answer with a JSON file that only the person sees."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        content = await self.service.export(interaction.user.id)
        file = discord.File(content, filename=f"pegasus-{interaction.user.id}.json")
        await answer(interaction, _("This is everything I have stored about you."), file=file)

    @app_commands.command(description="Delete what I have stored about you")
    async def delete(self, interaction: Interaction) -> None:
        """Ask once more, then erase."""
        question = _(
            "This deletes what I have stored about you in every server, for good. What the staff "
            "of a server has recorded about you (warnings and the like) is theirs and stays: ask "
            "them about it, or whoever runs this bot. What holds for you now, such as a mute or a "
            "block, stays until it ends. Shall I go on?"
        )
        if not await confirm(interaction, question, accept=_("Delete my data")):
            return
        # This use is recorded once it is over, and would bring the person back.
        leave_unnamed(interaction)
        rows = await self.service.erase(interaction.user.id)
        await answer(interaction, _("Done: {rows} records about you are gone.", rows=rows))
