"""Joins giveaways to Discord: the /giveaway commands, each group of them in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

if TYPE_CHECKING:
    from bot.client import Pegasus


@app_commands.guild_only()
class Giveaways(
    commands.GroupCog,
    group_name="giveaway",
    group_description="Giveaways of this server",
):
    """Joins the services of giveaways to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
