"""How tickets end and begin again: closed at once or after a while, with a question, opened again.

Who may do it is asked before, in `access`. Free of discord.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _
from cogs.tickets.changing import Changing, First, clean
from cogs.tickets.limits import ensure_can_reopen
from cogs.tickets.machine import Action, Status
from cogs.tickets.watch import NO_CLOSE
from cogs.tickets.wording import line_of
from db import tickets as table
from db.base import NOBODY
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_REASON = 500
SHORTEST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(days=90)


class Ending(Changing):
    """Closes tickets and opens them again; raises `Conflict` for one in another state."""

    async def close(
        self,
        ticket_id: int,
        actor_id: int | None,
        reason: str | None = None,
        *,
        first: First | None = None,
    ) -> Ticket:
        """Close an open ticket; its room is locked once its last message is there."""
        # An answer of a moment ago counts, too: of closed tickets nobody notes who has written.
        await self._capture.flush()
        async with self._office.database.write() as session:
            await self._hold(session, ticket_id, first)
            return await self.close_in(session, ticket_id, actor_id, reason)

    async def close_in(
        self, session: AsyncSession, ticket_id: int, actor_id: int | None, reason: str | None
    ) -> Ticket:
        """Close an open ticket in the caller's transaction."""
        now = self._office.clock.now()
        known = await self._get(session, ticket_id)
        settings = await self._office.set_by(known.guild_id)
        ticket = await self._change(
            session,
            ticket_id,
            Action.CLOSE,
            closed_at=now,
            closed_by=actor_id,
            close_reason=clean(reason, LONGEST_REASON),
            close_at=None,
            close_requested_by=None,
            warned_at=None,
            remove_at=now + settings.keep_channel_for,
        )
        await table.add_event(
            session, ticket, Action.CLOSE, now, actor_id=actor_id, text=ticket.close_reason
        )
        # The card first: nothing in a thread can be edited once it is locked, which waits for the
        # closing line alone.
        await self._herald.refresh(session, ticket)
        await self._herald.closing(session, ticket, line_of(Action.CLOSE, actor_id=actor_id))
        await self._keeper.ensure(session, ticket)
        return ticket

    async def request_close(
        self,
        ticket_id: int,
        actor_id: int | None,
        reason: str | None,
        after: timedelta | None,
        *,
        first: First | None = None,
    ) -> Ticket:
        """Ask the opener whether it can be closed; without an answer it is, `after` a while.

        The question takes the place of an earlier one, and calls nobody who is asked already.
        """
        _check_delay(after)
        close_at = self._office.clock.now() + after if after else None
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            is_asked = before.close_requested_by is not None
            await self._herald.take_back_question(session, before)
            ticket = await self._change(
                session,
                ticket_id,
                Action.REQUEST_CLOSE,
                close_requested_by=actor_id or NOBODY,
                close_at=close_at,
                close_reason=clean(reason, LONGEST_REASON),
            )
            # By it the question is found when its buttons are to go.
            details = {"question": ticket.revision}
            await self._note(
                session, ticket, Action.REQUEST_CLOSE, actor_id, text=reason, details=details
            )
            await self._herald.ask_to_close(
                session, ticket, by=actor_id, reason=reason, calls=not is_asked
            )
            await self._watch.ensure(session, ticket)
        return ticket

    async def accept_close(self, ticket_id: int, actor_id: int) -> Ticket:
        """Close a ticket whose opener was asked; raises `Conflict` when nobody asks any more."""
        await self._capture.flush()
        async with self._office.database.write() as session:
            ticket = await self._get(session, ticket_id, lock=True)
            _ensure_asked(ticket)
            return await self.close_in(session, ticket_id, actor_id, ticket.close_reason)

    async def decline_close(self, ticket_id: int, actor_id: int) -> Ticket:
        """Go on with a ticket whose opener was asked; the staff take the question back so."""
        async with self._office.database.write() as session:
            ticket = await self._get(session, ticket_id, lock=True)
            _ensure_asked(ticket)
            asked_by = ticket.close_requested_by
            # Whether to go on is the opener's wish: others keep the ticket open.
            action = Action.DECLINE_CLOSE if actor_id == ticket.user_id else Action.KEEP_OPEN
            await self._herald.take_back_question(session, ticket)
            ticket = await self._change(session, ticket_id, action, **NO_CLOSE)
            await self._note(session, ticket, action, actor_id)
            await self._say(
                session,
                ticket,
                line_of(action, actor_id=actor_id),
                users=[asked_by] if asked_by and asked_by != actor_id else [],
            )
            await self._watch.ensure(session, ticket)
        return ticket

    async def schedule_close(
        self,
        ticket_id: int,
        actor_id: int | None,
        after: timedelta,
        reason: str | None,
        *,
        first: First | None = None,
    ) -> Ticket:
        """Have a ticket closed after a while."""
        _check_delay(after)
        close_at = self._office.clock.now() + after
        details = {"when": int(close_at.timestamp())}
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            await self._settle_question(session, before)
            ticket = await self._change(
                session,
                ticket_id,
                Action.SCHEDULE_CLOSE,
                close_at=close_at,
                close_requested_by=None,
                close_reason=clean(reason, LONGEST_REASON),
            )
            await self._tell(
                session, ticket, Action.SCHEDULE_CLOSE, actor_id, details=details, text=reason
            )
            await self._watch.ensure(session, ticket)
        return ticket

    async def keep_open(
        self, ticket_id: int, actor_id: int | None, *, first: First | None = None
    ) -> Ticket:
        """Take back that a ticket be closed after a while, or the question to its opener."""
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if before.close_at is None and before.close_requested_by is None:
                raise Conflict(_("Nobody has asked for this ticket to be closed."))
            await self._settle_question(session, before)
            ticket = await self._change(session, ticket_id, Action.KEEP_OPEN, **NO_CLOSE)
            await self._tell(session, ticket, Action.KEEP_OPEN, actor_id)
            await self._watch.ensure(session, ticket)
        return ticket

    async def reopen(
        self, ticket_id: int, actor_id: int | None, *, first: First | None = None
    ) -> Ticket:
        """Open a closed ticket again: in its room, or in a new one when that is gone.

        Raises `Denied` when its opener, its panel or the guild has as many open as it may have.
        """
        async with self._office.database.write() as session:
            before = await self._hold(session, ticket_id, first)
            if not before.user_id:
                raise Conflict(
                    _("Whoever opened this ticket has had their data erased."),
                    hint=_("Open another one with /ticket open."),
                )
            if before.status == Status.CLOSING:
                raise Conflict(
                    _("This ticket is just being closed."), hint=_("Try again in a moment.")
                )
            if before.status == Status.CLOSED:
                await ensure_can_reopen(self._office, session, before)
            ticket = await self._change(
                session,
                ticket_id,
                Action.REOPEN,
                close_reason=None,
                closed_by=None,
                closed_at=None,
                remove_at=None,
                purged_at=None,
                reopened_at=self._office.clock.now(),
                waiting_since=None,
                warned_at=None,
                level=0,
            )
            await self._note(session, ticket, Action.REOPEN, actor_id)
            await self._keeper.ensure(session, ticket)
        return ticket


def _ensure_asked(ticket: Ticket) -> None:
    if ticket.status == Status.OPEN and ticket.close_requested_by is None:
        raise Conflict(_("Nobody asks any more whether this ticket can be closed."))


def _check_delay(after: timedelta | None) -> None:
    if after is not None and not SHORTEST_DELAY <= after <= LONGEST_DELAY:
        raise InvalidInput(_("Choose a time between a minute and 90 days."))
