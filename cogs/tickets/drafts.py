"""Forms that came to nothing are kept: who filled one in finds it so when they begin anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from db import ticket_panels as panels
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

DRAFT_KEPT = timedelta(hours=1)


async def keep_answers(session: AsyncSession, ticket: Ticket, now: datetime) -> None:
    """Keep the form of a ticket whose room could not be made, for an hour."""
    answers = {one["key"]: one["value"] for one in ticket.answers or ()}
    if not answers or ticket.asked_panel_id is None or not ticket.opened_by:
        return
    applicant = {"user_id": str(ticket.user_id), "name": "", "role_ids": [], "is_bot": False}
    context = {"applicant": applicant, "origin": dict(ticket.origin or {}), "channel_id": "0"}
    await panels.put_draft(
        session,
        panel_id=ticket.asked_panel_id,
        user_id=ticket.opened_by,
        guild_id=ticket.guild_id,
        answers=answers,
        context=context,
        expires_at=now + DRAFT_KEPT,
    )
