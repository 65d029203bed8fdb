"""Which threads tickets have, open or not, and who is noted to be in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tickets import Ticket


async def list_threads(
    session: AsyncSession, guild_id: int, limit: int
) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """Return id and `room_state` of a guild's newest tickets whose thread is there, open or not."""
    query = (
        select(Ticket.id, Ticket.room_state)
        .where(
            Ticket.guild_id == guild_id,
            Ticket.mode == "thread",
            Ticket.channel_id.is_not(None),
            Ticket.status.in_(("open", "closing", "closed", "reopening")),
        )
        .order_by(Ticket.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1] or {}) for row in await session.execute(query)]


async def list_tickets_by_id(session: AsyncSession, ids: Collection[int]) -> Sequence[Ticket]:
    """Return those of the tickets that there are."""
    return (await session.scalars(select(Ticket).where(Ticket.id.in_(ids)))).all()
