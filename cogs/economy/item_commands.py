"""The commands of those who manage the shop: what is on offer. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of, ensure_manages, guild_id_of
from bot.core.durations import parse_duration
from bot.core.goods import ItemKind, title_of
from bot.core.i18n import Message, _
from bot.core.moments import parse_moment
from bot.core.permission_names import PermissionList
from bot.localization import locale_of
from bot.replies import answer, confirm, paginate
from cogs.economy.amounts import LONGEST_TEXT, parse_amount
from cogs.economy.completing import complete_stocked
from cogs.economy.desk import MANAGED, Interaction, settings_of, zone_of
from cogs.economy.settings import KEY
from cogs.economy.shop_buttons import store_of
from cogs.economy.shop_rules import (
    LONGEST,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    MOST_LEVEL,
    MOST_PIECES,
    MOST_STOCK,
    SHORTEST,
    plan_of,
    read_pick,
)
from cogs.economy.shop_words import card_lines, joined, pages_of, stock_line
from cogs.economy.stocking import read_plan
from cogs.economy.wording import Currency

if TYPE_CHECKING:
    from db.economy_shop import ShopItem

_KINDS = [
    app_commands.Choice(name="Stays in the inventory", value=ItemKind.KEEP.value),
    app_commands.Choice(name="Gives a role when it is used", value=ItemKind.ROLE_ON_USE.value),
    app_commands.Choice(
        name="Gives a role as soon as it is bought", value=ItemKind.ROLE_AT_ONCE.value
    ),
]
_CLEARED = [
    app_commands.Choice(name="description", value="description"),
    app_commands.Choice(name="emoji before the name", value="emoji"),
    app_commands.Choice(name="how long it lasts", value="lasts"),
    app_commands.Choice(name="stock: no end of it", value="stock"),
    app_commands.Choice(name="limit per member", value="per_member"),
    app_commands.Choice(name="required role", value="required_role_id"),
    app_commands.Choice(name="required level", value="required_level"),
    app_commands.Choice(name="end of the offer", value="offered_until"),
]
_TEXTS = ("description", "emoji")
_DESCRIBED = {
    "price": "What a piece costs, such as 250 or 1k",
    "kind": "What it does",
    "role": "The role that it gives",
    "lasts": "How long a piece that is kept, or its role, lasts, such as 7 days",
    "stock": "How many pieces there are; no end of them if left out",
    "limit": "How many each member can buy",
    "required_role": "Only members with this role can buy it",
    "required_level": "Only members from this level on can buy it",
    "until": "Until when it is on offer, such as friday at 20:00 or 2 weeks",
    "description": "What members read about it",
    "emoji": "An emoji before its name",
}
Name = app_commands.Range[str, 1, LONGEST_NAME]
Price = app_commands.Range[str, 1, LONGEST_TEXT]
Text = app_commands.Range[str, 1, LONGEST_DESCRIPTION]
Emoji = app_commands.Range[str, 1, 64]
Stock = app_commands.Range[int, 0, MOST_STOCK]
Limit = app_commands.Range[int, 1, MOST_PIECES]
Level = app_commands.Range[int, 1, MOST_LEVEL]
ItemText = app_commands.Range[str, 1, 100]


class ItemCommands(commands.Cog):
    """What is on offer; a base of the economy's cog."""

    item = app_commands.Group(name="item", description="What the shop offers")

    @item.command(name="add", description="Put something new into the shop", extras=MANAGED)
    @app_commands.describe(name="What it is called", **_DESCRIBED)
    @app_commands.choices(kind=_KINDS)
    async def item_add(
        self,
        interaction: Interaction,
        name: Name,
        price: Price,
        *,
        kind: app_commands.Choice[str] | None = None,
        role: discord.Role | None = None,
        lasts: str | None = None,
        stock: Stock | None = None,
        limit: Limit | None = None,
        required_role: discord.Role | None = None,
        required_level: Level | None = None,
        until: str | None = None,
        description: Text | None = None,
        emoji: Emoji | None = None,
    ) -> None:
        """Put an item on offer, after a question where its role gives power."""
        await _begin(interaction)
        # Who names a role and nothing else means that it is what is bought.
        default = ItemKind.KEEP if role is None else ItemKind.ROLE_AT_ONCE
        values = await _values(
            interaction,
            name=name,
            price=price,
            kind=kind.value if kind else default.value,
            role=role,
            lasts=lasts,
            stock=stock,
            limit=limit,
            required_role=required_role,
            required_level=required_level,
            until=until,
            description=description,
            emoji=emoji,
        )
        plan = read_plan(values)
        agreed = await _agree(interaction, plan.role_id, trusted=False)
        if agreed is None:
            return
        plan = plan.model_copy(update={"trusted": agreed})
        stocked = store_of(interaction).stock
        made = await stocked.add(guild_id_of(interaction), plan, actor_of(interaction))
        await _show(interaction, made, _("✅ {item} is in the shop.", item=title_of(made)))

    @item.command(name="edit", description="Change something in the shop", extras=MANAGED)
    @app_commands.describe(
        item="What",
        name="What it is to be called",
        clear="What it is to have no more",
        **_DESCRIBED,
    )
    @app_commands.choices(kind=_KINDS, clear=_CLEARED)
    @app_commands.autocomplete(item=complete_stocked)
    async def item_edit(
        self,
        interaction: Interaction,
        item: ItemText,
        *,
        name: Name | None = None,
        price: Price | None = None,
        kind: app_commands.Choice[str] | None = None,
        role: discord.Role | None = None,
        lasts: str | None = None,
        stock: Stock | None = None,
        limit: Limit | None = None,
        required_role: discord.Role | None = None,
        required_level: Level | None = None,
        until: str | None = None,
        description: Text | None = None,
        emoji: Emoji | None = None,
        clear: app_commands.Choice[str] | None = None,
    ) -> None:
        """Change what was given, and nothing else."""
        await _begin(interaction)
        found = await _find(interaction, item)
        values = await _values(
            interaction,
            name=name,
            price=price,
            kind=kind.value if kind else None,
            role=role,
            lasts=lasts,
            stock=stock,
            limit=limit,
            required_role=required_role,
            required_level=required_level,
            until=until,
            description=description,
            emoji=emoji,
        )
        if clear is not None:
            values[clear.value] = "" if clear.value in _TEXTS else None
        await _edit(interaction, found, values)

    @item.command(name="remove", description="Take something off the shop", extras=MANAGED)
    @app_commands.describe(item="What")
    @app_commands.autocomplete(item=complete_stocked)
    async def item_remove(self, interaction: Interaction, item: ItemText) -> None:
        """Ask, then take it off; those who have it keep it."""
        await _begin(interaction)
        found = await _find(interaction, item)
        question = _(
            "Take {item} off the shop? Those who have it keep it, and can use it.",
            item=title_of(found),
        )

        async def recheck(pressed: discord.Interaction[Any]) -> None:
            await ensure_manages(pressed, KEY)

        if await confirm(interaction, question, recheck=recheck):
            await store_of(interaction).stock.remove(found, actor_of(interaction))
            done = _("{item} is not in the shop any more.", item=title_of(found))
            await answer(interaction, done)

    @item.command(name="list", description="Show all that the shop offers", extras=MANAGED)
    async def item_list(self, interaction: Interaction) -> None:
        """Show what is on offer with what was sold of it, by pages."""
        await _begin(interaction)
        locale, now = locale_of(interaction), interaction.client.kernel.clock.now()
        currency = Currency.of(await settings_of(interaction))
        items = await store_of(interaction).stock.list(guild_id_of(interaction))
        lines = [stock_line(one, currency, now, locale) for one in items] or [
            _("There is nothing in the shop yet. /economy item add puts something in.").render(
                locale
            )
        ]
        title = _("Shop").render(locale)
        pages = [
            discord.Embed(title=title, description="\n".join(lines[one] for one in page))
            for page in pages_of(lines)
        ]
        await paginate(interaction, pages)

    @item.command(name="restock", description="Add pieces to a stock", extras=MANAGED)
    @app_commands.describe(item="Of what", quantity="How many more there are")
    @app_commands.autocomplete(item=complete_stocked)
    async def item_restock(
        self,
        interaction: Interaction,
        item: ItemText,
        quantity: app_commands.Range[int, 1, MOST_STOCK],
    ) -> None:
        """Add to what there is, whatever is sold at the same time."""
        await _begin(interaction)
        found = await _find(interaction, item)
        stocked = await store_of(interaction).stock.restock(
            found.guild_id, found.id, quantity, actor_of(interaction)
        )
        text = _("✅ There are {count} of {item} now.", count=stocked.stock, item=title_of(stocked))
        await answer(interaction, text)


async def _begin(interaction: Interaction) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, KEY)


async def _find(interaction: Interaction, text: str) -> ShopItem:
    guild_id, store, pick = guild_id_of(interaction), store_of(interaction), read_pick(text)
    if pick is not None:
        return await store.stock.get(guild_id, pick[0])
    return await store.shop.find(guild_id, text)


async def _values(interaction: Interaction, **options: Any) -> dict[str, Any]:
    """Return what was given as the fields of an item."""
    given = {name: one for name, one in options.items() if one is not None}
    values = {
        name: given[name]
        for name in ("name", "kind", "stock", "required_level", "description", "emoji")
        if name in given
    }
    if "price" in given:
        values["price"] = parse_amount(given["price"])
    if "limit" in given:
        values["per_member"] = given["limit"]
    for option, name in (("role", "role_id"), ("required_role", "required_role_id")):
        if option in given:
            values[name] = str(given[option].id)
    if "lasts" in given:
        span = parse_duration(given["lasts"], minimum=SHORTEST, maximum=LONGEST)
        values["lasts"] = round(span.total_seconds())
    if "until" in given:
        values["offered_until"] = await parse_moment(
            given["until"],
            now=interaction.client.kernel.clock.now(),
            timezone=await zone_of(interaction),
        )
    return values


async def _edit(interaction: Interaction, item: ShopItem, values: dict[str, Any]) -> None:
    """Change these values of an item, after a question where its role gives power."""
    if values.get("kind") == ItemKind.KEEP:
        values |= {"role_id": None, "trusted": False}
    if "role_id" in values or "kind" in values:
        plan = read_plan(plan_of(item).to_json() | values)
        trusted = plan.trusted and plan.role_id == item.role_id
        agreed = await _agree(interaction, plan.role_id, trusted=trusted)
        if agreed is None:
            return
        values["trusted"] = agreed
    stock = store_of(interaction).stock
    changed = await stock.edit(item.guild_id, item.id, values, actor_of(interaction))
    await _show(interaction, changed, _("✅ {item} is changed.", item=title_of(changed)))


async def _agree(interaction: Interaction, role_id: int | None, *, trusted: bool) -> bool | None:
    """Return whether somebody agrees to the power that a role gives; `None` for a no."""
    store, guild_id = store_of(interaction), guild_id_of(interaction)
    power = frozenset() if role_id is None else store.office.power(guild_id, role_id)
    if not power or trusted:
        return trusted and bool(power)
    # Nobody is asked to agree to what is refused afterwards.
    await store.office.ensure_offerable(
        guild_id, int(role_id or 0), actor_of(interaction), trusted=True
    )

    async def recheck(pressed: discord.Interaction[Any]) -> None:
        await ensure_manages(pressed, KEY)

    question = _(
        "⚠️ Whoever buys {role} gets power over this server: {permissions}. Sell it all the same?",
        role=f"<@&{role_id}>",
        permissions=PermissionList(sorted(power)),
    )
    agreed = await confirm(interaction, question, accept=_("Sell it"), recheck=recheck)
    return True if agreed else None


async def _show(interaction: Interaction, item: ShopItem, done: Message) -> None:
    currency = Currency.of(await settings_of(interaction))
    locale = locale_of(interaction)
    embed = discord.Embed(
        title=title_of(item), description=joined(card_lines(item, currency), locale)
    )
    await answer(interaction, done, embed=embed)
