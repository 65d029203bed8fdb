"""Experience that features have given members, from the promise on until it is forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Json, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for, table_of


class LevelGift(Base):
    """That a member is given so much, once for each key; `given_at` once it was counted.

    The reason is a message that names no people.
    """

    __tablename__ = "levels_gifts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    xp: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    given_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def add_gifts(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keep gifts; return the keys of those that there were not yet, in their order."""
    if not rows:
        return []
    # In one order for everybody, so that two transactions can't wait for each other.
    ordered = sorted(rows, key=lambda one: one["key"])
    statement = insert_for(session, table_of(LevelGift)).values(ordered)
    statement = statement.on_conflict_do_nothing(index_elements=["key"])
    found = await session.scalars(statement.returning(table_of(LevelGift).c.key))
    return sorted(found)


async def list_waiting(session: AsyncSession, keys: Collection[str]) -> Sequence[LevelGift]:
    """Return those of the gifts that have not been given."""
    query = select(LevelGift).where(LevelGift.key.in_(keys), LevelGift.given_at.is_(None))
    return (await session.scalars(query.order_by(LevelGift.key))).all()


async def take_gifts(session: AsyncSession, keys: Collection[str], now: datetime) -> dict[int, int]:
    """Note gifts as given, and return what each person gets; what was given before is not in it."""
    statement = (
        update(LevelGift)
        .where(LevelGift.key.in_(keys), LevelGift.given_at.is_(None))
        .values(given_at=now)
        .returning(LevelGift.user_id, LevelGift.xp)
        .execution_options(synchronize_session=False)
    )
    found: dict[int, int] = {}
    for user_id, xp in await session.execute(statement):
        found[user_id] = found.get(user_id, 0) + xp
    return found


async def list_given(
    session: AsyncSession, guild_id: int, user_id: int, *, limit: int
) -> Sequence[LevelGift]:
    """Return what a member was given lately, newest first."""
    query = (
        select(LevelGift)
        .where(
            LevelGift.user_id == user_id,
            LevelGift.guild_id == guild_id,
            LevelGift.given_at.is_not(None),
        )
        .order_by(LevelGift.given_at.desc(), LevelGift.key)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def delete_old_gifts(session: AsyncSession, *, given: datetime, promised: datetime) -> None:
    """Delete what was given, and what was promised for nothing, before these instants."""
    is_old = or_(LevelGift.given_at < given, LevelGift.created_at < promised)
    await count_changed(session, delete(LevelGift).where(is_old))
