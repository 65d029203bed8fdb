"""How long what was written in tickets stays, and what is left of a ticket after that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.ticket_messages import TicketFile, TicketMessage, TicketVersion, TicketWord
from db.ticket_quality import TicketRating
from db.tickets import WORDED, Ticket, TicketEvent


async def list_expired(
    session: AsyncSession, guild_id: int, before: datetime, limit: int = 200
) -> Sequence[int]:
    """Return tickets of a guild that ended before an instant and whose record is still there.

    In a channel the staff go on writing until it is removed: that is its end.
    """
    is_over = or_(Ticket.mode != "channel", Ticket.channel_id.is_(None), Ticket.remove_at < before)
    query = select(Ticket.id).where(
        Ticket.guild_id == guild_id,
        Ticket.status.in_(("closed", "failed")),
        Ticket.purged_at.is_(None),
        Ticket.closed_at < before,
        is_over,
    )
    return (await session.scalars(query.limit(limit))).all()


async def delete_record(session: AsyncSession, ticket_ids: Collection[int], at: datetime) -> None:
    """Delete what was written in tickets and about them; who did what, and when, stays."""
    messages = select(TicketMessage.message_id).where(TicketMessage.ticket_id.in_(ticket_ids))
    await session.execute(delete(TicketWord).where(TicketWord.message_id.in_(messages)))
    for table in (TicketVersion, TicketFile, TicketMessage):
        await session.execute(delete(table).where(table.ticket_id.in_(ticket_ids)))
    await session.execute(
        update(TicketRating).where(TicketRating.ticket_id.in_(ticket_ids)).values(comment=None)
    )
    events = TicketEvent.ticket_id.in_(ticket_ids)
    await session.execute(update(TicketEvent).where(events).values(text=None))
    await session.execute(
        update(TicketEvent).where(events, TicketEvent.kind.in_(WORDED)).values(details={})
    )
    await session.execute(
        update(Ticket)
        .where(Ticket.id.in_(ticket_ids))
        .values(answers=[], origin={}, close_reason=None, name=plain_name(), purged_at=at)
    )


def plain_name() -> ColumnElement[str]:
    """Return the name of a room as it is where nobody is to be named in it."""
    return Ticket.category + "-" + cast(Ticket.number, String)
