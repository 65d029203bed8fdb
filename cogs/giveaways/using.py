"""Using an item of the shop for more entries in a giveaway; free of discord.py.

The piece leaves the inventory, and the entry gains its weight, in one transaction that only
succeeds while the giveaway is open and as it was seen. Each press says which piece of the person's
it means, the first, the second: so whatever is pressed or sent twice uses one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import Conflict
from bot.core.goods import take_from, title_of
from bot.core.i18n import _
from bot.core.ledger import Holder, hold
from bot.core.money import is_economy_on
from cogs.giveaways.entering import Inside, Refused
from cogs.giveaways.offers import Offer, Offers
from cogs.giveaways.plan import ItemBonus, bonuses_from_json, item_bonuses_in
from db import giveaway_items as table
from db.economy_inventory import add_use

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.giveaways.backstage import Backstage
    from cogs.giveaways.entering import Entering, Entrant
    from db.economy_shop import ShopItem
    from db.giveaway_entries import Look
    from db.giveaways import Giveaway


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """That somebody wants to use their `nth` piece of an item; `key` names the occasion."""

    giveaway_id: UUID
    user_id: int
    item_id: int
    nth: int
    key: str


@dataclass(frozen=True, slots=True)
class Used:
    """A piece was used; they have so many entries now, and could use what is in `offers`."""

    item: ShopItem
    weight: int
    offers: tuple[Offer, ...]


class _Done(Exception):
    """The piece was used before, or others were used or given back since the button was shown."""


class Using:
    """Lets those who are in use their items."""

    def __init__(self, backstage: Backstage, entering: Entering) -> None:
        self._stage = backstage
        self._entering = entering
        self._offers = Offers(backstage)

    async def use(self, press: Press, entrant: Entrant) -> Used | Inside | Refused:
        """Use a piece, or say in words why it can't be; then it is still there.

        A press on a button that is not of now uses nothing and says how it is. Raises as
        `Entering.enter` does, and `Conflict` for who is not in, has no piece or may use no more.
        """
        look = await self._entering.look(press.giveaway_id, entrant)
        bonus, item = await self._find(look, press.item_id)
        if look.weight is None:
            raise _not_in()
        if found := await self._entering.obstacles(look, entrant):
            return Refused(found)
        try:
            async with self._stage.database.write() as session:
                weight = await self._use(session, press, look.giveaway, bonus, item)
        except _Done:
            return await self._how_it_is(press, entrant)
        if weight is None:
            # It was closed or changed since it was looked at.
            return await self.use(press, entrant)
        return Used(item, weight, await self._offers.list(look.giveaway, entrant.user_id))

    async def _how_it_is(self, press: Press, entrant: Entrant) -> Inside:
        look = await self._entering.look(press.giveaway_id, entrant)
        if look.weight is None:
            raise _not_in()
        return Inside(look.weight, await self._offers.list(look.giveaway, entrant.user_id))

    async def _find(self, look: Look, item_id: int) -> tuple[ItemBonus, ShopItem]:
        giveaway = look.giveaway
        if not await is_economy_on(self._stage.settings, giveaway.guild_id):
            raise Conflict(
                _("The economy is switched off in this server, so no item can be used."),
                hint=_("Nothing was used: you still have the item."),
            )
        bonuses = item_bonuses_in(bonuses_from_json(giveaway.bonus_entries))
        bonus = next((one for one in bonuses if one.item_id == item_id), None)
        async with self._stage.database.read() as session:
            item = (await table.map_items(session, giveaway.guild_id, [item_id])).get(item_id)
        if bonus is None or item is None:
            raise Conflict(
                _("That item gives no entries in this giveaway any more."),
                hint=_("Nothing was used: you still have the item."),
            )
        return bonus, item

    async def _use(
        self,
        session: AsyncSession,
        press: Press,
        giveaway: Giveaway,
        bonus: ItemBonus,
        item: ShopItem,
    ) -> int | None:
        """Do it in the caller's transaction; `None` where the giveaway is not as it was seen."""
        user_id, now = press.user_id, self._stage.clock.now()
        await hold(session, giveaway.guild_id, {Holder.user(user_id)})
        if not await table.hold_as_seen(session, giveaway.id, now, seen=giveaway.revision):
            return None
        weight = await table.raise_weight(session, giveaway.id, user_id, bonus.entries)
        if weight is None:
            raise _not_in()
        used = await table.count_uses(session, giveaway.id, user_id, item.id)
        if press.nth != used + 1:
            raise _Done
        if used >= bonus.most:
            raise Conflict(
                _("You have used as many of {item} as count here.", item=title_of(item)),
                hint=_("Nothing was used: you still have the item."),
            )
        values = {
            "guild_id": giveaway.guild_id,
            "user_id": user_id,
            "item_id": item.id,
            "key": press.key,
            "quantity": 1,
            "target_id": None,
            "created_at": now,
        }
        if not await add_use(session, values):
            raise _Done
        (piece,) = await take_from(session, item, user_id, 1, now)
        use = table.GiveawayItemUse(
            giveaway_id=giveaway.id,
            user_id=user_id,
            item_id=item.id,
            nth=press.nth,
            entries=bonus.entries,
            expires_at=piece.expires_at,
            used_at=now,
        )
        await table.add_item_use(session, use)
        return weight


def _not_in() -> Conflict:
    return Conflict(
        _("You are not in this giveaway."), hint=_("Press its button to enter, then use the item.")
    )
