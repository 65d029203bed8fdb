"""What Automod counts against members, and what staff say was no violation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, String, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_RECORD, FORGET_PERSON, Base, Erasure, Json, RowId, Snowflake, UtcDateTime
from db.base import person as person_info
from db.statements import count_changed, insert_for


class Strike(Base):
    """That a member broke a rule, once per incident."""

    __tablename__ = "automod_strikes"
    __table_args__ = (Index(None, "struck_at"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person_info(DELETE_RECORD)
    )
    rule: Mapped[str] = mapped_column(String(32), primary_key=True)
    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True, index=True)
    struck_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FalsePositive(Base):
    """An incident that staff say was none, to make rules better by."""

    __tablename__ = "automod_false_positives"
    __table_args__ = (Index(None, "guild_id", "marked_at"),)

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person_info(Erasure(clears=("text",)))
    )
    rules: Mapped[dict[str, Any]] = mapped_column(Json)
    text: Mapped[str | None] = mapped_column(Text)
    marked_by: Mapped[int | None] = mapped_column(Snowflake, info=person_info(FORGET_PERSON))
    marked_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def add_strike(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    rule: str,
    incident_id: int,
    now: datetime,
    since: datetime,
) -> int:
    """Count an incident against a member, once, and return how many count since an instant."""
    statement = insert_for(session, Strike).values(
        guild_id=guild_id, user_id=user_id, rule=rule, incident_id=incident_id, struck_at=now
    )
    await count_changed(session, statement.on_conflict_do_nothing())
    query = select(func.count()).where(*_of(guild_id, user_id, rule), Strike.struck_at > since)
    return await session.scalar(query) or 0


async def take_back_strikes(session: AsyncSession, incident_id: int) -> int:
    """Count an incident against nobody any more; return how many strikes there were."""
    return await count_changed(session, delete(Strike).where(Strike.incident_id == incident_id))


def _of(guild_id: int, user_id: int, rule: str) -> tuple[ColumnElement[bool], ...]:
    return (Strike.guild_id == guild_id, Strike.user_id == user_id, Strike.rule == rule)


async def add_false_positive(session: AsyncSession, **values: Any) -> bool:
    """Record that an incident was none; False when that is known."""
    statement = insert_for(session, FalsePositive).values(**values)
    return await count_changed(session, statement.on_conflict_do_nothing()) == 1
