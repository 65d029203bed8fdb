"""What becomes of tickets when somebody has their data erased, beyond what columns declare.

A ticket that is open stays whose it is: the staff need to know. The wish is noted in it, and done
when it ends. What the staff have noted about an opener is a record of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import NOBODY, erasing
from db.leases import WorkState
from db.outbox import OutboxMessage
from db.people import erase_in
from db.statements import count_changed, table_of
from db.ticket_messages import TicketFile, TicketMessage, TicketVersion, TicketWord
from db.ticket_retention import plain_name
from db.tickets import (
    UNFINISHED,
    WORDED,
    Ticket,
    TicketEvent,
    TicketMember,
    get_ticket,
)

_NOTE = "note"


@erasing(Ticket)
async def erase_from_tickets(
    session: AsyncSession, user_id: int, at: datetime, *, records: bool
) -> int:
    """Erase a person from the tickets that have ended; of open ones, note that it be done then."""
    await session.execute(
        update(Ticket)
        .where(Ticket.user_id == user_id, Ticket.status.in_(UNFINISHED))
        .values(erase_asked_at=at)
    )
    is_over = Ticket.status.not_in(UNFINISHED)
    changed = await _erase_opener(session, (Ticket.user_id == user_id) & is_over, records=records)
    return changed + await _erase_words(session, user_id, is_over)


async def _erase_words(session: AsyncSession, user_id: int, is_over: ColumnElement[bool]) -> int:
    """Erase what somebody wrote about tickets of others, and that they were in them."""
    changed = await count_changed(
        session,
        update(TicketEvent)
        .where(TicketEvent.actor_id == user_id, TicketEvent.kind.in_(WORDED))
        .values(details={}),
    )
    # Whoever opened a ticket has filled in its form, also of one that is somebody else's now.
    changed += await count_changed(
        session,
        update(Ticket)
        .where(Ticket.opened_by == user_id, Ticket.user_id != user_id)
        .values(answers=[]),
    )
    quoting = select(Ticket.id).where(Ticket.quoted_author_id == user_id)
    await _erase_cards(session, quoting)
    changed += await _erase_from_crowds(session, user_id)
    added = select(TicketMember.ticket_id).where(TicketMember.user_id == user_id)
    return changed + await count_changed(
        session,
        update(Ticket)
        .where(or_(Ticket.id.in_(added), Ticket.claimed_by == user_id), is_over)
        .values(room_state={}),
    )


async def _erase_from_crowds(session: AsyncSession, user_id: int) -> int:
    """Forget that somebody was in threads by their roles; who still is is found again.

    That is when something changes in the ticket. If they lose the role before, nobody can tell them
    from those who were brought in by hand, and they stay; to look at once would note them again.
    """
    name = str(user_id)
    named = cast(Ticket.room_state, String).contains(f'"{name}"')
    found = await session.execute(
        select(Ticket.id, Ticket.room_state)
        .where(Ticket.mode == "thread", Ticket.channel_id.is_not(None), named)
        .with_for_update()
    )
    changed = [
        {"id": ticket_id, "room_state": {**state, "crowd": crowd}}
        for ticket_id, state in found
        if (crowd := _without(state.get("crowd"), name)) is not None
    ]
    if changed:
        await session.execute(update(Ticket), changed)
    return len(changed)


def _without(crowd: Mapping[str, Any] | None, name: str) -> dict[str, Any] | None:
    """Return a crowd without one of it, `None` if they were not in it."""
    if not crowd or name not in crowd:
        return None
    return {one: roles for one, roles in crowd.items() if one != name}


async def _erase_opener(session: AsyncSession, which: ColumnElement[bool], *, records: bool) -> int:
    own = select(Ticket.id).where(which)
    events = TicketEvent.ticket_id.in_(own)
    await session.execute(
        update(TicketEvent)
        .where(events, *(() if records else (TicketEvent.kind != _NOTE,)))
        .values(text=None)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(TicketEvent)
        .where(events, TicketEvent.kind.in_(WORDED))
        .values(details={})
        .execution_options(synchronize_session=False)
    )
    await _erase_cards(session, own)
    await _drop_parked(session, select(Ticket.channel_id).where(which))
    return await count_changed(
        session,
        update(Ticket)
        .where(which)
        .values(
            user_id=NOBODY,
            answers=[],
            origin={},
            close_reason=None,
            # A room may be called after its opener.
            name=plain_name(),
            room_state={},
            erase_asked_at=None,
        ),
    )


async def _erase_cards(session: AsyncSession, tickets: Select[int]) -> None:
    """Erase what bots have said in tickets: the form's answers, what is quoted, reasons."""
    said = (TicketMessage.ticket_id.in_(tickets), TicketMessage.is_bot)
    await session.execute(
        delete(TicketVersion)
        .where(TicketVersion.message_id.in_(select(TicketMessage.message_id).where(*said)))
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(TicketMessage)
        .where(*said)
        .values(content=None, extras={})
        .execution_options(synchronize_session=False)
    )


async def _drop_parked(session: AsyncSession, rooms: Select[int | None]) -> None:
    """Drop what was to be said in rooms and can't be: it names people."""
    await session.execute(
        delete(OutboxMessage)
        .where(OutboxMessage.channel_id.in_(rooms), OutboxMessage.state == WorkState.PARKED)
        .execution_options(synchronize_session=False)
    )


async def erase_if_asked(session: AsyncSession, ticket: Ticket, at: datetime) -> Ticket:
    """Erase the opener from a ticket that has ended or is given away, if they have asked for it.

    Returns the ticket as it is now.
    """
    if ticket.erase_asked_at is None:
        return ticket
    user_id, messages = ticket.user_id, select(TicketMessage.message_id)
    await session.execute(
        delete(TicketWord)
        .where(
            TicketWord.author_id == user_id,
            TicketWord.message_id.in_(messages.where(TicketMessage.ticket_id == ticket.id)),
        )
        .execution_options(synchronize_session=False)
    )
    for entity in (TicketVersion, TicketFile, TicketMessage, TicketEvent):
        where = entity.ticket_id == ticket.id
        await erase_in(session, table_of(entity), user_id, at, records=False, where=where)
    await _erase_opener(session, Ticket.id == ticket.id, records=False)
    await erase_in(
        session, table_of(Ticket), user_id, at, records=False, where=Ticket.id == ticket.id
    )
    return await get_ticket(session, ticket.id) or ticket
