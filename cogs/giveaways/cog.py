"""Joins giveaways to Discord: the /giveaway commands, each group of them in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from cogs.giveaways.board import Board
from cogs.giveaways.changing import ChangeCommands
from cogs.giveaways.hosting import HostCommands
from cogs.giveaways.looking import LookCommands
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.proving import ProofCommands
from cogs.giveaways.series import Series, Templates
from cogs.giveaways.vault import vault_of

if TYPE_CHECKING:
    from bot.client import Pegasus


@app_commands.guild_only()
class Giveaways(
    HostCommands,
    ChangeCommands,
    LookCommands,
    ProofCommands,
    commands.GroupCog,
    group_name="giveaway",
    group_description="Giveaways of this server",
):
    """Joins the services of giveaways to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.board = Board(
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
        )
        self.opening = Opening(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            audit=kernel.audit,
            board=self.board,
        )
        self.series = Series(
            kernel.database,
            kernel.clock,
            jobs=kernel.jobs,
            opening=self.opening,
            problems=kernel.problems,
        )
        self.templates = Templates(kernel.database, kernel.clock)
        self.proofs = Proofs(kernel.database)
        self.vault = vault_of(kernel.config, kernel.clock, kernel.database.path)

    async def cog_load(self) -> None:
        """Take up the work of earlier runs."""
        self.board.start()
        self.opening.start()
        self.series.start()
