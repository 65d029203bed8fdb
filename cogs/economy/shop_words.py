"""The shop, inventories and trades in words: lines of lists, cards, answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, shorten
from bot.core.goods import ItemKind, title_of
from bot.core.i18n import Message, _, ngettext
from cogs.economy.inventory import Used
from cogs.economy.shop_rules import KINDS
from cogs.economy.shopping import Sale
from cogs.economy.trading import Deal
from cogs.economy.wording import Currency
from db.economy_inventory import NEVER, Holding
from db.economy_shop import ShopItem
from db.economy_trades import ACCEPTED, CANCELLED, DECLINED, OPEN, ORPHANED

PAGE = 25
# An embed's description holds 4096 characters.
_LONGEST_PAGE = 4000
_LONGEST_NOTE = 80


def moment(instant: datetime, style: str = "f") -> str:
    """Return an instant as Discord shows it in the reader's zone."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def pages_of(lines: Iterable[str]) -> list[list[int]]:
    """Return which lines go on which page: 25 at most, and no more than fit."""
    pages: list[list[int]] = [[]]
    length = 0
    for number, line in enumerate(lines):
        if pages[-1] and (len(pages[-1]) == PAGE or length + len(line) > _LONGEST_PAGE):
            pages.append([])
            length = 0
        pages[-1].append(number)
        length += len(line) + 1
    return pages


def joined(lines: Iterable[Message | str], locale: str | None) -> str:
    """Return lines as one text."""
    return "\n".join(one.render(locale) if isinstance(one, Message) else one for one in lines)


# --- items ---------------------------------------------------------------------------------------


def shop_line(item: ShopItem, currency: Currency, locale: str) -> str:
    """Return an item as one of the shop's list."""
    parts: list[Message | str] = [title_of(item), currency.amount(item.price), *_terms(item)]
    line = " · ".join(one.render(locale) if isinstance(one, Message) else one for one in parts)
    if not item.description:
        return line
    return f"{line}\n-# {escape_markdown(shorten(item.description, _LONGEST_NOTE))}"


def _terms(item: ShopItem) -> list[Message | str]:
    found: list[Message | str] = []
    if item.stock is not None:
        found.append(stock_of(item))
    if item.role_id is not None:
        found.append(f"<@&{item.role_id}>")
    if item.required_role_id is not None:
        found.append(_("for {role}", role=f"<@&{item.required_role_id}>"))
    if item.required_level is not None:
        found.append(_("from level {level}", level=item.required_level))
    if item.offered_until is not None:
        found.append(_("until {when}", when=moment(item.offered_until, "R")))
    return found


def stock_of(item: ShopItem) -> Message:
    """Return how many pieces there are."""
    if item.stock is None:
        return _("as many as you like")
    if item.stock == 0:
        return _("sold out")
    return _("{count} left", count=item.stock)


def card_lines(item: ShopItem, currency: Currency) -> list[Message | str]:
    """Return all that is to know of an item."""
    lines: list[Message | str] = []
    if item.description:
        lines.append(escape_markdown(item.description))
    lines.append(_("Price: {price}", price=currency.amount(item.price)))
    lines.append(_("What it does: {kind}", kind=_(KINDS[ItemKind(item.kind)])))
    if item.role_id is not None:
        lines.append(_("Role: {role}", role=f"<@&{item.role_id}>"))
    if item.lasts is not None:
        lines.append(_("Lasts: {duration}", duration=Span(timedelta(seconds=item.lasts))))
    lines.append(_("Stock: {stock}", stock=stock_of(item)))
    if item.per_member is not None:
        lines.append(_("For each member: {count}", count=item.per_member))
    if item.required_role_id is not None:
        lines.append(_("Only with {role}", role=f"<@&{item.required_role_id}>"))
    if item.required_level is not None:
        lines.append(_("Only from level {level} on", level=item.required_level))
    if item.offered_until is not None:
        lines.append(_("On offer until {when}", when=moment(item.offered_until)))
    return lines


def stock_line(item: ShopItem, currency: Currency, now: datetime, locale: str) -> str:
    """Return an item as those who manage the shop see it."""
    line = shop_line(item, currency, locale)
    is_over = item.offered_until is not None and item.offered_until <= now
    notes: list[Message] = [_("#{number}, sold {count}", number=item.id, count=item.sold)]
    if is_over:
        notes.append(_("not shown any more"))
    if item.per_member is not None:
        notes.append(_("for each member {count}", count=item.per_member))
    return f"{line}\n-# {', '.join(one.render(locale) for one in notes)}"


def sale_text(sale: Sale, currency: Currency) -> list[Message | str]:
    """Return what somebody reads who has bought something."""
    values = {"item": title_of(sale.item), "total": currency.amount(sale.total)}
    bought = (
        _("🛍️ You have bought {item} for {total}.", **values)
        if sale.quantity == 1
        else _("🛍️ You have bought {count} × {item} for {total}.", count=sale.quantity, **values)  # noqa: RUF001
    )
    lines: list[Message | str] = [bought]
    if sale.item.kind == ItemKind.ROLE_AT_ONCE:
        lines.append(role_text(sale.item, sale.role_ends_at))
    elif sale.item.kind == ItemKind.ROLE_ON_USE:
        lines.append(_("-# Use it with /inventory use."))
    lines.append(_("-# You have {balance} left.", balance=currency.amount(sale.balance)))
    return lines


def role_text(item: ShopItem, ends_at: datetime | None) -> Message:
    """Return that a role is given, and until when."""
    role = f"<@&{item.role_id}>"
    if ends_at is None:
        return _("{role} is on its way to you.", role=role)
    return _("{role} is on its way to you, until {when}.", role=role, when=moment(ends_at))


def used_text(used: Used) -> list[Message | str]:
    """Return what somebody reads who has used something."""
    return [
        _("You have used {item}.", item=title_of(used.item)),
        role_text(used.item, used.ends_at),
    ]


# --- inventories ---------------------------------------------------------------------------------


def holding_line(holding: Holding, locale: str) -> str:
    """Return an item of an inventory."""
    line = f"**{holding.quantity}** × {title_of(holding.item)}"  # noqa: RUF001
    ends = [one for one in holding.lots if one.expires_at != NEVER]
    if not ends:
        return line
    text = ngettext(
        "{count} expires {when}",
        "{count} expire {when}",
        ends[0].quantity,
        when=moment(ends[0].expires_at, "R"),
    )
    return f"{line} · {text.render(locale)}"


# --- trades --------------------------------------------------------------------------------------


def side_text(coins: int, item: ShopItem | None, quantity: int, currency: Currency) -> Message:
    """Return what one of the two gives."""
    pieces = "" if item is None else f"{quantity} × {title_of(item)}"  # noqa: RUF001
    if not coins:
        return Message("{pieces}", {"pieces": pieces})
    if not pieces:
        return currency.amount(coins)
    return _("{pieces} and {coins}", pieces=pieces, coins=currency.amount(coins))


def deal_lines(deal: Deal, currency: Currency) -> list[Message | str]:
    """Return an offer as both of them read it, and what has become of it."""
    trade = deal.trade
    values = {
        "offerer": f"<@{trade.user_id}>",
        "partner": f"<@{trade.partner_id}>",
        "given": side_text(trade.give_coins, deal.given, trade.give_quantity, currency),
        "wanted": side_text(trade.want_coins, deal.wanted, trade.want_quantity, currency),
    }
    if trade.state == ACCEPTED:
        text = _("🤝 {offerer} has given {given} to {partner} for {wanted}.", **values)
        return [text]
    head = _("🔁 {offerer} offers {given} to {partner} and wants {wanted}.", **values)
    return [head, _state(deal)]


def _state(deal: Deal) -> Message:
    trade = deal.trade
    if trade.state == OPEN:
        when = moment(trade.expires_at, "R")
        return _("-# What is offered is set aside. It is given back {when}.", when=when)
    if trade.state == DECLINED:
        return _("-# ❌ Turned down. What was set aside is given back.")
    if trade.state in (CANCELLED, ORPHANED):
        return _("-# ↩️ Taken back.")
    return _("-# ⌛ Not answered in time. What was set aside is given back.")


def offers_lines(deals: Sequence[Deal], currency: Currency) -> list[Message | str]:
    """Return the open offers of a member and to them."""
    return [one for deal in deals for one in deal_lines(deal, currency)]
