"""Locked channels, with the permission overwrites that were there before.

A row is there from the moment a lock is wanted until it is known to have been taken back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, Json, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

LOCKING = "locking"
LOCKED = "locked"
UNLOCKING = "unlocking"


class ChannelLock(Base):
    """A channel that is locked; `changes` are the overwrites before and after, whole."""

    __tablename__ = "moderation_locks"
    __table_args__ = (Index(None, "guild_id"),)

    channel_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    state: Mapped[str] = mapped_column(String(16))
    changes: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    locked_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(Erasure(clears=("reason",)))
    )
    locked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)


async def add_lock(
    session: AsyncSession,
    *,
    guild_id: int,
    channel_id: int,
    changes: list[dict[str, Any]],
    locked_by: int,
    reason: str | None,
    ends_at: datetime | None,
    now: datetime,
) -> bool:
    """Want a channel locked; False when it is so already, whose originals then stay."""
    statement = insert_for(session, ChannelLock).values(
        channel_id=channel_id,
        guild_id=guild_id,
        state=LOCKING,
        changes=changes,
        locked_by=locked_by,
        locked_at=now,
        ends_at=ends_at,
        reason=reason,
    )
    return await count_changed(session, statement.on_conflict_do_nothing()) == 1


async def get_lock(session: AsyncSession, channel_id: int) -> ChannelLock | None:
    """Return what is wanted of a channel, `None` when nothing is."""
    query = select(ChannelLock).where(ChannelLock.channel_id == channel_id)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def change_lock(
    session: AsyncSession, channel_id: int, *, expected: Collection[str], state: str
) -> bool:
    """Change the state of a lock; False when it is in none of the expected ones."""
    statement = (
        update(ChannelLock)
        .where(ChannelLock.channel_id == channel_id, ChannelLock.state.in_(expected))
        .values(state=state)
    )
    return await count_changed(session, statement) == 1


async def delete_lock(session: AsyncSession, channel_id: int, *, expected: str) -> bool:
    """Forget a lock that was taken back; False when it is in another state."""
    statement = delete(ChannelLock).where(
        ChannelLock.channel_id == channel_id, ChannelLock.state == expected
    )
    return await count_changed(session, statement) == 1
