"""The shop's items as the API reads, adds, changes and removes them; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from pydantic import Field

from bot.core.i18n import N_, Message, _
from bot.core.resources import Item, Resource
from cogs.economy.shop_rules import ItemPlan, plan_of

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.economy.stocking import Stockroom
    from db.economy_shop import ShopItem


class ItemDetail(ItemPlan):
    """An item on offer; `sold` counts what was bought and not given back."""

    id: str
    sold: int = Field(title=N_("Sold"))


def _facts(item: ItemDetail) -> Sequence[Message | str]:
    facts = [_("Price: {price}", price=item.price)]
    if item.stock is not None:
        facts.append(_("Stock: {stock}", stock=item.stock))
    return [*facts, _("Sold: {count}", count=item.sold)]


RESOURCE = Resource(
    name="shop-items",
    one="shop item",
    many="shop items",
    title=N_("Shop"),
    label=attrgetter("name"),
    model=ItemDetail,
    addition=ItemPlan,
    change=ItemPlan,
    facts=_facts,
)


class ItemResource:
    """Answers for items through the stockroom that the commands use."""

    def __init__(self, stock: Stockroom) -> None:
        self._stock = stock

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return what a guild offers, the cheapest first."""
        return [_item(one) for one in await self._stock.list(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one item; raises `NotFound`."""
        return _item(await self._stock.get(guild_id, item_id))

    async def add(self, guild_id: int, body: ItemPlan, actor: Actor) -> Item:
        """Put an item on offer."""
        return _item(await self._stock.add(guild_id, body, actor))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: ItemPlan, actor: Actor
    ) -> Item:
        """Put an item in the place of one that nobody has changed or bought meanwhile."""
        seen = await self._stock.seen(guild_id, item_id, revision)
        return _item(await self._stock.change(seen, lambda _plan: body, actor))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Take an item off the shop that nobody has changed or bought meanwhile."""
        seen = await self._stock.seen(guild_id, item_id, revision)
        await self._stock.remove(seen, actor, exactly=True)


def _item(row: ShopItem) -> Item:
    values = {**plan_of(row).to_json(), "id": str(row.id), "sold": row.sold}
    return Item(row.id, row.revision, ItemDetail.model_validate(values))
