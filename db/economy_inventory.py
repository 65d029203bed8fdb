"""Inventories: the pieces of items that members have, and what they did with them.

Pieces are given and taken by conditional updates: nobody can have fewer than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Select,
    String,
    UniqueConstraint,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    Base,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.economy_shop import FRESH, ShopItem, list_items_by_id
from db.statements import count_changed, insert_for

# When what has no end expires: a lot's end is part of its key, and NULL is like no other NULL.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
# A statement takes 32,766 values on either database, and a lot has five.
_ROWS_AT_ONCE = 5000
_LOT = ("guild_id", "user_id", "item_id", "expires_at")


class Lot(Base):
    """How many pieces of an item a member has that expire together, at `NEVER` those that don't."""

    __tablename__ = "economy_lots"
    __table_args__ = (
        UniqueConstraint(*_LOT),
        CheckConstraint("quantity >= 0", name="quantity"),
        Index(None, "expires_at"),
        Index(None, "item_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    item_id: Mapped[int] = mapped_column(RowId)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    quantity: Mapped[int] = mapped_column(BigInteger)


class ItemUse(Base):
    """That a member used pieces of an item, or gave them away (`target_id`); once per `key`."""

    __tablename__ = "economy_item_uses"
    __table_args__ = (
        UniqueConstraint("guild_id", "key"),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    item_id: Mapped[int] = mapped_column(RowId)
    key: Mapped[str] = mapped_column(String(80))
    quantity: Mapped[int] = mapped_column(BigInteger)
    target_id: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Pieces:
    """So many pieces of one item that expire together."""

    expires_at: datetime
    quantity: int


@dataclass(frozen=True, slots=True)
class Holding:
    """An item of which somebody has pieces; `lots` are those that expire soonest first."""

    item: ShopItem
    lots: tuple[Pieces, ...]

    @property
    def quantity(self) -> int:
        """How many pieces there are."""
        return sum(one.quantity for one in self.lots)


# --- pieces ---------------------------------------------------------------------------------------


async def add_pieces(
    session: AsyncSession, guild_id: int, user_id: int, item_id: int, pieces: Sequence[Pieces]
) -> None:
    """Give a member pieces of an item."""
    for one in sorted(pieces, key=lambda piece: piece.expires_at):
        insert = insert_for(session, Lot).values(
            guild_id=guild_id,
            user_id=user_id,
            item_id=item_id,
            expires_at=one.expires_at,
            quantity=one.quantity,
        )
        statement = insert.on_conflict_do_update(
            index_elements=list(_LOT), set_={"quantity": Lot.quantity + insert.excluded.quantity}
        )
        await session.execute(statement)


async def add_pieces_of(
    session: AsyncSession, guild_id: int, pieces: Mapping[tuple[int, int, datetime], int]
) -> None:
    """Give many members pieces, thousands with a statement: how many, by member, item and end."""
    insert = insert_for(session, Lot)
    rows = [
        {
            "guild_id": guild_id,
            "user_id": user_id,
            "item_id": item_id,
            "expires_at": expires_at,
            "quantity": quantity,
        }
        # In one order with everybody who adds some.
        for (user_id, item_id, expires_at), quantity in sorted(pieces.items())
    ]
    statement = insert.on_conflict_do_update(
        index_elements=list(_LOT), set_={"quantity": Lot.quantity + insert.excluded.quantity}
    )
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        await session.execute(statement.values(rows[at : at + _ROWS_AT_ONCE]))


async def lock_lots(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], item_ids: Collection[int]
) -> None:
    """Lock what these members have of these items, in one order with everybody else.

    Whoever moves pieces both ways could else wait for somebody who waits for them.
    """
    query = select(Lot.id).where(
        Lot.guild_id == guild_id, Lot.user_id.in_(user_ids), Lot.item_id.in_(item_ids)
    )
    await session.execute(query.order_by(Lot.id).with_for_update())


async def list_pieces(
    session: AsyncSession, guild_id: int, user_id: int, item_id: int, now: datetime
) -> list[Pieces]:
    """Return the pieces of an item that a member has, those that expire soonest first."""
    query = _held(guild_id, user_id, now).where(Lot.item_id == item_id)
    found = await session.scalars(query.order_by(Lot.expires_at), execution_options=FRESH)
    return [Pieces(one.expires_at, one.quantity) for one in found]


async def take_pieces(
    session: AsyncSession, guild_id: int, user_id: int, item_id: int, pieces: Sequence[Pieces]
) -> bool:
    """Take just these pieces from a member; false when one of the lots does not have them.

    Then the transaction has to be rolled back: some may have been taken.
    """
    for one in sorted(pieces, key=lambda piece: piece.expires_at):
        statement = (
            update(Lot)
            .where(
                Lot.guild_id == guild_id,
                Lot.user_id == user_id,
                Lot.item_id == item_id,
                Lot.expires_at == one.expires_at,
                Lot.quantity >= one.quantity,
            )
            .values(quantity=Lot.quantity - one.quantity)
        )
        if not await count_changed(session, statement):
            return False
    return True


async def list_holdings(
    session: AsyncSession, guild_id: int, user_id: int, now: datetime
) -> list[Holding]:
    """Return what a member has, by the items' names."""
    lots = await session.scalars(_held(guild_id, user_id, now).order_by(Lot.expires_at))
    by_item: dict[int, list[Pieces]] = {}
    for one in lots:
        by_item.setdefault(one.item_id, []).append(Pieces(one.expires_at, one.quantity))
    items = await list_items_by_id(session, by_item)
    ordered = sorted(items, key=lambda item: (item.name_key, item.id))
    return [Holding(item, tuple(by_item[item.id])) for item in ordered]


def _held(guild_id: int, user_id: int, now: datetime) -> Select[Lot]:
    return select(Lot).where(
        Lot.guild_id == guild_id,
        Lot.user_id == user_id,
        Lot.quantity > 0,
        Lot.expires_at > now,
    )


# --- what was done with them ---------------------------------------------------------------------


async def add_use(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Write down that an item was used or given away; false when the key was used."""
    insert = insert_for(session, ItemUse).values(**dict(values))
    statement = insert.on_conflict_do_nothing(index_elements=["guild_id", "key"])
    return await session.scalar(statement.returning(ItemUse.id)) is not None


async def delete_stale_goods(session: AsyncSession, now: datetime, *, before: datetime) -> None:
    """Delete lots that are empty or expired, and what was used or given away before an instant."""
    for statement in (
        delete(Lot).where(or_(Lot.quantity == 0, Lot.expires_at <= now)),
        delete(ItemUse).where(ItemUse.created_at < before),
    ):
        await count_changed(session, statement)
