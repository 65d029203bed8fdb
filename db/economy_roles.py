"""Roles that members have bought or used an item for, until their time is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, UniqueConstraint, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, RowId, Snowflake, UtcDateTime, person
from db.statements import insert_for

GIVEN = "given"
# The row is what takes the role again.
_AFTER_ITS_END = Erasure(deletes=True, kept_while=("state", (GIVEN,)))
_HOLDER = ("guild_id", "user_id", "role_id")


class BoughtRole(Base):
    """A role that a member has from the shop until `ends_at`; the row is there as long as that."""

    __tablename__ = "economy_roles"
    __table_args__ = (UniqueConstraint(*_HOLDER), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_AFTER_ITS_END))
    role_id: Mapped[int] = mapped_column(Snowflake)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class EndedRole:
    """A role from the shop that was removed from the record."""

    id: int
    guild_id: int
    user_id: int
    role_id: int


async def get_role_end(
    session: AsyncSession, guild_id: int, user_id: int, role_id: int, *, lock: bool = False
) -> datetime | None:
    """Return until when a member has a role from the shop; `None` when not for a time."""
    query = select(BoughtRole.ends_at).where(*_theirs(guild_id, user_id, role_id))
    return await session.scalar(query.with_for_update() if lock else query)


async def put_role(
    session: AsyncSession, guild_id: int, user_id: int, role_id: int, ends_at: datetime
) -> int:
    """Store until when a member has a role; return the row's id."""
    values: dict[str, Any] = {"guild_id": guild_id, "user_id": user_id, "role_id": role_id}
    insert = insert_for(session, BoughtRole).values(state=GIVEN, ends_at=ends_at, **values)
    statement = insert.on_conflict_do_update(
        index_elements=list(_HOLDER), set_={"ends_at": insert.excluded.ends_at}
    )
    return (await session.scalars(statement.returning(BoughtRole.id))).one()


async def take_role(
    session: AsyncSession, guild_id: int, user_id: int, role_id: int
) -> EndedRole | None:
    """Remove what is stored of a role; `None` when there is no such thing any more."""
    return await _take(session, *_theirs(guild_id, user_id, role_id))


async def take_due_role(session: AsyncSession, row_id: int, now: datetime) -> EndedRole | None:
    """Remove a role whose time is over; `None` when it is not, or was removed."""
    return await _take(session, BoughtRole.id == row_id, BoughtRole.ends_at <= now)


def _theirs(guild_id: int, user_id: int, role_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        BoughtRole.guild_id == guild_id,
        BoughtRole.user_id == user_id,
        BoughtRole.role_id == role_id,
    )


async def _take(session: AsyncSession, *filters: ColumnElement[bool]) -> EndedRole | None:
    statement = (
        delete(BoughtRole)
        .where(*filters)
        .returning(BoughtRole.id, BoughtRole.guild_id, BoughtRole.user_id, BoughtRole.role_id)
    )
    rows = await session.execute(statement, execution_options={"synchronize_session": False})
    row = rows.one_or_none()
    return None if row is None else EndedRole(*row)
