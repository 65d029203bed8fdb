"""Roles that Automod has given for a time; a job takes each when its row says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, RowId, Snowflake, UtcDateTime, person
from db.guilds import Guild
from db.statements import count_changed, insert_for

GIVEN = "given"
_AFTER_ITS_END = Erasure(deletes=True, kept_while=("state", (GIVEN,)))
_KEY = ("guild_id", "user_id", "role_id")


class TimedRole(Base):
    """A role that an incident has given to a member until `ends_at`.

    The row is there for as long as the role is `GIVEN`. It is what takes the role again, so whoever
    has their data erased is erased here after it.
    """

    __tablename__ = "automod_roles"
    __table_args__ = (UniqueConstraint(*_KEY),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_AFTER_ITS_END))
    role_id: Mapped[int] = mapped_column(Snowflake)
    incident_id: Mapped[int] = mapped_column(RowId)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def put_timed_role(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    role_id: int,
    incident_id: int,
    ends_at: datetime,
) -> int:
    """Store until when a member has a role, return the row's id; a newer incident replaces it."""
    insert = insert_for(session, TimedRole).values(
        guild_id=guild_id,
        user_id=user_id,
        role_id=role_id,
        incident_id=incident_id,
        state=GIVEN,
        ends_at=ends_at,
    )
    changes = {name: insert.excluded[name] for name in ("incident_id", "ends_at")}
    statement = insert.on_conflict_do_update(index_elements=list(_KEY), set_=changes)
    return (await session.scalars(statement.returning(TimedRole.id))).one()


async def get_due_role(session: AsyncSession, row_id: int, now: datetime) -> TimedRole | None:
    """Return a role whose time is over; `None` when it is not, or was taken."""
    query = select(TimedRole).where(TimedRole.id == row_id, TimedRole.ends_at <= now)
    return await session.scalar(query)


async def end_timed_role(session: AsyncSession, ended: TimedRole) -> None:
    """Forget a role that was taken, unless it was given again meanwhile."""
    statement = delete(TimedRole).where(
        TimedRole.id == ended.id,
        TimedRole.incident_id == ended.incident_id,
        TimedRole.ends_at == ended.ends_at,
    )
    await count_changed(session, statement)


async def delete_left_roles(session: AsyncSession, before: datetime) -> None:
    """Forget the roles of guilds that the bot left before an instant."""
    gone = select(Guild.id).where(Guild.left_at < before)
    await count_changed(session, delete(TimedRole).where(TimedRole.guild_id.in_(gone)))
