"""Temporary blocks of people who kept running into a rate limit, so that a restart lifts none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Integer, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class RateLimitBlock(Base):
    """A person blocked from one class of commands; `strikes` decide how long the next one lasts."""

    __tablename__ = "rate_limit_blocks"

    # Or whoever is blocked would only have to have their data erased to go on.
    user_id: Mapped[int] = mapped_column(
        Snowflake,
        primary_key=True,
        info=person(Erasure(deletes=True, kept_until="blocked_until")),
    )
    limit_class: Mapped[str] = mapped_column(String(32), primary_key=True)
    blocked_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    strikes: Mapped[int] = mapped_column(Integer)


async def save_block(
    session: AsyncSession,
    *,
    user_id: int,
    limit_class: str,
    blocked_until: datetime,
    strikes: int,
) -> None:
    """Block a person until an instant, in place of an earlier block of that class."""
    block = {"blocked_until": blocked_until, "strikes": strikes}
    insert = insert_for(session, RateLimitBlock).values(
        user_id=user_id, limit_class=limit_class, **block
    )
    key = ["user_id", "limit_class"]
    await session.execute(insert.on_conflict_do_update(index_elements=key, set_=block))


async def list_blocks(
    session: AsyncSession,
    *,
    user_id: int | None = None,
    active_at: datetime | None = None,
    limit: int = 1000,
) -> Sequence[RateLimitBlock]:
    """Return blocks, those with most strikes first: all, one person's, or those in force then."""
    query = select(RateLimitBlock)
    if user_id is not None:
        query = query.where(RateLimitBlock.user_id == user_id)
    if active_at is not None:
        query = query.where(RateLimitBlock.blocked_until > active_at)
    query = query.order_by(
        RateLimitBlock.strikes.desc(), RateLimitBlock.user_id, RateLimitBlock.limit_class
    )
    return (await session.scalars(query.limit(limit))).all()


async def delete_blocks_before(session: AsyncSession, before: datetime) -> int:
    """Forget blocks, with their strikes, that ended before an instant; return how many."""
    statement = delete(RateLimitBlock).where(RateLimitBlock.blocked_until < before)
    return await count_changed(session, statement)
