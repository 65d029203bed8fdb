"""What is pressed in the shop and under offers; known by its id alone, so it works for ever.

The button that buys bears the price that was shown, and the interaction that showed it: whoever
presses it twice buys once, and never at another price.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import discord

from bot.checks import guild_id_of
from bot.core.errors import Denied, NotFound
from bot.core.fields.text import shorten
from bot.core.goods import title_of
from bot.core.i18n import _
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.economy.desk import Interaction, public_locale, settings_of
from cogs.economy.settings import KEY
from cogs.economy.shop_rules import pick_of, read_pick, why_not_bought
from cogs.economy.shop_words import (
    card_lines,
    deal_lines,
    joined,
    pages_of,
    sale_text,
    shop_line,
    stock_of,
)
from cogs.economy.shopping import Customer, Order
from cogs.economy.store import Store
from cogs.economy.wording import Currency, plain
from db.economy_shop import ShopItem, list_items
from db.economy_trades import OPEN

if TYPE_CHECKING:
    from cogs.economy.trading import Deal

_Button = discord.ui.DynamicItem[discord.ui.Button[Any]]
_MAX_OPTION, _MAX_LABEL = 100, 80
ACCEPT, DECLINE, CANCEL = "accept", "decline", "cancel"


def store_of(interaction: discord.Interaction[Any]) -> Store:
    """Return the shop's services."""
    cog: Any = interaction.client.get_cog("Shop")
    store: Store = cog.store
    return store


async def ensure_on(interaction: Interaction) -> None:
    """Raise `Denied` where the economy is switched off: buttons outlive that."""
    state = await interaction.client.kernel.settings.get(guild_id_of(interaction), KEY)
    if not state.enabled:
        raise Denied(
            _("The economy is switched off here."),
            hint=_("An admin can switch it on with /feature enable."),
        )


def customer_of(interaction: Interaction) -> Customer:
    """Return who buys or uses something."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    roles = frozenset(one.id for one in user.roles)
    return Customer(guild_id_of(interaction), user.id, roles)


class _Lasting(LastingButton):
    """What the components share: they are made anew from their ids."""

    def __init__(self, item: Any, match: re.Match[str]) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the other base's
        self._match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the component anew from its id."""
        return cls(item, match)


# --- the list ------------------------------------------------------------------------------------


async def shop_page(interaction: Interaction, page: int) -> dict[str, Any]:
    """Return a page of the shop as it is now: the list, what can be chosen, and buttons to turn."""
    guild_id, locale = guild_id_of(interaction), locale_of(interaction)
    kernel = interaction.client.kernel
    settings = await settings_of(interaction)
    currency = Currency.of(settings)
    async with kernel.database.read() as session:
        items = await list_items(session, guild_id, now=kernel.clock.now())
    title = _("Shop").render(locale)
    if not items:
        text = _("There is nothing in the shop yet.").render(locale)
        return {"embed": discord.Embed(title=title, description=text), "view": None}
    lines = [shop_line(one, currency, locale) for one in items]
    pages = pages_of(lines)
    page = min(max(page, 0), len(pages) - 1)
    embed = discord.Embed(title=title, description="\n".join(lines[one] for one in pages[page]))
    if len(pages) > 1:
        of = _("Page {page} of {pages}", page=page + 1, pages=len(pages))
        embed.set_footer(text=of.render(locale))
    shown = [items[one] for one in pages[page]]
    view = _page_view(shown, settings.currency_name, page, len(pages), locale)
    return {"embed": embed, "view": view}


def _page_view(
    items: Sequence[ShopItem], money: str, page: int, pages: int, locale: str
) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    select: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=f"economy:choose:{page}",
        placeholder=_("Choose what you want to buy").render(locale),
    )
    for one in items:
        price = _("{price} {currency}", price=one.price, currency=money).render(locale)
        note = f"{price} · {stock_of(one).render(locale)}"
        select.add_option(
            label=shorten(one.name, _MAX_OPTION),
            value=pick_of(one.id, one.price),
            description=shorten(note, _MAX_OPTION),
        )
    view.add_item(select)
    if pages > 1:
        for label, to in ((_("Back"), page - 1), (_("Next"), page + 1)):
            view.add_item(
                discord.ui.Button(
                    label=label.render(locale),
                    custom_id=f"economy:page:{to if to >= 0 else 'first'}",
                    disabled=not 0 <= to < pages,
                )
            )
    return rest(view)


def rest(view: discord.ui.View) -> discord.ui.View:
    """Return the view, not kept in memory: the dynamic items answer for it."""
    view.stop()
    return view


class ShopPageButton(_Lasting, _Button, template=r"economy:page:(?P<page>\d{1,4}|first)"):
    """Turns the shop's pages."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page as it is now."""
        await interaction.response.defer()
        page = self._match["page"]
        shown = await shop_page(interaction, int(page) if page.isdecimal() else 0)
        await interaction.edit_original_response(**shown)


class ShopSelect(
    _Lasting,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"economy:choose:(?P<page>\d{1,4})",
):
    """The menu below the shop's list."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Show the chosen item, with the button that buys it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_on(interaction)
        data = cast("Any", interaction.data)
        pick = read_pick(data["values"][0])
        if pick is None:
            raise NotFound(_("There is no such item here."), hint=_("/shop shows what there is."))
        item = await store_of(interaction).shop.get(guild_id_of(interaction), pick[0])
        await show_card(interaction, item, shown=pick[1])


# --- one item ------------------------------------------------------------------------------------


async def show_card(
    interaction: Interaction, item: ShopItem, *, quantity: int = 1, shown: int | None = None
) -> None:
    """Answer with an item as it is now, and with the button that buys it at the price it has now.

    `shown` is the price that was shown before, which may be another.
    """
    locale, store = locale_of(interaction), store_of(interaction)
    currency = Currency.of(await settings_of(interaction))
    lines = card_lines(item, currency)
    if shown not in (None, item.price):
        was = currency.amount(shown or 0)
        lines.append(_("⚠️ It cost {price} when you looked.", price=was))
    buyer = await store.shop.buyer(item, customer_of(interaction))
    obstacle = why_not_bought(item, buyer, quantity, store.office.clock.now())
    if obstacle is not None:
        lines.append("")
        lines += [obstacle.message, *([obstacle.hint] if obstacle.hint else [])]
    embed = discord.Embed(title=title_of(item), description=joined(lines, locale))
    if obstacle is not None:
        await answer(interaction, embed=embed)
        return
    total = currency.amount(item.price * quantity)
    label = _("Buy {count} for {total}", count=quantity, total=total)
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label=shorten(plain(label, locale), _MAX_LABEL),
            style=discord.ButtonStyle.success,
            custom_id=f"economy:buy:{item.id}:{item.price}:{quantity}:{interaction.id}",
        )
    )
    await answer(interaction, embed=embed, view=rest(view))


class BuyButton(
    _Lasting,
    _Button,
    template=(
        r"economy:buy:(?P<item>\d{1,18}):(?P<price>\d{1,13}):(?P<quantity>\d{1,4})"
        r":(?P<occasion>\d{1,20})"
    ),
):
    """Buys at the price that it bears, once."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Buy, and say so in the place of the item."""
        await interaction.response.defer()
        await ensure_on(interaction)
        order = Order(
            customer=customer_of(interaction),
            item_id=int(self._match["item"]),
            price=int(self._match["price"]),
            quantity=int(self._match["quantity"]),
            key=self._match["occasion"],
        )
        sale = await store_of(interaction).shop.buy(order)
        currency = Currency.of(await settings_of(interaction))
        text = joined(sale_text(sale, currency), locale_of(interaction))
        await interaction.edit_original_response(content=text, embed=None, view=None)


# --- offers --------------------------------------------------------------------------------------


def deal_view(
    deal: Deal, locale: str | None, *, only_cancel: bool = False
) -> discord.ui.View | None:
    """Return the buttons of an open offer."""
    if deal.trade.state != OPEN:
        return None
    buttons = (
        (ACCEPT, _("Accept"), discord.ButtonStyle.success),
        (DECLINE, _("Decline"), discord.ButtonStyle.danger),
        (CANCEL, _("Take it back"), discord.ButtonStyle.secondary),
    )
    view = discord.ui.View(timeout=None)
    for verb, label, style in buttons[2:] if only_cancel else buttons:
        custom_id = f"economy:trade:{verb}:{deal.trade.id}"
        view.add_item(
            discord.ui.Button(label=label.render(locale), style=style, custom_id=custom_id)
        )
    return rest(view)


class TradeButton(
    _Lasting,
    _Button,
    template=rf"economy:trade:(?P<verb>{ACCEPT}|{DECLINE}|{CANCEL}):(?P<trade>\d{{1,18}})",
):
    """Answers an offer."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Swap, or give back; an offer that is over is shown as such."""
        await interaction.response.defer()
        store, trade_id = store_of(interaction), int(self._match["trade"])
        deal = await store.trades.get(guild_id_of(interaction), trade_id)
        if deal.trade.state == OPEN:
            if self._match["verb"] == ACCEPT:
                # What is set aside can be given back at any time.
                await ensure_on(interaction)
            deal = await self._answer(interaction, store, trade_id)
        await show_deal(interaction, deal)

    async def _answer(self, interaction: Interaction, store: Store, trade_id: int) -> Deal:
        user_id = interaction.user.id
        match self._match["verb"]:
            case "accept":
                return await store.trades.accept(trade_id, user_id)
            case "decline":
                return await store.trades.decline(trade_id, user_id)
            case _:
                return await store.trades.cancel(trade_id, user_id)


async def show_deal(interaction: Interaction, deal: Deal) -> None:
    """Bring the message that was pressed in line with the offer."""
    locale = await public_locale(interaction)
    currency = Currency.of(await settings_of(interaction))
    await interaction.edit_original_response(
        content=joined(deal_lines(deal, currency), locale),
        view=deal_view(deal, locale),
        allowed_mentions=discord.AllowedMentions.none(),
    )


COMPONENTS = (ShopPageButton, ShopSelect, BuyButton, TradeButton)
