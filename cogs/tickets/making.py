"""Makes the room of a ticket, once, whatever becomes of the process meanwhile."""

from __future__ import annotations

from datetime import timedelta

from cogs.tickets.office import Office
from cogs.tickets.ports import Admitted, RoomPlan, Rooms
from cogs.tickets.roomstate import state_of
from db import tickets as table
from db.tickets import Ticket

# How long the room of a ticket that was given up is looked for while Discord does not answer.
_LOOKED_FOR = timedelta(days=7)


class RoomMaker:
    """Makes rooms, finds those that a run made which was killed, and removes what is left over."""

    def __init__(self, office: Office, rooms: Rooms) -> None:
        self._office, self._rooms = office, rooms

    async def make(self, ticket: Ticket, plan: RoomPlan) -> bool:
        """Make a ticket's room and let its people in; False when another process was faster.

        Raises what `Rooms` raises.
        """
        channel_id = await self._find_made(ticket, plan)
        if channel_id is None:
            channel_id = await self._rooms.make(plan)
        async with self._office.database.write() as session:
            took = await table.set_room(
                session, ticket.id, channel_id, state_of(ticket, plan, made=True)
            )
        if not took:
            # Another process was faster; nobody has seen this one.
            await self._rooms.remove(channel_id, plan)
            return False
        if plan.is_thread:
            # It is open to nobody yet.
            await self._rooms.align(channel_id, plan, Admitted())
        async with self._office.database.write() as session:
            await table.note_room(session, ticket.id, state_of(ticket, plan))
        return True

    async def clear_up(self, ticket: Ticket, plan: RoomPlan) -> None:
        """Remove the room that was made after all, for a ticket that was given up."""
        given_up = ticket.closed_at or ticket.created_at
        if self._office.clock.now() - given_up > _LOOKED_FOR:
            return
        left = await self._find_made(ticket, plan)
        if left is not None:
            await self._rooms.remove(left, plan)

    async def _find_made(self, ticket: Ticket, plan: RoomPlan) -> int | None:
        """Return the room that a run made which was killed before it could note it."""
        found = await self._rooms.find(plan, ticket.created_at)
        if not found:
            return None
        async with self._office.database.read() as session:
            taken = await table.list_taken(session, found)
        return next((one for one in found if one not in taken), None)
