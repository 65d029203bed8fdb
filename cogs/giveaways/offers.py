"""What somebody who is in a giveaway could use of the shop for more entries; free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.money import is_economy_on
from cogs.giveaways.plan import ItemBonus, bonuses_from_json, item_bonuses_in
from db.giveaway_items import Stock, list_stocks

if TYPE_CHECKING:
    from cogs.giveaways.backstage import Backstage
    from db.economy_shop import ShopItem
    from db.giveaways import Giveaway


@dataclass(frozen=True, slots=True)
class Offer:
    """An item of which somebody has `held` pieces; the next that they use is their `nth`."""

    item: ShopItem
    entries: int
    held: int
    nth: int


class Offers:
    """Finds what people can use."""

    def __init__(self, backstage: Backstage) -> None:
        self._stage = backstage

    async def list(self, giveaway: Giveaway, user_id: int) -> tuple[Offer, ...]:
        """Return what somebody has and may still use; nothing while the economy is off.

        One query where the giveaway names items, else none.
        """
        bonuses = item_bonuses_in(bonuses_from_json(giveaway.bonus_entries))
        if not bonuses or not await is_economy_on(self._stage.settings, giveaway.guild_id):
            return ()
        ids = {one.item_id for one in bonuses}
        now = self._stage.clock.now()
        async with self._stage.database.read() as session:
            stocks = await list_stocks(session, giveaway.id, user_id, ids, now)
        return tuple(
            _offer(one, stocks[one.item_id])
            for one in bonuses
            if one.item_id in stocks and _can_use(one, stocks[one.item_id])
        )


def _can_use(bonus: ItemBonus, stock: Stock) -> bool:
    return stock.held > 0 and stock.used < bonus.most


def _offer(bonus: ItemBonus, stock: Stock) -> Offer:
    return Offer(stock.item, bonus.entries, stock.held, stock.used + 1)
