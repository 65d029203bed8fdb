"""Errors of PostgreSQL that pass by themselves, raised by the server as it raises them."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LOCK_TIMEOUT = "55P03"
# No serializable order, deadlock, statement timeout, a server that takes no writes.
PASSING_STATES = (LOCK_TIMEOUT, "40001", "40P01", "57014", "25006")


async def fail_with(state: str, session: AsyncSession, *_: object) -> None:
    """Have the server refuse a statement in the session's transaction with this SQLSTATE."""
    await session.execute(
        text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")
    )
