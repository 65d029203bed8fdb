"""What Automod changed about channels and guilds for a time, so that it can be put back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Json, RowId, Snowflake, UtcDateTime
from db.statements import count_changed, insert_for


class Effect(Base):
    """What automod changed about a channel or a guild for a time, and what it was before.

    `channel_id` is 0 for the guild itself. The row is written before the change is made.
    """

    __tablename__ = "automod_effects"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    channel_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    incident_id: Mapped[int] = mapped_column(RowId)
    original: Mapped[dict[str, Any]] = mapped_column(Json)
    applied: Mapped[dict[str, Any]] = mapped_column(Json)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def add_effect(session: AsyncSession, **values: Any) -> tuple[Effect, bool]:
    """Write down what is about to be changed; one that is there keeps what was before.

    Returns the row and whether it is new. Of an old one only the end is put off.
    """
    statement = insert_for(session, Effect).values(**values).on_conflict_do_nothing()
    is_new = await count_changed(session, statement) == 1
    key = (values["guild_id"], values["kind"], values["channel_id"])
    row = await get_effect(session, *key, lock=True)
    if row is None:
        raise RuntimeError("an effect that is there can't be read")
    row.ends_at = max(row.ends_at, values["ends_at"])
    return row, is_new


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


async def list_effects(session: AsyncSession, incident_id: int) -> Sequence[Effect]:
    """Return what an incident changed that still holds."""
    return (await session.scalars(select(Effect).where(Effect.incident_id == incident_id))).all()


async def end_effect(session: AsyncSession, guild_id: int, kind: str, channel_id: int) -> None:
    """Forget a change that is undone."""
    await count_changed(
        session,
        delete(Effect).where(
            Effect.guild_id == guild_id, Effect.kind == kind, Effect.channel_id == channel_id
        ),
    )
