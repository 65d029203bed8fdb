"""Waits until somebody waits for a lock: two transactions meet where a test wants them to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LOOK, _PATIENCE = 0.005, 5.0
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def until_held_up(session: AsyncSession, has_passed: Callable[[], bool]) -> None:
    """Return once somebody waits for a lock, as what the session holds, or has passed without.

    On SQLite at once: there is one writer, so whoever comes second waits wherever the first is.
    Raises `TimeoutError` when neither comes about.
    """
    engine = session.bind
    if engine is None or engine.dialect.name == "sqlite":
        return
    async with asyncio.timeout(_PATIENCE):
        while not has_passed():
            # Within one transaction the server goes on to show what it showed first.
            async with engine.connect() as connection:
                if await connection.scalar(_WAITING):
                    return
            await asyncio.sleep(_LOOK)
