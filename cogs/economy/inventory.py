"""Inventories: what members have is shown, used and given away; free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.goods import (
    ItemKind,
    name_key,
    take_from,
    title_of,
)
from bot.core.i18n import _
from bot.core.ledger import Holder, hold
from cogs.economy.shop_office import USED_NOTHING
from cogs.economy.shop_rules import MOST_PIECES, read_pick
from cogs.economy.shopping import Customer
from db import economy_inventory as table
from db.economy_inventory import Holding, Pieces
from db.economy_shop import ShopItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.economy.shop_office import ShopOffice
    from cogs.economy.shop_roles import ShopRoles


@dataclass(frozen=True, slots=True)
class Used:
    """An item that was used; the role that it gives ends at `ends_at`, `None` for never."""

    item: ShopItem
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is to be given something."""

    user_id: int
    is_bot: bool
    is_member: bool


class Inventories:
    """Keeps what the members of all guilds have."""

    def __init__(self, office: ShopOffice, roles: ShopRoles) -> None:
        self._office = office
        self._roles = roles

    async def list(self, guild_id: int, user_id: int) -> Sequence[Holding]:
        """Return what a member has, by name."""
        now = self._office.clock.now()
        async with self._office.database.read() as session:
            return await table.list_holdings(session, guild_id, user_id, now)

    async def find(
        self, guild_id: int, user_id: int, text: str, *, anothers: bool = False
    ) -> ShopItem:
        """Return the item of a member's that a name or a pick means.

        Raises `NotFound`, in words for whoever has it not, or for somebody else.
        """
        holdings, pick, key = await self.list(guild_id, user_id), read_pick(text), name_key(text)
        for one in holdings:
            if one.item.id == pick[0] if pick else one.item.name_key == key:
                return one.item
        if anothers:
            raise NotFound(
                _("{member} does not have that.", member=f"<@{user_id}>"),
                hint=_("/inventory view shows what they have."),
            )
        raise NotFound(
            _("You have no {name}.", name=quote(text)) if pick is None else _("You don't have it."),
            hint=_("/inventory view shows what you have."),
        )

    async def use(self, customer: Customer, item: ShopItem, *, key: str) -> Used:
        """Use a piece of an item, once per key: it is gone, and the role that it gives is there.

        Raises in words where there is nothing to use; then the piece is still there.
        """
        if item.kind != ItemKind.ROLE_ON_USE or item.role_id is None:
            raise InvalidInput(
                _("{item} is for keeping: there is nothing to use.", item=title_of(item)),
                hint=_("You can give it away with /inventory gift, or trade it with /trade."),
            )
        await self._office.ensure_givable(
            item.guild_id, item.role_id, trusted=item.trusted, so=USED_NOTHING
        )
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            await hold(session, item.guild_id, {Holder.user(customer.user_id)})
            await self._note(session, item, customer.user_id, 1, key=key)
            await self._take(session, item, customer.user_id, 1)
            ends_at = await self._roles.give(
                session, item, customer.user_id, customer.role_ids, now, so=USED_NOTHING
            )
        return Used(item, ends_at)

    async def gift(
        self, giver_id: int, receiver: Receiver, item: ShopItem, quantity: int, *, key: str
    ) -> None:
        """Give pieces of an item to another member, once per key."""
        ensure_receivable(giver_id, receiver)
        ensure_count(quantity)
        people = {giver_id, receiver.user_id}
        async with self._office.database.write() as session:
            await hold(session, item.guild_id, {Holder.user(one) for one in people})
            await self._note(session, item, giver_id, quantity, key=key, target_id=receiver.user_id)
            await table.lock_lots(session, item.guild_id, people, {item.id})
            pieces = await self._take(session, item, giver_id, quantity)
            await table.add_pieces(session, item.guild_id, receiver.user_id, item.id, pieces)

    async def _note(
        self,
        session: AsyncSession,
        item: ShopItem,
        user_id: int,
        quantity: int,
        *,
        key: str,
        target_id: int | None = None,
    ) -> None:
        values = {
            "guild_id": item.guild_id,
            "user_id": user_id,
            "item_id": item.id,
            "key": key,
            "quantity": quantity,
            "target_id": target_id,
            "created_at": self._office.clock.now(),
        }
        if not await table.add_use(session, values):
            raise Conflict(_("This was done already."))

    async def _take(
        self, session: AsyncSession, item: ShopItem, user_id: int, quantity: int
    ) -> tuple[Pieces, ...]:
        return await take_from(session, item, user_id, quantity, self._office.clock.now())


def ensure_receivable(giver_id: int, receiver: Receiver) -> None:
    """Raise in words where somebody can't be given anything."""
    if receiver.user_id == giver_id:
        raise InvalidInput(_("That is you."), hint=_("Choose another member."))
    if receiver.is_bot:
        raise InvalidInput(_("Bots have no use for items."), hint=_("Choose a person."))
    if not receiver.is_member:
        raise InvalidInput(_("They are not in this server."), hint=_("Choose a member."))


def ensure_count(quantity: int) -> None:
    """Raise in words for a number of pieces that nobody can mean."""
    if not 1 <= quantity <= MOST_PIECES:
        raise InvalidInput(_("From 1 to {count} pieces, please.", count=MOST_PIECES))
