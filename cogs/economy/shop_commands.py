"""The members' commands of the shop and of inventories. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of, in_time
from bot.core.fields.text import escape_markdown
from bot.core.goods import title_of
from bot.core.i18n import _
from bot.localization import locale_of
from bot.replies import answer, paginate
from cogs.economy.completing import complete_held, complete_offered
from cogs.economy.desk import LOOKS, MOVES, Interaction, public_locale, settings_of
from cogs.economy.inventory import Receiver
from cogs.economy.shop_buttons import (
    COMPONENTS,
    customer_of,
    deal_view,
    shop_page,
    show_card,
)
from cogs.economy.shop_resource import RESOURCE, ItemResource
from cogs.economy.shop_rules import MOST_PIECES, read_pick
from cogs.economy.shop_words import (
    deal_lines,
    holding_line,
    joined,
    pages_of,
    sale_text,
    used_text,
)
from cogs.economy.shopping import Order
from cogs.economy.store import Store
from cogs.economy.trade_commands import TradeCommands
from cogs.economy.wording import Currency
from db.economy_trades import sum_set_aside

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.economy.auditing import Auditing
    from cogs.economy.treasury import Treasury

ItemText = app_commands.Range[str, 1, 100]
Count = app_commands.Range[int, 1, MOST_PIECES]


@app_commands.guild_only()
class Shop(TradeCommands, commands.Cog):
    """What members buy, have, use and give away."""

    inventory = app_commands.Group(
        name="inventory", description="What you have from the shop", guild_only=True
    )

    def __init__(self, bot: Pegasus, treasury: Treasury, auditing: Auditing) -> None:
        self.bot = bot
        self.store = Store.build(bot.kernel)
        # Staff undo a purchase with its payment.
        treasury.returns |= self.store.returns
        auditing.claims.append(sum_set_aside)

    async def cog_load(self) -> None:
        """Go on with what earlier runs have begun."""
        self.store.start()
        self.bot.add_dynamic_items(*COMPONENTS)
        self.bot.kernel.resources.register(RESOURCE.name, ItemResource(self.store.stock))

    @app_commands.command(description="Show what there is to buy", extras=LOOKS)
    async def shop(self, interaction: Interaction) -> None:
        """Show what is on offer, by pages."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        shown = await shop_page(interaction, 0)
        # A follow-up can't be sent with no view, as an edit can.
        await answer(interaction, **{name: one for name, one in shown.items() if one is not None})

    @app_commands.command(description="Buy something", extras=MOVES)
    @app_commands.describe(item="What", quantity="How many; one if left out")
    @app_commands.autocomplete(item=complete_offered)
    async def buy(self, interaction: Interaction, item: ItemText, quantity: Count = 1) -> None:
        """Buy at the price that was shown; who wrote a name is shown it first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id, pick = guild_id_of(interaction), read_pick(item)
        if pick is None or pick[1] is None:
            shop = self.store.shop
            found = await (shop.get(guild_id, pick[0]) if pick else shop.find(guild_id, item))
            await show_card(interaction, found, quantity=quantity)
            return
        order = Order(
            customer=customer_of(interaction),
            item_id=pick[0],
            price=pick[1],
            quantity=quantity,
            key=str(interaction.id),
        )
        sale = await self.store.shop.buy(order)
        currency = Currency.of(await settings_of(interaction))
        await answer(interaction, joined(sale_text(sale, currency), locale_of(interaction)))

    # --- inventories -------------------------------------------------------------------------

    @inventory.command(description="Show what you or somebody else has", extras=LOOKS)
    @app_commands.describe(member="Whose; yours if left out")
    async def view(self, interaction: Interaction, member: discord.Member | None = None) -> None:
        """Show what somebody has, and to whom they have offered something."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        who, locale = member or interaction.user, locale_of(interaction)
        holdings = await self.store.inventories.list(guild_id_of(interaction), who.id)
        lines = [holding_line(one, locale) for one in holdings]
        lines = lines or [_("Nothing yet.").render(locale)]
        title = _("Inventory of {name}", name=escape_markdown(who.display_name)).render(locale)
        pages = [
            discord.Embed(title=title, description="\n".join(lines[one] for one in page))
            for page in pages_of(lines)
        ]
        await paginate(interaction, pages)
        if who.id == interaction.user.id:
            await self._show_offers(interaction)

    async def _show_offers(self, interaction: Interaction) -> None:
        user_id, locale = interaction.user.id, locale_of(interaction)
        currency = Currency.of(await settings_of(interaction))
        deals = await self.store.trades.list_open(
            guild_id_of(interaction), user_id, limit=_MOST_OFFERS
        )
        for one in deals:
            view = deal_view(one, locale, only_cancel=True)
            text = joined(deal_lines(one, currency), locale)
            await (answer(interaction, text, view=view) if view else answer(interaction, text))

    @inventory.command(description="Use something you have", extras=MOVES)
    @app_commands.describe(item="What")
    @app_commands.autocomplete(item=complete_held)
    async def use(self, interaction: Interaction, item: ItemText) -> None:
        """Use a piece, which is gone then."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        customer = customer_of(interaction)
        found = await self.store.inventories.find(customer.guild_id, customer.user_id, item)
        used = await self.store.inventories.use(customer, found, key=f"use:{interaction.id}")
        await answer(interaction, joined(used_text(used), locale_of(interaction)))

    @inventory.command(description="Give somebody something you have", extras=MOVES)
    @app_commands.describe(member="Who gets it", item="What", quantity="How many; one if left out")
    @app_commands.autocomplete(item=complete_held)
    async def gift(
        self,
        interaction: Interaction,
        member: discord.User,
        item: ItemText,
        quantity: Count = 1,
    ) -> None:
        """Give pieces away, for everybody to see."""
        user = interaction.user
        receiver = Receiver(member.id, member.bot, isinstance(member, discord.Member))
        async with in_time():
            found = await self.store.inventories.find(guild_id_of(interaction), user.id, item)
            await self.store.inventories.gift(
                user.id, receiver, found, quantity, key=f"gift:{interaction.id}"
            )
            locale = await public_locale(interaction)
        text = _(
            "🎁 {giver} has given {count} × {item} to {member}.",  # noqa: RUF001
            giver=user.mention,
            count=quantity,
            item=title_of(found),
            member=member.mention,
        )
        await answer(
            interaction,
            text.render(locale),
            ephemeral=False,
            allowed_mentions=discord.AllowedMentions(users=[member]),
        )


# One message each: more of them would bury the inventory.
_MOST_OFFERS = 5
