"""Buying: payment, stock, limit and what is bought in one transaction; free of discord.py."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.errors import AppError, Conflict, Denied, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.goods import ItemKind, at_once, choose_pieces, count_pieces, name_key, title_of
from bot.core.i18n import Message, _, ngettext
from bot.core.ledger import Entry, Holder, InsufficientFunds, Move, TransactionKind, hold, post
from cogs.economy.shop_rules import (
    MOST_PIECES,
    Buyer,
    Obstacle,
    piece_end,
    why_not_bought,
    why_not_sold,
    why_over_limit,
)
from cogs.economy.wording import too_little
from db import economy_inventory as inventory
from db import economy_shop as table
from db.base import NOBODY
from db.economy import get_balance
from db.economy_inventory import Pieces
from db.economy_shop import Purchase, ShopItem

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.economy.shop_office import ShopOffice
    from cogs.economy.shop_roles import ShopRoles

REFERENCE = "item"
# What a purchase is decided on before anybody pays; what is sold must still be the same.
_TERMS = ("kind", "role_id", "trusted", "lasts", "required_role_id", "required_level")


@dataclass(frozen=True, slots=True)
class Customer:
    """A member who buys or uses something, with the roles that they have."""

    guild_id: int
    user_id: int
    role_ids: Collection[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to buy, at the price that they were shown; `key` names the occasion."""

    customer: Customer
    item_id: int
    price: int
    key: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Sale:
    """What was bought: `role_ends_at` is when a role that was given ends, `balance` what is left.

    `is_new` is false when the same order was carried out before.
    """

    item: ShopItem
    quantity: int
    total: int
    balance: int
    role_ends_at: datetime | None = None
    is_new: bool = True


class Shopping:
    """Sells the items of all guilds, and takes them back."""

    def __init__(self, office: ShopOffice, roles: ShopRoles) -> None:
        self._office = office
        self._roles = roles

    async def find(self, guild_id: int, text: str) -> ShopItem:
        """Return the item on offer that a name means; raises `NotFound`."""
        async with self._office.database.read() as session:
            item = await table.find_item(session, guild_id, name_key(text))
        if item is None:
            raise NotFound(
                _("There is no {name} in the shop.", name=quote(text)),
                hint=_("/shop shows what there is."),
            )
        return item

    async def get(self, guild_id: int, item_id: int) -> ShopItem:
        """Return an item, on offer or not; raises `NotFound`."""
        async with self._office.database.read() as session:
            return await self._get(session, guild_id, item_id)

    async def buyer(self, item: ShopItem, customer: Customer) -> Buyer:
        """Return a member as the item sees one."""
        async with self._office.database.read() as session:
            return await self._buyer(session, item, customer)

    async def buy(self, order: Order) -> Sale:
        """Sell what is ordered, or raise in words why not; then nobody has paid anything.

        The same key buys once: a second order with it is answered as the first was.
        """
        if not 1 <= order.quantity <= MOST_PIECES:
            raise InvalidInput(_("From 1 to {count} pieces, please.", count=MOST_PIECES))
        seen = await self._look(order)
        if isinstance(seen, Sale):
            return seen
        try:
            async with self._office.database.write() as session:
                return await self._sell(session, order, seen)
        except InsufficientFunds as error:
            raise too_little(await self._office.currency(order.customer.guild_id), error) from error

    async def _look(self, order: Order) -> ShopItem | Sale:
        """Return the item if nothing speaks against the order, or the sale that it became."""
        guild_id = order.customer.guild_id
        async with self._office.database.read() as session:
            item = await self._get(session, guild_id, order.item_id)
            error = await self._find_obstacle(session, item, order)
            # What was bought may well be sold out since, or too dear for who has paid for it.
            if error is not None and (done := await self._done(session, order)) is not None:
                return done
        if error is not None:
            raise error
        if item.role_id is not None:
            await self._office.ensure_givable(guild_id, item.role_id, trusted=item.trusted)
        return item

    async def _find_obstacle(
        self, session: AsyncSession, item: ShopItem, order: Order
    ) -> AppError | None:
        now, customer = self._office.clock.now(), order.customer
        if (error := await self._price_changed(item, order)) is not None:
            return error
        # Asked before all else: of those who rush for the last pieces most come too late.
        obstacle = why_not_sold(item, order.quantity, now)
        if obstacle is None:
            buyer = await self._buyer(session, item, customer)
            obstacle = why_not_bought(item, buyer, order.quantity, now)
        if obstacle is not None:
            return refused(obstacle)
        has = await get_balance(session, customer.guild_id, customer.user_id)
        if has >= (total := order.price * order.quantity):
            return None
        lacking = InsufficientFunds(Holder.user(customer.user_id), has, total)
        return too_little(await self._office.currency(customer.guild_id), lacking)

    async def _buyer(self, session: AsyncSession, item: ShopItem, customer: Customer) -> Buyer:
        level = 0
        if item.required_level is not None:
            level = await table.get_level(session, customer.guild_id, customer.user_id)
        bought = await table.count_bought(session, item.id, customer.user_id)
        return Buyer(customer.user_id, customer.role_ids, level, bought)

    async def _price_changed(self, item: ShopItem, order: Order) -> AppError | None:
        if item.price == order.price or item.archived_at is not None:
            return None
        currency = await self._office.currency(item.guild_id)
        return Conflict(
            _(
                "{item} costs {price} now, not {shown}. Nothing was bought.",
                item=title_of(item),
                price=currency.amount(item.price),
                shown=currency.amount(order.price),
            ),
            hint=_("Choose it again if you want it at this price."),
        )

    async def _sell(self, session: AsyncSession, order: Order, seen: ShopItem) -> Sale:
        customer, now = order.customer, self._office.clock.now()
        await hold(session, customer.guild_id, {Holder.SINK, Holder.user(customer.user_id)})
        # The first row is the one whose key stands in line: what follows happens once.
        purchase_id = await table.add_purchase(session, _purchase_of(order, now))
        if purchase_id is None:
            if (done := await self._done(session, order)) is not None:
                return done
            raise at_once()
        item = await table.take_stock(
            session,
            customer.guild_id,
            order.item_id,
            quantity=order.quantity,
            price=order.price,
            now=now,
        )
        if item is None:
            raise await self._why_not(session, order, now)
        if any(getattr(item, name) != getattr(seen, name) for name in _TERMS):
            raise Conflict(
                _("{item} was changed at this moment. Nothing was bought.", item=title_of(item)),
                hint=_("Look at it again with /shop."),
            )
        await self._count(session, item, order)
        sale = await self._hand_over(session, purchase_id, item, order, now)
        return replace(sale, balance=await self._charge(session, purchase_id, item, order, now))

    async def _why_not(self, session: AsyncSession, order: Order, now: datetime) -> AppError:
        item = await self._get(session, order.customer.guild_id, order.item_id)
        if (error := await self._price_changed(item, order)) is not None:
            return error
        obstacle = why_not_sold(item, order.quantity, now)
        if obstacle is None:
            # It was put right between two statements.
            return at_once()
        return refused(obstacle)

    async def _count(self, session: AsyncSession, item: ShopItem, order: Order) -> None:
        user_id = order.customer.user_id
        counted = await table.add_bought(
            session, item.id, user_id, order.quantity, limit=item.per_member
        )
        if not counted:
            bought = await table.count_bought(session, item.id, user_id)
            obstacle = why_over_limit(item, bought, order.quantity)
            raise refused(obstacle) if obstacle else at_once()

    async def _hand_over(
        self,
        session: AsyncSession,
        purchase_id: int,
        item: ShopItem,
        order: Order,
        now: datetime,
    ) -> Sale:
        customer, total = order.customer, order.price * order.quantity
        if item.kind == ItemKind.ROLE_AT_ONCE:
            ends_at = await self._roles.give(
                session, item, customer.user_id, customer.role_ids, now
            )
            await table.change_purchase(
                session, purchase_id, role_id=item.role_id, role_lasts=item.lasts
            )
            return Sale(item, order.quantity, total, 0, ends_at)
        pieces = Pieces(piece_end(item, now), order.quantity)
        await inventory.add_pieces(session, item.guild_id, customer.user_id, item.id, (pieces,))
        await table.change_purchase(session, purchase_id, lot_expires_at=pieces.expires_at)
        return Sale(item, order.quantity, total, 0)

    async def _charge(
        self,
        session: AsyncSession,
        purchase_id: int,
        item: ShopItem,
        order: Order,
        now: datetime,
    ) -> int:
        buyer = Holder.user(order.customer.user_id)
        entry = Entry(
            guild_id=item.guild_id,
            kind=TransactionKind.BUY,
            key=f"buy:{order.key}",
            actor_id=order.customer.user_id,
            moves=(Move(buyer, Holder.SINK, order.price * order.quantity),),
            reason=f"{order.quantity} × {item.name}",  # noqa: RUF001 - a multiplication sign
            reference=f"{REFERENCE}:{purchase_id}",
        )
        posted = await post(session, entry, now)
        return posted.balance(order.customer.user_id)

    async def _done(self, session: AsyncSession, order: Order) -> Sale | None:
        customer = order.customer
        purchase = await table.find_purchase(session, customer.guild_id, order.key)
        if purchase is None:
            return None
        if purchase.user_id != customer.user_id:
            raise Denied(_("This button is not for you."), hint=_("Open the shop with /shop."))
        item = await self._get(session, customer.guild_id, purchase.item_id)
        balance = await get_balance(session, customer.guild_id, customer.user_id)
        total = purchase.price * purchase.quantity
        return Sale(item, purchase.quantity, total, balance, is_new=False)

    async def _get(self, session: AsyncSession, guild_id: int, item_id: int) -> ShopItem:
        item = await table.get_item(session, guild_id, item_id)
        if item is None:
            raise NotFound(_("There is no such item here."), hint=_("/shop shows what there is."))
        return item

    # --- taking back -------------------------------------------------------------------------

    async def give_back(self, session: AsyncSession, reference: str) -> tuple[Message, ...]:
        """Take back what was bought, in the transaction that gives the money back.

        Return in words what is not there any more to be taken.
        """
        now = self._office.clock.now()
        purchase_id = int(reference.partition(":")[2])
        if (seen := await table.get_purchase(session, purchase_id)) is None:
            return ()
        if seen.user_id != NOBODY:
            await hold(session, seen.guild_id, {Holder.SINK, Holder.user(seen.user_id)})
        purchase = await table.mark_undone(session, purchase_id, now)
        if purchase is None:
            return ()
        item = await table.get_item(session, purchase.guild_id, purchase.item_id, lock=True)
        if item is None:
            return (_("The item is not on record any more."),)
        if purchase.role_id is not None:
            return await self._take_role(session, purchase, item, purchase.role_id)
        return await self._take_pieces(session, purchase, item, now)

    async def _take_role(
        self, session: AsyncSession, purchase: Purchase, item: ShopItem, role_id: int
    ) -> tuple[Message, ...]:
        taken = await self._roles.take(
            session, purchase.guild_id, purchase.user_id, role_id, purchase.role_lasts
        )
        await self._restore(session, purchase, item, purchase.quantity)
        role = f"<@&{role_id}>"
        return () if taken else (_("The time of {role} was over already.", role=role),)

    async def _take_pieces(
        self, session: AsyncSession, purchase: Purchase, item: ShopItem, now: datetime
    ) -> tuple[Message, ...]:
        held = await inventory.list_pieces(
            session, purchase.guild_id, purchase.user_id, item.id, now
        )
        # Those of this purchase first: others may last longer.
        own = [one for one in held if one.expires_at == purchase.lot_expires_at]
        there = min(purchase.quantity, count_pieces(own))
        pieces = choose_pieces(own, there) or ()
        if there and not await inventory.take_pieces(
            session, purchase.guild_id, purchase.user_id, item.id, pieces
        ):
            raise at_once()
        if there:
            await self._restore(session, purchase, item, there)
        missing = purchase.quantity - there
        if not missing:
            return ()
        text = ngettext(
            "{count} piece of {item} could not be taken back: it is used or gone.",
            "{count} pieces of {item} could not be taken back: they are used or gone.",
            missing,
            item=title_of(item),
        )
        return (text,)

    async def _restore(
        self, session: AsyncSession, purchase: Purchase, item: ShopItem, quantity: int
    ) -> None:
        await table.return_stock(session, item.id, quantity)
        await table.return_bought(session, item.id, purchase.user_id, quantity)


def _purchase_of(order: Order, now: datetime) -> dict[str, object]:
    return {
        "guild_id": order.customer.guild_id,
        "user_id": order.customer.user_id,
        "item_id": order.item_id,
        "key": order.key,
        "price": order.price,
        "quantity": order.quantity,
        "lot_expires_at": None,
        "role_id": None,
        "role_lasts": None,
        "created_at": now,
    }


def refused(obstacle: Obstacle) -> Conflict:
    """Return what speaks against a purchase as an error."""
    return Conflict(obstacle.message, hint=obstacle.hint)
