"""Panels as the API reads, makes, changes and deletes them; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.core.i18n import N_
from bot.core.resources import Item, Resource
from cogs.tickets.desk import changed_meanwhile, read_panel
from cogs.tickets.panel import Panel

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.tickets.desk import PanelDesk
    from db.ticket_panels import TicketPanel


class PanelDetail(Panel):
    """A panel on record."""

    id: str


RESOURCE = Resource(
    name="ticket-panels",
    one="ticket panel",
    many="ticket panels",
    title=N_("Panels"),
    label=attrgetter("name"),
    model=PanelDetail,
    addition=Panel,
    change=Panel,
)


class PanelResource:
    """Answers for panels through the desk that the commands use."""

    def __init__(self, desk: PanelDesk) -> None:
        self._desk = desk

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's panels by name."""
        return [_item(one) for one in await self._desk.list(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one panel; raises `NotFound`."""
        return _item(await self._desk.get(guild_id, item_id))

    async def add(self, guild_id: int, body: Panel, actor: Actor) -> Item:
        """Make a panel."""
        return _item(await self._desk.create(guild_id, read_panel(body.to_json()), actor))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: Panel, actor: Actor
    ) -> Item:
        """Put a panel in the place of one that nobody has changed meanwhile."""
        row = await self._seen(guild_id, item_id, revision)
        return _item(await self._desk.change(row, lambda _panel: body, actor))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Delete a panel that nobody has changed meanwhile."""
        row = await self._seen(guild_id, item_id, revision)
        await self._desk.delete(row, actor, exactly=True)

    async def _seen(self, guild_id: int, item_id: int, revision: int) -> TicketPanel:
        row = await self._desk.get(guild_id, item_id)
        if row.revision != revision:
            raise changed_meanwhile()
        return row


def _item(row: TicketPanel) -> Item:
    return Item(row.id, row.revision, PanelDetail.model_validate({**row.config, "id": str(row.id)}))
