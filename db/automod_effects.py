"""What Automod changed about channels and guilds for a time, so that it can be put back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Json, Snowflake, UtcDateTime
from db.statements import count_changed, insert_for


class Effect(Base):
    """What automod changed about a channel or a guild for a time, and what it was before.

    `channel_id` is 0 for the guild itself. The row is written before the change is made. `wants`
    holds by incident what it wants; each change of them has a `stamp` of its own.
    """

    __tablename__ = "automod_effects"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    channel_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    original: Mapped[dict[str, Any]] = mapped_column(Json)
    applied: Mapped[dict[str, Any]] = mapped_column(Json)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    wants: Mapped[dict[str, Any]] = mapped_column(Json)
    stamp: Mapped[int] = mapped_column(Integer)


async def add_effect(
    session: AsyncSession, guild_id: int, kind: str, channel_id: int, *, ends_at: datetime
) -> None:
    """Write down that something is about to be changed; one that is there stays as it is."""
    statement = insert_for(session, Effect).values(
        guild_id=guild_id,
        kind=kind,
        channel_id=channel_id,
        original={},
        applied={},
        ends_at=ends_at,
        wants={},
        stamp=0,
    )
    await count_changed(session, statement.on_conflict_do_nothing())


async def get_effect(
    session: AsyncSession, guild_id: int, kind: str, channel_id: int, *, lock: bool = False
) -> Effect | None:
    """Return what was changed, `None` when nothing of this kind is."""
    query = select(Effect).where(
        Effect.guild_id == guild_id, Effect.kind == kind, Effect.channel_id == channel_id
    )
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def end_effect(session: AsyncSession, guild_id: int, kind: str, channel_id: int) -> None:
    """Forget a change that is undone."""
    await count_changed(
        session,
        delete(Effect).where(
            Effect.guild_id == guild_id, Effect.kind == kind, Effect.channel_id == channel_id
        ),
    )
