"""Up to when each guild's joins were heard of, and from when on a look for missed ones begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, RowId, Snowflake, UtcDateTime
from db.guilds import Guild
from db.statements import count_changed, insert_for


class JoinMark(Base):
    """Whoever joined a guild up to `heard_until` was heard of.

    `missed_since` is set while members are read to find those who joined in an absence: they joined
    after it. `look` tells that reading from later ones.
    """

    __tablename__ = "autorole_marks"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    heard_until: Mapped[datetime] = mapped_column(UtcDateTime)
    missed_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    look: Mapped[int | None] = mapped_column(RowId)


@dataclass(frozen=True, slots=True)
class Look:
    """A reading of a guild's members: it is for those who joined after `since`."""

    id: int
    since: datetime


async def note_heard(session: AsyncSession, until: Mapping[int, datetime]) -> None:
    """Move guilds' marks forward, to the latest join that was heard of; never back."""
    if not until:
        return
    rows = [{"guild_id": one, "heard_until": at} for one, at in sorted(until.items())]
    insert = insert_for(session, JoinMark)
    later = insert.excluded.heard_until
    statement = insert.on_conflict_do_update(
        index_elements=["guild_id"],
        set_={"heard_until": later},
        where=JoinMark.heard_until < later,
    )
    await session.execute(statement, rows)


async def forget_missed(session: AsyncSession, guild_id: int, now: datetime) -> None:
    """Take it that nobody's join was missed up to now."""
    values = {"heard_until": now, "missed_since": None, "look": None}
    statement = insert_for(session, JoinMark).values(guild_id=guild_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["guild_id"], set_=values))


async def begin_look(session: AsyncSession, guild_id: int, look_id: int, now: datetime) -> Look:
    """Begin a reading in the place of any earlier one, for all whom that was for, too.

    In a guild that has no mark yet nobody is missed.
    """
    await session.execute(
        insert_for(session, JoinMark)
        .values(guild_id=guild_id, heard_until=now)
        .on_conflict_do_nothing(index_elements=["guild_id"])
    )
    statement = (
        update(JoinMark)
        .where(JoinMark.guild_id == guild_id)
        .values(
            look=look_id, missed_since=func.coalesce(JoinMark.missed_since, JoinMark.heard_until)
        )
        .returning(JoinMark.missed_since)
    )
    since = await session.scalar(statement, execution_options={"synchronize_session": False})
    return Look(look_id, since or now)


async def get_look(session: AsyncSession, guild_id: int) -> Look | None:
    """Return the reading of a guild's members that goes on."""
    query = select(JoinMark.look, JoinMark.missed_since).where(JoinMark.guild_id == guild_id)
    row = (await session.execute(query)).one_or_none()
    if row is None or row.look is None or row.missed_since is None:
        return None
    return Look(row.look, row.missed_since)


async def end_look(session: AsyncSession, guild_id: int, look_id: int) -> None:
    """End a reading, unless a later one has taken its place."""
    await count_changed(
        session,
        update(JoinMark)
        .where(JoinMark.guild_id == guild_id, JoinMark.look == look_id)
        .values(look=None, missed_since=None),
    )


async def delete_stale(session: AsyncSession, *, before: datetime) -> None:
    """Forget guilds that the bot left before an instant."""
    gone = select(Guild.id).where(Guild.left_at < before)
    await count_changed(session, delete(JoinMark).where(JoinMark.guild_id.in_(gone)))
