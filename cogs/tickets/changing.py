"""What every change of a ticket shares: the compare-and-set, its event, and its words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, NotFound
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from cogs.tickets.capturing import Capture
from cogs.tickets.herald import Herald
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.machine import TABLE, Action, Status
from cogs.tickets.office import Office
from cogs.tickets.watch import Watch
from cogs.tickets.wording import line_of
from db import tickets as table
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_NOTE = 2000

# Joins the transaction of a change once nobody else can change the ticket, and may refuse.
First = Callable[["AsyncSession", Ticket], Awaitable[None]]


class Changing:
    """Changes tickets in a transaction; a base of what people do with them.

    Without an `actor_id` it is the bot that does so. `first` is asked before anything is changed.
    """

    def __init__(
        self,
        office: Office,
        keeper: RoomKeeper,
        herald: Herald,
        watch: Watch,
        capture: Capture,
    ) -> None:
        self._office = office
        self._keeper = keeper
        self._herald = herald
        self._watch = watch
        self._capture = capture

    async def _get(self, session: AsyncSession, ticket_id: int, *, lock: bool = False) -> Ticket:
        ticket = await table.get_ticket(session, ticket_id, lock=lock)
        if ticket is None:
            raise NotFound(_("There is no such ticket any more."))
        return ticket

    async def _hold(self, session: AsyncSession, ticket_id: int, first: First | None) -> Ticket:
        """Return the ticket, which nobody else changes until the transaction ends."""
        ticket = await self._get(session, ticket_id, lock=True)
        if first is not None:
            await first(session, ticket)
        return ticket

    async def _change(
        self, session: AsyncSession, ticket_id: int, action: Action, **values: Any
    ) -> Ticket:
        rule = TABLE[action]
        if rule.target is not None:
            values["status"] = rule.target
        ticket = await table.change_ticket(session, ticket_id, rule.sources, **values)
        if ticket is None:
            raise not_possible(await self._get(session, ticket_id))
        return ticket

    async def _settle_question(self, session: AsyncSession, before: Ticket) -> None:
        """Take the buttons off the question whether it can be closed, if that is still asked."""
        if before.close_requested_by is not None:
            await self._herald.take_back_question(session, before)

    async def _note(
        self,
        session: AsyncSession,
        ticket: Ticket,
        action: Action,
        actor_id: int | None,
        *,
        subject_id: int | None = None,
        text: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        await table.add_event(
            session,
            ticket,
            action,
            self._office.clock.now(),
            actor_id=actor_id,
            subject_id=subject_id,
            text=clean(text, LONGEST_NOTE),
            details=details,
        )

    async def _tell(
        self,
        session: AsyncSession,
        ticket: Ticket,
        action: Action,
        actor_id: int | None,
        *,
        subject_id: int | None = None,
        text: str | None = None,
        details: dict[str, Any] | None = None,
        aligns: bool = False,
    ) -> None:
        """Note what was done, say it in the room, and have card and room follow."""
        await self._note(
            session, ticket, action, actor_id, subject_id=subject_id, text=text, details=details
        )
        line = line_of(action, actor_id=actor_id, subject_id=subject_id, details=details)
        # To call somebody into a thread lets them in again.
        leaves = action in {Action.REMOVE, Action.UNCLAIM}
        users = [subject_id] if subject_id and not leaves else []
        can_keep = action is Action.SCHEDULE_CLOSE
        await self._say(session, ticket, line, reason=text, users=users, can_keep=can_keep)
        await self._herald.refresh(session, ticket)
        if aligns:
            await self._capture.note(session, ticket)
            await self._keeper.ensure(session, ticket)

    async def _say(
        self,
        session: AsyncSession,
        ticket: Ticket,
        line: Message,
        *,
        reason: str | None = None,
        users: Sequence[int] = (),
        can_keep: bool = False,
    ) -> None:
        await self._herald.say(
            session,
            ticket,
            line,
            key=f"line:{ticket.revision}",
            reason=reason,
            users=users,
            can_keep=can_keep,
        )


def ensure_open(ticket: Ticket) -> None:
    """Raise `Conflict` for a ticket that is not open, before somebody is asked for nothing."""
    if ticket.status != Status.OPEN:
        raise not_possible(ticket)


def not_possible(ticket: Ticket) -> Conflict:
    """Return why something can't be done with a ticket in the state that it is in."""
    match ticket.status:
        case Status.OPENING | Status.REOPENING:
            return Conflict(
                _("This ticket is just being opened."), hint=_("Try again in a moment.")
            )
        case Status.CLOSING | Status.CLOSED:
            return Conflict(
                _("This ticket is closed."),
                hint=_("The staff can open it again with /ticket reopen, or you open another."),
            )
        case Status.FAILED:
            return Conflict(_("This ticket could not be opened."))
        case _:
            return Conflict(_("This ticket is open."), hint=_("/ticket close closes it."))


def clean(text: str | None, longest: int) -> str | None:
    """Return a text as it is kept: shortened, and `None` for an empty one."""
    cleaned = shorten(text.strip(), longest) if text else ""
    return cleaned or None
