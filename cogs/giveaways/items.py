"""Items of the shop that a plan names: whether they can be, and what they are called.

Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.goods import ItemKind, name_key, title_of
from bot.core.i18n import Message, _
from bot.core.money import is_economy_on
from cogs.giveaways.plan import Plan, bonuses_from_json, item_bonuses_in
from db.economy_shop import find_item
from db.giveaway_items import map_items

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.settings import SettingsStore
    from db.economy_shop import ShopItem
    from db.engine import Database
    from db.giveaways import Giveaway


async def titles_in(session: AsyncSession, giveaway: Giveaway) -> Mapping[int, str]:
    """Return what the items that give entries in a giveaway are called, by their ids."""
    bonuses = item_bonuses_in(bonuses_from_json(giveaway.bonus_entries))
    found = await map_items(session, giveaway.guild_id, {one.item_id for one in bonuses})
    return {item_id: title_of(item) for item_id, item in found.items()}


class ItemCheck:
    """Looks items up in the shops of all guilds."""

    def __init__(self, database: Database, settings: SettingsStore) -> None:
        self._database = database
        self._settings = settings

    async def mistakes(self, guild_id: int, item_ids: Collection[int]) -> Mapping[int, Message]:
        """Return why items can't give entries, by their ids; nothing of those that can."""
        if not item_ids:
            return {}
        if not await is_economy_on(self._settings, guild_id):
            return dict.fromkeys(item_ids, _("The economy is switched off."))
        async with self._database.read() as session:
            found = await map_items(session, guild_id, item_ids)
        reasons = {one: _why_not(found.get(one)) for one in item_ids}
        return {one: reason for one, reason in reasons.items() if reason is not None}

    async def find(self, guild_id: int, text: str, plan: Plan) -> Sequence[ShopItem]:
        """Return the items that a name means: the one on offer first, then those of the plan.

        One that is not sold any more may have the name of another. Raises `InvalidInput` where
        there is none.
        """
        key = name_key(text)
        async with self._database.read() as session:
            named = await map_items(session, guild_id, {one.item_id for one in plan.item_bonuses})
            offered = await find_item(session, guild_id, key)
        found = {one.id: one for one in (offered, *named.values()) if one and one.name_key == key}
        if not found:
            raise InvalidInput(
                _("There is no {name} in the shop.", name=quote(text)),
                hint=_("/shop shows what there is."),
            )
        return tuple(found.values())


def _why_not(item: ShopItem | None) -> Message | None:
    if item is None:
        return _("There is no such item in the shop.")
    if item.archived_at is not None:
        return _("{item} is not in the shop any more.", item=title_of(item))
    if item.kind == ItemKind.ROLE_AT_ONCE:
        return _("{item} is never in an inventory, so nobody could use it.", item=title_of(item))
    return None
