"""When backups were made, kept in the audit log.

Apart from `db.backup`, because the running bot asks and has no use for the means to make one.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.audit import add_audit_entry, list_audit_entries
from db.base import NOBODY

_MADE = "backup_made"


async def add_backup_made(session: AsyncSession, now: datetime) -> None:
    """Note that a backup was finished."""
    await add_audit_entry(
        session,
        user_id=NOBODY,
        guild_id=None,
        action=_MADE,
        category="system",
        details={},
        now=now,
    )


async def get_last_backup_at(session: AsyncSession) -> datetime | None:
    """Return when the last backup was finished, None when the audit log knows of none."""
    entries = await list_audit_entries(session, limit=1, user_id=NOBODY, action=_MADE)
    return entries[0].created_at if entries else None
