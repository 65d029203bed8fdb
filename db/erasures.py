"""What is still to be erased of people: rows that were needed when they asked, such as a mute.

Which rows those are, and when they are not needed any more, `db.people` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, UniqueConstraint, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed


class Place(NamedTuple):
    """A person's id in a row: the table, the column, and the row's key as JSON."""

    table_name: str
    column_name: str
    row_key: str


class OwedErasure(Base):
    """A row in which a person's id is still to be erased, because they asked for it."""

    __tablename__ = "erasures_owed"
    __table_args__ = (
        UniqueConstraint("user_id", "table_name", "column_name", "row_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    # Asked again, whatever is still owed is noted anew.
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    table_name: Mapped[str] = mapped_column(String(64))
    column_name: Mapped[str] = mapped_column(String(64))
    row_key: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def add_owed(
    session: AsyncSession, user_id: int, places: Iterable[Place], at: datetime
) -> None:
    """Note where a person's id is still to be erased."""
    rows = [{"user_id": user_id, "asked_at": at, **place._asdict()} for place in places]
    if rows:
        await session.execute(insert(OwedErasure), rows)


async def list_owed(session: AsyncSession, *, after: int, limit: int) -> Sequence[OwedErasure]:
    """Return what is owed, in order, with numbers above one."""
    query = select(OwedErasure).where(OwedErasure.id > after).order_by(OwedErasure.id).limit(limit)
    return (await session.scalars(query)).all()


async def drop_owed(session: AsyncSession, ids: Iterable[int]) -> None:
    """Forget what is not owed any more."""
    await count_changed(session, delete(OwedErasure).where(OwedErasure.id.in_(list(ids))))
