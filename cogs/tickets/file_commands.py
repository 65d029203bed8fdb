"""The command that gets a file of a ticket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.errors import AppError
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.replies import answer
from cogs.tickets.access import Access, Interaction, access_of, complete_ticket

if TYPE_CHECKING:
    from cogs.tickets.service import TicketService

_OF_ALL: Any = {"rate_class": RateClass.MODERATION}


async def complete_file(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the files of the ticket that is named, or of the room, to who may look into it."""
    access = access_of(interaction)
    try:
        standing = await access.find(interaction, getattr(interaction.namespace, "ticket", None))
    except AppError:
        return []
    cog: Any = interaction.client.get_cog("Tickets")
    offers = await cog.service.handout.offer(standing.ticket, current)
    return [app_commands.Choice(name=name, value=value) for name, value in offers]


class FileCommands(commands.Cog):
    """Hands out what was sent in tickets; a base of the cog."""

    service: TicketService
    access: Access

    @app_commands.command(description="Get a file that was sent in a ticket", extras=_OF_ALL)
    @app_commands.describe(
        file="Which file, by its name", ticket="Of which ticket, if not the one of this room"
    )
    @app_commands.autocomplete(file=complete_file, ticket=complete_ticket)
    async def file(
        self,
        interaction: Interaction,
        file: app_commands.Range[str, 1, 255],
        ticket: str | None = None,
    ) -> None:
        """Send a file to the opener, or to the staff of the ticket's panel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.find(interaction, ticket)
        given = await self.service.handout.get(standing.ticket, file, interaction.filesize_limit)
        # Opened in a thread; what is sent is read in one, too, piece by piece.
        content = await asyncio.to_thread(discord.File, given.path, filename=given.name)
        text = _("From ticket {number}.", number=standing.ticket.number)
        await answer(interaction, text, file=content)
