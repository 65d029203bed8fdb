"""Joins giveaways to Discord: the /giveaway commands, each group of them in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from cogs.giveaways.proof import Proofs
from cogs.giveaways.proving import ProofCommands
from cogs.giveaways.vault import vault_of

if TYPE_CHECKING:
    from bot.client import Pegasus


@app_commands.guild_only()
class Giveaways(
    ProofCommands,
    commands.GroupCog,
    group_name="giveaway",
    group_description="Giveaways of this server",
):
    """Joins the services of giveaways to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.proofs = Proofs(kernel.database)
        self.vault = vault_of(kernel.config, kernel.clock, kernel.database.path)
