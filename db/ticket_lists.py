"""Who is in tickets and sees to them, of many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tickets import Ticket, TicketMember


async def list_members_of(
    session: AsyncSession, ticket_ids: Collection[int]
) -> Mapping[int, Sequence[int]]:
    """Return who was added to each of the tickets to which anybody was."""
    query = (
        select(TicketMember.ticket_id, TicketMember.user_id)
        .where(TicketMember.ticket_id.in_(ticket_ids))
        .order_by(TicketMember.user_id)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for ticket_id, user_id in await session.execute(query):
        found[ticket_id].append(user_id)
    return found


async def list_claimed(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[int]:
    """Return the open tickets that somebody sees to."""
    query = select(Ticket.id).where(
        Ticket.guild_id == guild_id, Ticket.claimed_by == user_id, Ticket.status == "open"
    )
    return (await session.scalars(query.order_by(Ticket.id))).all()
