"""What the shop offers: items are added, changed, restocked and taken off; free of discord.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.goods import name_key, title_of
from bot.core.i18n import Message, _
from bot.core.settings.validation import invalid_input
from cogs.economy.settings import KEY
from cogs.economy.shop_rules import MOST_ITEMS, MOST_STOCK, ItemPlan, plan_of
from db import economy_shop as table
from db.economy_shop import ShopItem

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.contracts import Actor
    from cogs.economy.shop_office import ShopOffice


def read_plan(values: Mapping[str, Any]) -> ItemPlan:
    """Return the item that the values describe; raises `InvalidInput` by field."""
    try:
        return ItemPlan.model_validate(dict(values))
    except ValidationError as error:
        raise invalid_input(error, {}) from error


class Stockroom:
    """Keeps what the shops of all guilds offer."""

    def __init__(self, office: ShopOffice) -> None:
        self._office = office

    async def list(self, guild_id: int) -> Sequence[ShopItem]:
        """Return what a guild offers, the cheapest first."""
        async with self._office.database.read() as session:
            return await table.list_items(session, guild_id)

    async def get(self, guild_id: int, item_id: int) -> ShopItem:
        """Return an item on offer; raises `NotFound`."""
        async with self._office.database.read() as session:
            return await self._get(session, guild_id, item_id)

    async def seen(self, guild_id: int, item_id: int, revision: int) -> ShopItem:
        """Return an item that is as it was seen; raises `Conflict` when it is not."""
        item = await self.get(guild_id, item_id)
        if item.revision != revision:
            raise changed_meanwhile()
        return item

    async def add(self, guild_id: int, plan: ItemPlan, actor: Actor) -> ShopItem:
        """Put an item on offer.

        Raises `Conflict` for a name that is taken, `Denied` for a role that can't be sold.
        """
        await self._check_role(guild_id, plan, actor)
        self._check_requirement(guild_id, plan)
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            if len(await table.list_items(session, guild_id)) >= MOST_ITEMS:
                raise InvalidInput(
                    _("A shop has at most {count} items.", count=MOST_ITEMS),
                    hint=_("Remove one with /economy item remove first."),
                )
            values = plan.to_row() | {
                "guild_id": guild_id,
                "created_at": now,
                "created_by": actor.user_id or None,
            }
            item = await table.add_item(session, values)
            if item is None:
                raise _name_taken(plan.name)
            await self._record(session, actor, "add", item, plan.to_json())
        return item

    async def change(
        self, seen: ShopItem, make: Callable[[ItemPlan], ItemPlan], actor: Actor
    ) -> ShopItem:
        """Change an item that still is as it was seen.

        Raises `Conflict` when it is not, as each sale out of a stock changes it, or when another
        has the name; and what `make` raises.
        """
        before = plan_of(seen)
        plan = make(before)
        if (plan.role_id, plan.trusted) != (before.role_id, before.trusted):
            await self._check_role(seen.guild_id, plan, actor)
        if plan.required_role_id != before.required_role_id:
            self._check_requirement(seen.guild_id, plan)
        async with self._office.database.write() as session:
            await self._ensure_free(session, seen, plan)
            item = await table.change_item(
                session, seen.guild_id, seen.id, seen.revision, plan.to_row()
            )
            if item is None:
                raise changed_meanwhile()
            await self._record(session, actor, "edit", item, changes_of(before, plan))
        return item

    async def edit(
        self, guild_id: int, item_id: int, values: Mapping[str, Any], actor: Actor
    ) -> ShopItem:
        """Change just these values of an item, whatever is sold of it at the same time."""
        for _attempt in range(_ATTEMPTS):
            seen = await self.get(guild_id, item_id)
            try:
                return await self.change(
                    seen, lambda plan: read_plan(plan.to_json() | dict(values)), actor
                )
            except _Overtaken:
                continue
        raise changed_meanwhile()

    async def restock(self, guild_id: int, item_id: int, quantity: int, actor: Actor) -> ShopItem:
        """Add pieces to an item's stock."""
        if not 1 <= quantity <= MOST_STOCK:
            raise InvalidInput(_("From 1 to {count} pieces, please.", count=MOST_STOCK))
        async with self._office.database.write() as session:
            item = await table.restock_item(session, guild_id, item_id, quantity, most=MOST_STOCK)
            if item is None:
                raise await self._why_not_restocked(session, guild_id, item_id)
            details = {"added": quantity, "stock": item.stock}
            await self._record(session, actor, "restock", item, details)
        return item

    async def remove(self, seen: ShopItem, actor: Actor, *, exactly: bool = False) -> None:
        """Take an item off the shop; those who have pieces keep them.

        With `exactly` only while it is as it was seen.
        """
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            current = await table.get_item(session, seen.guild_id, seen.id, lock=True)
            if current is None or current.archived_at is not None:
                raise _gone()
            if exactly and current.revision != seen.revision:
                raise changed_meanwhile()
            item = await table.change_item(
                session, seen.guild_id, seen.id, current.revision, {"archived_at": now}
            )
            if item is None:
                raise changed_meanwhile()
            await self._record(session, actor, "remove", item, {})

    def _check_requirement(self, guild_id: int, plan: ItemPlan) -> None:
        if plan.required_role_id is not None:
            self._office.ensure_there(guild_id, plan.required_role_id)

    async def _check_role(self, guild_id: int, plan: ItemPlan, actor: Actor) -> None:
        if plan.role_id is not None:
            await self._office.ensure_offerable(guild_id, plan.role_id, actor, trusted=plan.trusted)

    async def _get(self, session: AsyncSession, guild_id: int, item_id: int) -> ShopItem:
        item = await table.get_item(session, guild_id, item_id)
        if item is None or item.archived_at is not None:
            raise _gone()
        return item

    async def _ensure_free(self, session: AsyncSession, seen: ShopItem, plan: ItemPlan) -> None:
        named = await table.find_item(session, seen.guild_id, name_key(plan.name))
        if named is not None and named.id != seen.id:
            raise _name_taken(plan.name)

    async def _why_not_restocked(
        self, session: AsyncSession, guild_id: int, item_id: int
    ) -> Exception:
        item = await self._get(session, guild_id, item_id)
        if item.stock is None:
            return InvalidInput(
                _("There is no end of {item}: it needs no restocking.", item=title_of(item)),
                hint=_("Give it a stock with /economy item edit first."),
            )
        return InvalidInput(
            _("A stock is at most {most}; {count} are there.", most=MOST_STOCK, count=item.stock)
        )

    async def _record(
        self,
        session: AsyncSession,
        actor: Actor,
        what: str,
        item: ShopItem,
        details: Mapping[str, Any],
    ) -> None:
        await self._office.audit.record(
            session,
            actor,
            item.guild_id,
            f"{KEY}.item_{what}",
            "settings",
            {"feature": KEY, "item": item.name, "item_id": str(item.id), **details},
        )


_ATTEMPTS = 5


class _Overtaken(Conflict):
    """Somebody, or a sale, has changed the item since it was read."""


def changes_of(before: ItemPlan, after: ItemPlan) -> dict[str, Any]:
    """Return what changed, with the values before and after, for the audit log."""
    old, new = before.to_json(), after.to_json()
    changed = [name for name in new if old[name] != new[name]]
    return {
        "before": {name: old[name] for name in changed},
        "after": {name: new[name] for name in changed},
    }


def changed_meanwhile() -> Conflict:
    """Return the refusal of a change to an item that is not as it was seen."""
    return _Overtaken(
        _("This item was changed or sold meanwhile."), hint=_("Look at it again, then repeat it.")
    )


def _gone() -> NotFound:
    return NotFound(
        _("This item is not in the shop any more."), hint=_("/economy item list shows what is.")
    )


def _name_taken(name: str) -> Conflict:
    text: Message = _("There is an item called {name} already.", name=quote(name))
    return Conflict(text, hint=_("Choose another name, or remove that item first."))
