"""The command that offers a trade. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of, in_time
from bot.replies import answer
from cogs.economy.amounts import LONGEST_TEXT, parse_amount
from cogs.economy.completing import complete_held, complete_wanted
from cogs.economy.desk import MOVES, Interaction, public_locale, settings_of
from cogs.economy.inventory import Receiver
from cogs.economy.shop_buttons import deal_view
from cogs.economy.shop_rules import MOST_PIECES
from cogs.economy.shop_words import deal_lines, joined
from cogs.economy.trade_rules import Proposal, Side
from cogs.economy.trading import Offer
from cogs.economy.wording import Currency
from db.economy import get_balance

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.economy.store import Store

Amount = app_commands.Range[str, 1, LONGEST_TEXT]
ItemText = app_commands.Range[str, 1, 100]
Count = app_commands.Range[int, 1, MOST_PIECES]


class TradeCommands(commands.Cog):
    """Trades; a base of the shop's cog, which sets the services."""

    bot: Pegasus
    store: Store

    @app_commands.command(description="Offer somebody a trade", extras=MOVES)
    @app_commands.describe(
        member="With whom",
        item="What you give",
        quantity="How many of it; one if left out",
        coins="Money that you give, with the item or without",
        for_item="What you want for it",
        for_quantity="How many of it; one if left out",
        for_coins="Money that you want, with the item or without",
    )
    @app_commands.autocomplete(item=complete_held, for_item=complete_wanted)
    async def trade(
        self,
        interaction: Interaction,
        member: discord.User,
        *,
        item: ItemText | None = None,
        quantity: Count | None = None,
        coins: Amount | None = None,
        for_item: ItemText | None = None,
        for_quantity: Count | None = None,
        for_coins: Amount | None = None,
    ) -> None:
        """Set aside what is offered, and ask the other member in the channel."""
        guild_id, user = guild_id_of(interaction), interaction.user
        async with in_time():
            give = await self._side(guild_id, user.id, item, quantity)
            want = await self._side(guild_id, member.id, for_item, for_quantity, anothers=True)
            proposal = Proposal(
                Side(await self._coins(guild_id, user.id, coins), *give),
                Side(parse_amount(for_coins) if for_coins else 0, *want),
            )
            offer = Offer(
                guild_id=guild_id,
                user_id=user.id,
                partner=Receiver(member.id, member.bot, isinstance(member, discord.Member)),
                proposal=proposal,
                key=f"trade:{interaction.id}",
            )
            deal = await self.store.trades.offer(offer)
            currency = Currency.of(await settings_of(interaction))
            locale = await public_locale(interaction)
        await answer(
            interaction,
            joined(deal_lines(deal, currency), locale),
            ephemeral=False,
            view=deal_view(deal, locale),
            allowed_mentions=discord.AllowedMentions(users=[member]),
        )

    async def _side(
        self,
        guild_id: int,
        user_id: int,
        item: str | None,
        quantity: int | None,
        *,
        anothers: bool = False,
    ) -> tuple[int | None, int]:
        """Return the item that is meant, of those that a member has, and how many of it."""
        if item is None:
            return None, quantity or 0
        found = await self.store.inventories.find(guild_id, user_id, item, anothers=anothers)
        return found.id, quantity or 1

    async def _coins(self, guild_id: int, user_id: int, text: str | None) -> int:
        if text is None:
            return 0
        async with self.bot.kernel.database.read() as session:
            available = await get_balance(session, guild_id, user_id)
        return parse_amount(text, available=available)
