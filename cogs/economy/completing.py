"""What is offered while the name of an item is typed."""

from __future__ import annotations

from collections.abc import Iterable

from discord import app_commands

from bot.checks import manages
from bot.core.fields.text import shorten
from bot.localization import locale_of
from cogs.economy.desk import Interaction, settings_of
from cogs.economy.settings import KEY
from cogs.economy.shop_buttons import store_of
from cogs.economy.shop_rules import pick_of
from cogs.economy.wording import Currency, plain
from db.economy_inventory import list_holdings
from db.economy_shop import list_items

Choices = list[app_commands.Choice[str]]
_MAX_OFFERS, _MAX_OFFER = 25, 100


async def complete_offered(interaction: Interaction, current: str) -> Choices:
    """Offer what is in the shop with its price, which is what is paid if it is chosen."""
    if interaction.guild_id is None:
        return []
    kernel, locale = interaction.client.kernel, locale_of(interaction)
    currency = Currency.of(await settings_of(interaction))
    async with kernel.database.read() as session:
        items = await list_items(session, interaction.guild_id, now=kernel.clock.now())
    named = (
        (f"{one.name} · {plain(currency.amount(one.price), locale)}", pick_of(one.id, one.price))
        for one in items
    )
    return _matching(named, current)


async def complete_stocked(interaction: Interaction, current: str) -> Choices:
    """Offer all items to those who manage the shop."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    items = await store_of(interaction).stock.list(interaction.guild_id)
    return _matching(((one.name, pick_of(one.id)) for one in items), current)


async def complete_held(interaction: Interaction, current: str) -> Choices:
    """Offer what the person has."""
    return await _held_by(interaction, interaction.user.id, current)


async def complete_wanted(interaction: Interaction, current: str) -> Choices:
    """Offer what the member has who was chosen in the same command."""
    member = getattr(interaction.namespace, "member", None)
    if member is None:
        return []
    return await _held_by(interaction, member.id, current)


async def _held_by(interaction: Interaction, user_id: int, current: str) -> Choices:
    if interaction.guild_id is None:
        return []
    kernel = interaction.client.kernel
    async with kernel.database.read() as session:
        holdings = await list_holdings(session, interaction.guild_id, user_id, kernel.clock.now())
    named = ((f"{one.item.name} ({one.quantity})", pick_of(one.item.id)) for one in holdings)
    return _matching(named, current)


def _matching(named: Iterable[tuple[str, str]], current: str) -> Choices:
    typed = current.strip().casefold()
    return [
        app_commands.Choice(name=shorten(name, _MAX_OFFER), value=value)
        for name, value in named
        if typed in name.casefold()
    ][:_MAX_OFFERS]
