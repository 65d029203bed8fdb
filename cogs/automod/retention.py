"""How long incidents are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import automod as table

# What members wrote is kept only for as long as somebody may want an incident undone.
CONTENTS_KEPT = timedelta(days=14)
# Longer than the longest window in which strikes count.
INCIDENTS_KEPT = timedelta(days=90)


async def purge_incidents(session: AsyncSession, now: datetime) -> int:
    """Forget contents, then whole incidents, that have served their time; return how many."""
    await table.forget_contents(session, now - CONTENTS_KEPT)
    return await table.delete_old(session, now - INCIDENTS_KEPT)
