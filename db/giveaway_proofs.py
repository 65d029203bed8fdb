"""What a giveaway's proof is made of, and the codes in its vault."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import (
    ENDED,
    Giveaway,
    GiveawayEntry,
    GiveawayPrize,
    GiveawayRound,
    GiveawayWinner,
)
from db.statements import count_changed

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry as a proof lists it; `user_id` and `salt` are gone when the person was erased."""

    user_id: int | None
    salt: str | None
    digest: str
    weight: int


async def get_giveaway(session: AsyncSession, guild_id: int, giveaway_id: UUID) -> Giveaway | None:
    """Return a giveaway of the guild."""
    query = select(Giveaway).where(Giveaway.id == giveaway_id, Giveaway.guild_id == guild_id)
    return await session.scalar(query)


async def list_entry_lines(session: AsyncSession, giveaway_id: UUID) -> list[EntryLine]:
    """Return all entries as of one moment, in the order of their digests.

    To sort a hundred thousand in Python would hold up the loop, from another thread too.
    """
    columns = (
        GiveawayEntry.user_id,
        GiveawayEntry.salt,
        GiveawayEntry.digest,
        GiveawayEntry.weight,
    )
    query = select(*columns).where(GiveawayEntry.giveaway_id == giveaway_id)
    query = query.order_by(GiveawayEntry.digest).execution_options(yield_per=_PAGE)
    found: list[EntryLine] = []
    async for page in (await session.stream(query)).partitions():
        found += [EntryLine(*row) for row in page]
        # Others get their turn.
        await asyncio.sleep(0)
    return found


async def get_entry_line(
    session: AsyncSession, giveaway_id: UUID, user_id: int
) -> EntryLine | None:
    """Return a person's entry."""
    query = select(
        GiveawayEntry.user_id, GiveawayEntry.salt, GiveawayEntry.digest, GiveawayEntry.weight
    ).where(GiveawayEntry.giveaway_id == giveaway_id, GiveawayEntry.user_id == user_id)
    row = (await session.execute(query)).first()
    return None if row is None else EntryLine(*row)


async def list_drawn_rounds(session: AsyncSession, giveaway_id: UUID) -> Sequence[GiveawayRound]:
    """Return the rounds whose seed is public, in their order."""
    query = (
        select(GiveawayRound)
        .where(GiveawayRound.giveaway_id == giveaway_id, GiveawayRound.seed.is_not(None))
        .order_by(GiveawayRound.round)
    )
    return (await session.scalars(query)).all()


async def list_drawn(session: AsyncSession, giveaway_id: UUID) -> Sequence[GiveawayWinner]:
    """Return everybody who was drawn, in the order of drawing, those passed over included."""
    query = (
        select(GiveawayWinner)
        .where(GiveawayWinner.giveaway_id == giveaway_id)
        .order_by(GiveawayWinner.round, GiveawayWinner.position)
    )
    return (await session.scalars(query)).all()


# --- the vault -----------------------------------------------------------------------------------


async def lock_vault(session: AsyncSession, giveaway_id: UUID) -> bool:
    """Keep others from adding codes until this ends; False when the giveaway takes none any more.

    One that has ended takes codes for those who have yet to be given theirs.
    """
    statement = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.status != "cancelled")
        .values(revision=Giveaway.revision)
    )
    return await count_changed(session, statement) == 1


async def count_prizes(session: AsyncSession, giveaway_id: UUID) -> tuple[int, int]:
    """Return how many codes there are, and how many of them were handed over."""
    query = select(func.count(), func.count(GiveawayPrize.winner_id)).where(
        GiveawayPrize.giveaway_id == giveaway_id
    )
    total, handed = (await session.execute(query)).one()
    return total, handed


async def count_prizes_of(
    session: AsyncSession, giveaway_ids: Collection[UUID]
) -> dict[UUID, tuple[int, int]]:
    """Return the counts of `count_prizes` for each; those without codes are left out."""
    query = (
        select(GiveawayPrize.giveaway_id, func.count(), func.count(GiveawayPrize.winner_id))
        .where(GiveawayPrize.giveaway_id.in_(giveaway_ids))
        .group_by(GiveawayPrize.giveaway_id)
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(query)}


async def list_prizes(session: AsyncSession, giveaway_id: UUID) -> Sequence[GiveawayPrize]:
    """Return the sealed codes of a giveaway, in their order."""
    query = select(GiveawayPrize).where(GiveawayPrize.giveaway_id == giveaway_id)
    return (await session.scalars(query.order_by(GiveawayPrize.position))).all()


async def last_position(session: AsyncSession, giveaway_id: UUID) -> int:
    """Return the highest position of a code, 0 without one."""
    query = select(func.max(GiveawayPrize.position)).where(GiveawayPrize.giveaway_id == giveaway_id)
    return await session.scalar(query) or 0


async def add_prizes(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add sealed codes; each names every column but `winner_id` and `handed_at`."""
    session.add_all([GiveawayPrize(**row) for row in rows])
    await session.flush()


async def get_prize_of(session: AsyncSession, winner_id: int) -> GiveawayPrize | None:
    """Return the code that a winner was given."""
    return await session.scalar(select(GiveawayPrize).where(GiveawayPrize.winner_id == winner_id))


async def take_prize(
    session: AsyncSession, giveaway_id: UUID, winner_id: int, now: datetime
) -> GiveawayPrize | None:
    """Give a winner the first code that nobody has; `None` when there is none left."""
    free = (
        select(GiveawayPrize.id)
        .where(GiveawayPrize.giveaway_id == giveaway_id, GiveawayPrize.winner_id.is_(None))
        .order_by(GiveawayPrize.position)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(GiveawayPrize)
        .where(GiveawayPrize.id == free, GiveawayPrize.winner_id.is_(None))
        .values(winner_id=winner_id, handed_at=now)
        .returning(GiveawayPrize)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return await session.scalar(statement)


async def is_drawn(session: AsyncSession, giveaway_id: UUID) -> bool:
    """Tell whether a giveaway has ended and its first draw is public."""
    query = select(Giveaway.status).where(Giveaway.id == giveaway_id)
    return await session.scalar(query) == ENDED
