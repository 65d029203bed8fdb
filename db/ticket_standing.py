"""Which unfinished tickets somebody has, as the limits and whoever they refuse need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tickets import UNFINISHED, Ticket


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """An unfinished ticket; `channel_id` is its room, once it has one."""

    panel_id: int | None
    channel_id: int | None


async def list_own(session: AsyncSession, guild_id: int, user_id: int) -> Sequence[OwnTicket]:
    """Return somebody's tickets that are not closed, the oldest first.

    Exact while the guild's counter is held; there are as many as the guild's limit lets one have.
    """
    query = (
        select(Ticket.panel_id, Ticket.channel_id)
        .where(
            Ticket.guild_id == guild_id,
            Ticket.user_id == user_id,
            Ticket.status.in_(UNFINISHED),
        )
        .order_by(Ticket.id)
    )
    return [OwnTicket(*row) for row in await session.execute(query)]
