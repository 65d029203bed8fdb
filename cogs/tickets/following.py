"""Has tickets follow what their guild or panel has set: staff, deadlines, rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.core.settings import SettingsChanged
from cogs.tickets.capturing import Capture
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.machine import Status
from cogs.tickets.office import Office
from cogs.tickets.panel import Room
from cogs.tickets.roomstate import admitted_by
from cogs.tickets.settings import KEY
from cogs.tickets.watch import Watch
from db import tickets as table
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

# As many tickets as a guild may have open; of those, how many one transaction sees to.
_MOST, _BATCH = 500, 50


class Following:
    """Looks through open tickets after a change."""

    def __init__(self, office: Office, keeper: RoomKeeper, watch: Watch, capture: Capture) -> None:
        self._office = office
        self._keeper = keeper
        self._watch = watch
        self._capture = capture

    async def settings_changed(self, event: SettingsChanged) -> None:
        """Have a guild's tickets follow its settings."""
        if event.feature == KEY:
            await self.follow(event.guild_id)

    async def follow(self, guild_id: int, panel_id: int | None = None) -> None:
        """Have the open tickets of a guild, or of one panel, follow what is set now."""
        async with self._office.database.read() as session:
            tickets = await table.list_tickets(
                session,
                guild_id,
                statuses=[Status.OPEN],
                panel_ids=None if panel_id is None else [panel_id],
                limit=_MOST,
            )
        for start in range(0, len(tickets), _BATCH):
            async with self._office.database.write() as session:
                await self._follow(session, tickets[start : start + _BATCH])
        await self._follow_closed(guild_id, panel_id)

    async def _follow_closed(self, guild_id: int, panel_id: int | None) -> None:
        """Have those leave the threads of closed tickets whose role sees to them no more."""
        async with self._office.database.read() as session:
            tickets = await table.list_tickets(
                session,
                guild_id,
                statuses=[Status.CLOSED],
                panel_ids=None if panel_id is None else [panel_id],
                limit=_MOST,
            )
        for start in range(0, len(tickets), _BATCH):
            async with self._office.database.write() as session:
                for one in tickets[start : start + _BATCH]:
                    if one.mode == Room.THREAD and await self._admits_too_many(session, one):
                        await self._keeper.ensure(session, one)

    async def _admits_too_many(self, session: AsyncSession, ticket: Ticket) -> bool:
        admitted = admitted_by(ticket.room_state or {}).roles
        panel = await self._office.panel_of(session, ticket)
        return bool(admitted and admitted - await self._office.let_in(ticket, panel))

    async def _follow(self, session: AsyncSession, tickets: Sequence[Ticket]) -> None:
        for one in tickets:
            ticket = await table.get_ticket(session, one.id, lock=True)
            if ticket is not None and ticket.status == Status.OPEN:
                await self._keeper.ensure(session, ticket)
                await self._watch.ensure(session, ticket)
                await self._capture.note(session, ticket)
