"""Pieces of the shop's items that members have used for more entries in a giveaway.

Locks are taken in this order: the member's account, the giveaway, the entry, what was used, and the
pieces last. So it is the economy's, and that of erasing a person.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, UniqueConstraint, Uuid, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, RowId, Snowflake, UtcDateTime, person
from db.economy_inventory import Lot, add_pieces_of, lock_lots
from db.economy_shop import ShopItem
from db.giveaways import ACTIVE, Giveaway, GiveawayEntry


class GiveawayItemUse(Base):
    """A piece of an item that somebody has used for `entries` more, their `nth` of that item.

    `expires_at` is when the piece does. The row goes when the piece is given back; it stays when
    the giveaway is drawn, and goes with it.
    """

    __tablename__ = "giveaway_item_uses"
    __table_args__ = (
        UniqueConstraint("giveaway_id", "user_id", "item_id", "nth"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    item_id: Mapped[int] = mapped_column(RowId)
    nth: Mapped[int] = mapped_column(Integer)
    entries: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Stock:
    """An item as one person finds it: pieces that they have, and have used in a giveaway."""

    item: ShopItem
    held: int
    used: int


async def list_stocks(
    session: AsyncSession,
    giveaway_id: uuid.UUID,
    user_id: int,
    item_ids: Collection[int],
    now: datetime,
) -> Mapping[int, Stock]:
    """Return these items of the giveaway's guild as a person finds them, with one query."""
    held = (
        select(func.coalesce(func.sum(Lot.quantity), 0))
        .where(
            Lot.guild_id == ShopItem.guild_id,
            Lot.user_id == user_id,
            Lot.item_id == ShopItem.id,
            Lot.expires_at > now,
        )
        .scalar_subquery()
    )
    used = (
        select(func.count())
        .where(
            GiveawayItemUse.giveaway_id == giveaway_id,
            GiveawayItemUse.user_id == user_id,
            GiveawayItemUse.item_id == ShopItem.id,
        )
        .scalar_subquery()
    )
    query = (
        select(ShopItem, held, used)
        .join(Giveaway, Giveaway.guild_id == ShopItem.guild_id)
        .where(Giveaway.id == giveaway_id, ShopItem.id.in_(item_ids))
    )
    found = await session.execute(query)
    return {item.id: Stock(item, int(has), int(count)) for item, has, count in found}


async def map_items(
    session: AsyncSession, guild_id: int, item_ids: Collection[int]
) -> Mapping[int, ShopItem]:
    """Return items of a guild by their ids, on offer or not."""
    if not item_ids:
        return {}
    query = select(ShopItem).where(ShopItem.guild_id == guild_id, ShopItem.id.in_(item_ids))
    return {one.id: one for one in await session.scalars(query)}


async def hold_as_seen(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime, *, seen: int
) -> bool:
    """Keep a giveaway that is open and of the revision `seen` so until the commit; else False.

    Others may hold it so, too.
    """
    query = select(Giveaway.id).where(
        Giveaway.id == giveaway_id,
        Giveaway.status == ACTIVE,
        Giveaway.ends_at.is_(None) | (Giveaway.ends_at > now),
        Giveaway.revision == seen,
    )
    return await session.scalar(query.with_for_update(read=True)) is not None


async def raise_weight(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, entries: int
) -> int | None:
    """Add what an item gives to an entry and return its weight now; `None` without an entry."""
    statement = (
        update(GiveawayEntry)
        .where(GiveawayEntry.giveaway_id == giveaway_id, GiveawayEntry.user_id == user_id)
        .values(
            weight=GiveawayEntry.weight + entries,
            item_entries=GiveawayEntry.item_entries + entries,
        )
        .returning(GiveawayEntry.weight)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement)


async def count_uses(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, item_id: int
) -> int:
    """Return how many pieces of an item somebody has used in a giveaway."""
    query = select(func.count()).where(
        GiveawayItemUse.giveaway_id == giveaway_id,
        GiveawayItemUse.user_id == user_id,
        GiveawayItemUse.item_id == item_id,
    )
    return await session.scalar(query) or 0


async def add_item_use(session: AsyncSession, use: GiveawayItemUse) -> None:
    """Write down that a piece was used."""
    session.add(use)
    await session.flush()


async def has_uses(session: AsyncSession, giveaway_id: uuid.UUID) -> bool:
    """Tell whether anybody has used a piece in a giveaway."""
    query = select(GiveawayItemUse.id).where(GiveawayItemUse.giveaway_id == giveaway_id)
    return await session.scalar(query.limit(1)) is not None


async def list_users(session: AsyncSession, giveaway_id: uuid.UUID, *, limit: int) -> Sequence[int]:
    """Return some who have used pieces in a giveaway."""
    query = select(GiveawayItemUse.user_id).where(GiveawayItemUse.giveaway_id == giveaway_id)
    return (
        await session.scalars(query.distinct().order_by(GiveawayItemUse.user_id).limit(limit))
    ).all()


async def give_back(
    session: AsyncSession,
    giveaway_id: uuid.UUID,
    guild_id: int,
    user_ids: Collection[int],
    now: datetime,
) -> tuple[int, int]:
    """Give these people back all that they have used in a giveaway.

    Return how many pieces they have again, and how many had expired by `now`. The accounts are held
    by the caller. A statement each, but for thousands of lots; nobody is given anything twice.
    """
    statement = (
        delete(GiveawayItemUse)
        .where(GiveawayItemUse.giveaway_id == giveaway_id, GiveawayItemUse.user_id.in_(user_ids))
        .returning(GiveawayItemUse.user_id, GiveawayItemUse.item_id, GiveawayItemUse.expires_at)
        .execution_options(synchronize_session=False)
    )
    gone = (await session.execute(statement)).all()
    pieces = Counter((user, item, end) for user, item, end in gone if end > now)
    if pieces:
        # Those that there are come before new ones, as in a trade.
        people, items = {user for user, _, _ in pieces}, {item for _, item, _ in pieces}
        await lock_lots(session, guild_id, people, items)
        await add_pieces_of(session, guild_id, pieces)
    returned = pieces.total()
    return returned, len(gone) - returned
