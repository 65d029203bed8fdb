"""Joins the economy's services to Discord: the /economy commands of those who manage it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.batchscreens import StopButton
from bot.membership import list_page
from cogs.economy.auditing import Auditing
from cogs.economy.bulk import KIND, Bulk, Holder
from cogs.economy.item_commands import ItemCommands
from cogs.economy.reporting import Reporting
from cogs.economy.staff_commands import StaffCommands
from cogs.economy.treasury import Treasury

if TYPE_CHECKING:
    from bot.client import Pegasus


class _Lister:
    """Pages of members over discord.py's HTTP client; see `cogs.economy.bulk.MemberLister`."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Holder]:
        """Return members whose ids are higher, in order."""
        page = await list_page(self._bot, guild_id, after=after, limit=limit)
        return [
            Holder(
                int(one["user"]["id"]),
                one["user"].get("bot", False),
                frozenset(map(int, one.get("roles", ()))),
            )
            for one in page
        ]


@app_commands.guild_only()
class Economy(
    StaffCommands,
    ItemCommands,
    commands.GroupCog,
    group_name="economy",
    group_description="The money of this server",
):
    """The economy as its staff see it, and the work that goes on at night."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.treasury = Treasury(kernel.database, kernel.clock, kernel.audit)
        self.reporting = Reporting(kernel.database, kernel.clock)
        self.auditing = Auditing(
            kernel.database,
            kernel.clock,
            jobs=kernel.jobs,
            problems=kernel.problems,
            audited=kernel.metrics.ledgers_audited,
        )
        self.bulks = Bulk(self.treasury, _Lister(bot), state=kernel.state)

    async def cog_load(self) -> None:
        """Go on with what earlier runs have begun."""
        self.bot.kernel.batches.register(KIND, self.bulks)
        self.bot.add_dynamic_items(StopButton)
        await self.auditing.start()
