"""The limits on open tickets, for what staff do with one that is there already.

A ticket that is opened again, given to somebody or moved to another panel comes to count where it
did not before. What is counted stays true until the end of the caller's transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cogs.tickets.admission import Standing, find_limits, refusal
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel
from db import ticket_panels as panels
from db import tickets as table
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def ensure_can_reopen(office: Office, session: AsyncSession, ticket: Ticket) -> None:
    """Raise `Denied` when there is no place for a closed ticket among the open ones."""
    await _ensure(office, session, ticket, ticket.user_id, ticket.panel_id)


async def ensure_can_own(
    office: Office, session: AsyncSession, ticket: Ticket, user_id: int
) -> None:
    """Raise `Denied` when somebody may have no further ticket, such as this open one."""
    await _ensure(office, session, ticket, user_id, ticket.panel_id, counts_already=True)


async def ensure_can_move(
    office: Office, session: AsyncSession, ticket: Ticket, panel_id: int
) -> None:
    """Raise `Denied` when a panel, or its opener in that panel, may have no further ticket."""
    await _ensure(office, session, ticket, ticket.user_id, panel_id, counts_already=True)


async def _ensure(
    office: Office,
    session: AsyncSession,
    ticket: Ticket,
    user_id: int,
    panel_id: int | None,
    *,
    counts_already: bool = False,
) -> None:
    guild_id, settings = ticket.guild_id, await office.set_by(ticket.guild_id)
    await table.hold_counter(session, guild_id)
    row = await panels.get_panel(session, guild_id, panel_id) if panel_id is not None else None
    standing = Standing(of_guild=await table.count_unfinished(session, guild_id))
    if user_id:
        own = await table.count_unfinished(session, guild_id, user_id=user_id)
        standing = replace(standing, own=own)
    if row is not None:
        standing = replace(
            standing,
            own_of_panel=await table.count_unfinished(
                session, guild_id, panel_id=row.id, user_id=user_id
            ),
            of_panel=await table.count_unfinished(session, guild_id, panel_id=row.id),
        )
    if counts_already:
        # The ticket is among them where neither its owner nor its panel is another.
        standing = replace(
            standing,
            of_guild=standing.of_guild - 1,
            own=standing.own - (user_id == ticket.user_id),
            of_panel=standing.of_panel - (panel_id == ticket.panel_id),
        )
    panel = Panel.model_validate(row.config) if row is not None else Panel(name="-")
    if obstacles := find_limits(panel, settings, standing, f"<@{user_id}>"):
        raise refusal(obstacles)
