"""What people do with an open ticket: each is one compare-and-set with its event and its words.

Who may do it is asked before, in `access`. Free of discord.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _
from cogs.tickets.changing import LONGEST_NOTE, First
from cogs.tickets.limits import ensure_can_move, ensure_can_own
from cogs.tickets.machine import Action
from cogs.tickets.marking import Marking
from cogs.tickets.panel import Panel, Room
from db import tickets as table
from db.ticket_erasure import erase_if_asked
from db.ticket_panels import TicketPanel
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_MEMBERS = 50


class Life(Marking):
    """Everything that is done with tickets; raises `Conflict` for one in another state."""

    def start(self) -> None:
        """Hear of rooms that are ready."""
        self._keeper.opened.append(self._opened)
        self._keeper.shutting.append(self._capture.flush)
        self._keeper.dropped.append(self._capture.forget)
        self._watch.widened.append(self._capture.note)
        self._watch.hearing.append(self._capture.catch_up)

    async def _opened(self, session: AsyncSession, ticket: Ticket, again: bool) -> None:
        await self._capture.note(session, ticket)
        panel = await self._office.panel_of(session, ticket)
        opens_at = await self._watch.opens_at(ticket.guild_id, panel)
        is_new = await self._herald.welcome(session, ticket, opens_at)
        if again:
            await self._herald.refresh(session, ticket, opens_at)
            await self._herald.reopened(session, ticket, with_record=is_new)
        await self._watch.ensure(session, ticket)

    # --- who sees to it, and who is in it -------------------------------------------------------

    async def claim(self, ticket_id: int, actor_id: int, *, first: First | None = None) -> Ticket:
        """Have somebody of the staff see to it; raises `Conflict` when somebody else does."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.claimed_by == actor_id:
                raise Conflict(_("You see to this ticket already."))
            if before.claimed_by is not None:
                raise Conflict(
                    _("{member} sees to this ticket already.", member=f"<@{before.claimed_by}>"),
                    hint=_("They can hand it over with /ticket transfer."),
                )
            ticket = await self._change(session, ticket_id, Action.CLAIM, claimed_by=actor_id)
            await self._tell(session, ticket, Action.CLAIM, actor_id, aligns=True)
        return ticket

    async def unclaim(
        self, ticket_id: int, actor_id: int | None, *, manages: bool, first: First | None = None
    ) -> Ticket:
        """Let go of a ticket; whoever `manages` tickets may do so for somebody else."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.claimed_by is None:
                raise Conflict(_("Nobody sees to this ticket."))
            if before.claimed_by != actor_id and not manages:
                raise Conflict(
                    _("{member} sees to this ticket.", member=f"<@{before.claimed_by}>"),
                    hint=_("They can let go of it, and so can whoever manages tickets."),
                )
            loser = before.claimed_by if before.claimed_by != actor_id else None
            ticket = await self._change(session, ticket_id, Action.UNCLAIM, claimed_by=None)
            await self._tell(
                session, ticket, Action.UNCLAIM, actor_id, subject_id=loser or None, aligns=True
            )
        return ticket

    async def transfer(
        self, ticket_id: int, actor_id: int | None, member_id: int, *, first: First | None = None
    ) -> Ticket:
        """Hand a ticket to somebody else of the staff."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.claimed_by == member_id:
                raise Conflict(_("They see to this ticket already."))
            ticket = await self._change(session, ticket_id, Action.TRANSFER, claimed_by=member_id)
            await self._tell(
                session, ticket, Action.TRANSFER, actor_id, subject_id=member_id, aligns=True
            )
        return ticket

    async def give_to(
        self, ticket_id: int, actor_id: int | None, member_id: int, *, first: First | None = None
    ) -> Ticket:
        """Make a ticket somebody else's, who may have one more; who had it stays in it."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.user_id == member_id:
                raise Conflict(_("This is their ticket already."))
            await ensure_can_own(self._office, session, before, member_id)
            if before.user_id:
                await table.add_member(session, before, before.user_id, actor_id)
            await erase_if_asked(session, before, self._office.clock.now())
            ticket = await self._change(session, ticket_id, Action.GIVE_TO, user_id=member_id)
            await table.remove_member(session, ticket_id, member_id)
            await self._tell(
                session, ticket, Action.GIVE_TO, actor_id, subject_id=member_id, aligns=True
            )
        return ticket

    async def add(
        self, ticket_id: int, actor_id: int | None, member_id: int, *, first: First | None = None
    ) -> Ticket:
        """Let somebody into a ticket."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            members = await table.list_members(session, ticket_id)
            if member_id in {before.user_id, before.claimed_by, *members}:
                raise Conflict(_("They are in this ticket already."))
            if len(members) >= MOST_MEMBERS:
                raise InvalidInput(
                    _("At most {count} people can be added to a ticket.", count=MOST_MEMBERS)
                )
            ticket = await self._change(session, ticket_id, Action.ADD)
            await table.add_member(session, ticket, member_id, actor_id)
            await self._tell(
                session, ticket, Action.ADD, actor_id, subject_id=member_id, aligns=True
            )
        return ticket

    async def remove(
        self, ticket_id: int, actor_id: int | None, member_id: int, *, first: First | None = None
    ) -> Ticket:
        """Take somebody who was added out of a ticket."""
        async with self._office.database.write() as session:
            await self._hold(session, ticket_id, first)
            ticket = await self._change(session, ticket_id, Action.REMOVE)
            if not await table.remove_member(session, ticket_id, member_id):
                raise Conflict(
                    _("They were not added to this ticket."),
                    hint=_("Its opener and its staff can't be taken out."),
                )
            await self._tell(
                session, ticket, Action.REMOVE, actor_id, subject_id=member_id, aligns=True
            )
        return ticket

    # --- what it is ------------------------------------------------------------------------------

    async def move(
        self, ticket_id: int, actor_id: int | None, row: TicketPanel, *, first: First | None = None
    ) -> Ticket:
        """Make a ticket one of another panel that has a place: its staff, category, deadlines."""
        panel = Panel.model_validate(row.config)
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.panel_id == row.id:
                raise Conflict(_("This ticket is one of that panel already."))
            await ensure_can_move(self._office, session, before, row.id)
            values: dict[str, Any] = {"panel_id": row.id, "category": panel.name}
            # A thread stays where it is: Discord can't move one.
            if before.mode == Room.CHANNEL and panel.room is Room.CHANNEL and panel.parent_id:
                values["parent_id"] = panel.parent_id
            ticket = await self._change(session, ticket_id, Action.MOVE, staff_roles=[], **values)
            details = {"value": panel.name}
            await self._tell(session, ticket, Action.MOVE, actor_id, details=details, aligns=True)
            await self._watch.ensure(session, ticket)
        return ticket

    async def add_note(
        self, ticket_id: int, actor_id: int | None, text: str, *, first: First | None = None
    ) -> Ticket:
        """Leave a note that only the staff can read."""
        cleaned = text.strip()
        if not 0 < len(cleaned) <= LONGEST_NOTE:
            raise InvalidInput(_("A note has 1 to {count} characters.", count=LONGEST_NOTE))
        async with self._office.database.write() as session:
            await self._hold(session, ticket_id, first)
            ticket = await self._change(session, ticket_id, Action.NOTE)
            await self._note(session, ticket, Action.NOTE, actor_id, text=cleaned)
        return ticket
