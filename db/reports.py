"""What members report of each other, and who reported it.

One report is open at most about a message or a member: its `open_key` is emptied when it closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    NOBODY,
    Base,
    Erasure,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.statements import count_changed, insert_for

OPEN = "open"
RESOLVED = "resolved"
DISMISSED = "dismissed"


class Report(Base):
    """Something that was reported; `excerpt` is what the message said then."""

    __tablename__ = "moderation_reports"
    __table_args__ = (Index(None, "guild_id"), Index(None, "state", "closed_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    open_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    target_id: Mapped[int] = mapped_column(
        Snowflake,
        index=True,
        info=person(Erasure(replacement=NOBODY, clears=("target_name", "excerpt", "open_key"))),
    )
    target_name: Mapped[str | None] = mapped_column(String(100))
    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    excerpt: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    closed_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    card_channel_id: Mapped[int] = mapped_column(Snowflake)
    revision: Mapped[int] = mapped_column(Integer)


class Reporter(Base):
    """One of those who reported it, and why."""

    __tablename__ = "moderation_reporters"

    report_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    reason: Mapped[str] = mapped_column(Text)
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def open_report(session: AsyncSession, values: dict[str, Any]) -> Report | None:
    """Open a report; `None` when one with its key is open already."""
    statement = (
        insert_for(session, Report)
        .values(state=OPEN, revision=0, **values)
        .on_conflict_do_nothing(index_elements=["open_key"])
        .returning(Report)
    )
    return await session.scalar(statement)


async def find_open(session: AsyncSession, open_key: str) -> Report | None:
    """Return the open report with this key."""
    return await session.scalar(select(Report).where(Report.open_key == open_key))


async def add_reporter(
    session: AsyncSession, report_id: int, user_id: int, reason: str, now: datetime
) -> bool:
    """Add somebody to those who reported it; False when they are among them."""
    statement = insert_for(session, Reporter).values(
        report_id=report_id, user_id=user_id, reason=reason, reported_at=now
    )
    return await count_changed(session, statement.on_conflict_do_nothing()) == 1


async def count_by_reporter(
    session: AsyncSession, guild_id: int, user_id: int, since: datetime
) -> int:
    """Return how many reports somebody has made in a guild since an instant."""
    query = (
        select(func.count())
        .select_from(Reporter)
        .join(Report, Report.id == Reporter.report_id)
        .where(
            Reporter.user_id == user_id, Reporter.reported_at >= since, Report.guild_id == guild_id
        )
    )
    return (await session.execute(query)).scalar_one()


async def count_reporters(session: AsyncSession, report_id: int) -> int:
    """Return how many people reported it."""
    query = select(func.count()).select_from(Reporter).where(Reporter.report_id == report_id)
    return (await session.execute(query)).scalar_one()


async def change_open(
    session: AsyncSession, report_id: int, *, unclaimed: bool = False, **values: Any
) -> Report | None:
    """Change an open report, or with `unclaimed` one that nobody has; `None` for any other."""
    statement = update(Report).where(Report.id == report_id, Report.state == OPEN)
    if unclaimed:
        statement = statement.where(Report.claimed_by.is_(None))
    values["revision"] = Report.revision + 1
    return await session.scalar(
        statement.values(**values).returning(Report),
        execution_options={"populate_existing": True},
    )


async def get_report(session: AsyncSession, guild_id: int, report_id: int) -> Report | None:
    """Return a report of the guild."""
    return await session.scalar(
        select(Report).where(Report.id == report_id, Report.guild_id == guild_id)
    )


async def list_reporters(session: AsyncSession, report_id: int) -> Sequence[Reporter]:
    """Return those who reported it, the first first."""
    query = select(Reporter).where(Reporter.report_id == report_id)
    return (await session.scalars(query.order_by(Reporter.reported_at, Reporter.user_id))).all()


async def delete_closed(session: AsyncSession, before: datetime) -> int:
    """Delete reports that were closed before an instant, with who reported them."""
    old = select(Report.id).where(Report.state != OPEN, Report.closed_at < before)
    await session.execute(delete(Reporter).where(Reporter.report_id.in_(old)))
    return await count_changed(session, delete(Report).where(Report.id.in_(old)))
