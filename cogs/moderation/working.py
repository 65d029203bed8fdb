"""Joins the workers of moderation's batches to the kernel's service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.batchscreens import StopButton
from bot.reach import MemberReach
from cogs.moderation.massbanning import KIND as MASSBAN
from cogs.moderation.massbanning import MassBanner
from cogs.moderation.purges import KIND as PURGE
from cogs.moderation.purges import PurgeService

if TYPE_CHECKING:
    from bot.client import Pegasus


class Working(commands.Cog):
    """Does the purges and mass bans that were ordered."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.purges = PurgeService(
            bot,
            kernel.clock,
            settings=kernel.settings,
            audit=kernel.audit,
            outbox=kernel.outbox,
            state=kernel.state,
        )

    async def cog_load(self) -> None:
        """Go on with what earlier runs have begun, and have their buttons work."""
        kernel = self.bot.kernel
        kernel.batches.register(PURGE, self.purges)
        kernel.batches.register(
            MASSBAN, MassBanner(kernel.cases, kernel.state, reach=MemberReach(self.bot))
        )
        self.bot.add_dynamic_items(StopButton)


def working_of(interaction: discord.Interaction[Any]) -> Working:
    """Return what does the purges."""
    cog: Any = interaction.client.get_cog("Working")
    return cog
