"""What erasing a person takes of giveaways before it changes anything, and in which order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import erasing
from db.giveaways import Giveaway, GiveawayEntry, GiveawayRound, GiveawayWinner


@erasing(Giveaway)
async def lock_giveaways_of(
    session: AsyncSession,
    user_id: int,
    at: datetime,  # noqa: ARG001 - the contract's
    *,
    records: bool,  # noqa: ARG001 - the contract's
) -> int:
    """Keep draws and claims from a person's rows until they are erased, and change nothing.

    The accounts are taken already. These rows come in the order of everybody who changes several
    of them, and before what is given to winners: else neither would ever get on.
    """
    rounds = select(GiveawayRound.round).where(GiveawayRound.requested_by == user_id)
    giveaways = select(Giveaway.id).where(
        or_(Giveaway.host_id == user_id, Giveaway.created_by == user_id)
    )
    entries = select(GiveawayEntry.id).where(GiveawayEntry.user_id == user_id)
    winners = select(GiveawayWinner.id).where(GiveawayWinner.user_id == user_id)
    held: tuple[Select[Any], ...] = (
        rounds.order_by(GiveawayRound.giveaway_id, GiveawayRound.round),
        giveaways.order_by(Giveaway.id),
        entries.order_by(GiveawayEntry.id),
        winners.order_by(GiveawayWinner.id),
    )
    for query in held:
        await session.execute(query.with_for_update())
    return 0
