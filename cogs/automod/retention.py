"""How long incidents, raids and lockdowns are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db.automod_retention import delete_old, forget_contents
from db.automod_roles import delete_left_roles
from db.lockdowns import delete_old_lockdowns
from db.raids import delete_old_raids

# What members wrote is kept only for as long as somebody may want an incident undone.
CONTENTS_KEPT = timedelta(days=14)
# Longer than the longest window in which strikes count.
INCIDENTS_KEPT = timedelta(days=90)
RAIDS_KEPT = timedelta(days=30)


async def purge_automod(session: AsyncSession, now: datetime) -> None:
    """Delete what Automod has kept for long enough."""
    await purge_incidents(session, now)
    await delete_left_roles(session, now - INCIDENTS_KEPT)
    await delete_old_raids(session, now - RAIDS_KEPT)
    await delete_old_lockdowns(session, now - RAIDS_KEPT)


async def purge_incidents(session: AsyncSession, now: datetime) -> int:
    """Forget contents, then whole incidents, that have served their time; return how many."""
    await forget_contents(session, now - CONTENTS_KEPT)
    return await delete_old(session, now - INCIDENTS_KEPT)
