"""Forgets Automod's incidents, with all that belongs to them, once they have served their time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.automod import Incident, IncidentMember
from db.automod_messages import IncidentMessage
from db.automod_strikes import FalsePositive, Strike
from db.statements import count_changed


async def forget_contents(session: AsyncSession, before: datetime) -> int:
    """Forget what messages of incidents from before an instant said."""
    old = select(Incident.id).where(Incident.opened_at < before)
    texts = update(IncidentMessage).where(
        IncidentMessage.incident_id.in_(old), IncidentMessage.content.is_not(None)
    )
    return await count_changed(session, texts.values(content=None))


async def delete_old(session: AsyncSession, before: datetime) -> int:
    """Delete incidents and all that belongs to them from before an instant; return how many."""
    old = select(Incident.id).where(Incident.opened_at < before)
    for table in (IncidentMessage, IncidentMember):
        await count_changed(session, delete(table).where(table.incident_id.in_(old)))
    await count_changed(session, delete(Strike).where(Strike.struck_at < before))
    await count_changed(session, delete(FalsePositive).where(FalsePositive.marked_at < before))
    return await count_changed(session, delete(Incident).where(Incident.opened_at < before))
