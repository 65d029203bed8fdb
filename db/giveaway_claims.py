"""Time to claim prizes that has run out: taken back, or given anew where nobody could claim."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import EXPIRED, PENDING, GiveawayWinner


async def expire_claims(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime
) -> Sequence[GiveawayWinner]:
    """Take back all prizes of a giveaway that nobody claimed in time, and return whose they were.

    Whoever asks at the same moment gets none of them.
    """
    return await _change_late(session, giveaway_id, now, state=EXPIRED, decided_at=now)


async def extend_claims(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime, until: datetime
) -> Sequence[GiveawayWinner]:
    """Let all claim until then whose time has run out and whose prizes nobody took; return them."""
    return await _change_late(session, giveaway_id, now, claim_until=until)


async def _change_late(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime, **values: Any
) -> Sequence[GiveawayWinner]:
    statement = (
        update(GiveawayWinner)
        .where(
            GiveawayWinner.giveaway_id == giveaway_id,
            GiveawayWinner.state == PENDING,
            GiveawayWinner.claim_until <= now,
        )
        .values(**values)
        .returning(GiveawayWinner)
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return sorted(found.all(), key=lambda one: one.id)
