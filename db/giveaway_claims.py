"""Time to claim prizes, given anew where it ran out while nobody could claim."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import PENDING, GiveawayWinner


async def extend_claims(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime, until: datetime
) -> Sequence[GiveawayWinner]:
    """Let all claim until then whose time has run out and whose prizes nobody took; return them."""
    statement = (
        update(GiveawayWinner)
        .where(
            GiveawayWinner.giveaway_id == giveaway_id,
            GiveawayWinner.state == PENDING,
            GiveawayWinner.claim_until <= now,
        )
        .values(claim_until=until)
        .returning(GiveawayWinner)
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return sorted(found.all(), key=lambda one: one.id)
