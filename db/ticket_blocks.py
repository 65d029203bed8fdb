"""Who can't open tickets in a guild."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_RECORD, FORGET_PERSON, Base, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class TicketBlock(Base):
    """Somebody who can't open tickets in a guild."""

    __tablename__ = "ticket_blocks"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake,
        primary_key=True,
        autoincrement=False,
        index=True,
        info=person(DELETE_RECORD),
    )
    reason: Mapped[str | None] = mapped_column(String(512))
    blocked_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    blocked_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def is_blocked(session: AsyncSession, guild_id: int, user_id: int) -> bool:
    """Tell whether somebody can't open tickets."""
    return await session.get(TicketBlock, (guild_id, user_id)) is not None


async def get_block(session: AsyncSession, guild_id: int, user_id: int) -> TicketBlock | None:
    """Return that somebody can't open tickets, `None` when they can."""
    return await session.get(TicketBlock, (guild_id, user_id))


async def add_block(session: AsyncSession, block: TicketBlock) -> bool:
    """Note that somebody can't open tickets; False when that is noted already."""
    values = {
        name: getattr(block, name)
        for name in ("guild_id", "user_id", "reason", "blocked_by", "blocked_at")
    }
    statement = insert_for(session, TicketBlock).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["guild_id", "user_id"])
    return await count_changed(session, statement) > 0


async def remove_block(
    session: AsyncSession, guild_id: int, user_id: int, blocked_at: datetime | None = None
) -> bool:
    """Let somebody open tickets again; False when they could, or were blocked at another time."""
    statement = delete(TicketBlock).where(
        TicketBlock.guild_id == guild_id, TicketBlock.user_id == user_id
    )
    if blocked_at is not None:
        statement = statement.where(TicketBlock.blocked_at == blocked_at)
    return await count_changed(session, statement) > 0


async def list_blocks_below(
    session: AsyncSession, guild_id: int, before: int | None, *, limit: int
) -> Sequence[TicketBlock]:
    """Return who can't open tickets by their ids, the greatest first, from below one on."""
    query = select(TicketBlock).where(TicketBlock.guild_id == guild_id)
    if before is not None:
        query = query.where(TicketBlock.user_id < before)
    return (await session.scalars(query.order_by(TicketBlock.user_id.desc()).limit(limit))).all()


async def list_blocks(
    session: AsyncSession, guild_id: int, *, limit: int = 1000
) -> Sequence[TicketBlock]:
    """Return who can't open tickets in a guild, the latest first."""
    query = select(TicketBlock).where(TicketBlock.guild_id == guild_id)
    return (await session.scalars(query.order_by(TicketBlock.blocked_at.desc()).limit(limit))).all()
