"""Raids: one per guild at a time, what was done about it, and who joined while it lasted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Integer, String, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

# What SQLite takes of parameters in one statement bounds this.
_ROWS_AT_ONCE = 100


class RaidState(StrEnum):
    """How far a raid is; while it is ending, its measures are being taken back."""

    OPEN = "open"
    ENDING = "ending"
    ENDED = "ended"


class MemberState(StrEnum):
    """What became of someone who joined during a raid."""

    SEEN = "seen"
    HANDLED = "handled"
    BANNED = "banned"
    SPARED = "spared"
    LEFT = "left"
    REFUSED = "refused"


class Raid(Base):
    """One raid; `open_guild_id` is the guild's id until it has ended.

    `changes` counts what happened, `told` how much of it the alert shows. `measures` holds, by
    name, what was there before and what was set.
    """

    __tablename__ = "raids"
    __table_args__ = (Index(None, "guild_id", "opened_at"), Index(None, "ended_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    open_guild_id: Mapped[int | None] = mapped_column(Snowflake, unique=True)
    state: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_join_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    joins: Mapped[int] = mapped_column(Integer)
    changes: Mapped[int] = mapped_column(Integer)
    told: Mapped[int] = mapped_column(Integer)
    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    measures: Mapped[dict[str, Any]] = mapped_column(Json)


class RaidMember(Base):
    """Someone who joined during a raid, as they looked then."""

    __tablename__ = "raid_members"

    raid_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    guild_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(100))
    avatar: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))


async def open_raid(
    session: AsyncSession, *, guild_id: int, trigger: str, channel_id: int | None, now: datetime
) -> Raid | None:
    """Add the guild's raid and return it; None while there is one that has not ended."""
    statement = (
        insert_for(session, Raid)
        .values(
            guild_id=guild_id,
            open_guild_id=guild_id,
            state=RaidState.OPEN,
            trigger=trigger,
            opened_at=now,
            last_join_at=now,
            joins=0,
            changes=0,
            told=0,
            channel_id=channel_id,
            measures={},
        )
        .on_conflict_do_nothing(index_elements=["open_guild_id"])
        .returning(Raid)
    )
    return (await session.scalars(statement)).one_or_none()


async def lock_raid(session: AsyncSession, raid_id: int) -> Raid | None:
    """Return a raid, which no other transaction changes until this one ends."""
    query = select(Raid).where(Raid.id == raid_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def lock_open_raid(session: AsyncSession, guild_id: int) -> Raid | None:
    """Return the guild's raid that has not ended, locked as by `lock_raid`."""
    query = select(Raid).where(Raid.open_guild_id == guild_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_raid(session: AsyncSession, raid_id: int) -> Raid | None:
    """Return a raid by its id."""
    return await session.get(Raid, raid_id, populate_existing=True)


async def get_last_raid(session: AsyncSession, guild_id: int) -> Raid | None:
    """Return the guild's latest raid."""
    query = select(Raid).where(Raid.guild_id == guild_id).order_by(Raid.id.desc()).limit(1)
    return await session.scalar(query)


async def list_open_guilds(session: AsyncSession) -> frozenset[int]:
    """Return the ids of the guilds with a raid that has not ended."""
    query = select(Raid.open_guild_id).where(Raid.open_guild_id.is_not(None))
    return frozenset(one for one in await session.scalars(query) if one is not None)


async def change_raid(session: AsyncSession, raid_id: int, **values: Any) -> None:
    """Set columns of a raid; what happened is to be told."""
    statement = update(Raid).where(Raid.id == raid_id)
    await count_changed(session, statement.values(changes=Raid.changes + 1, **values))


async def note_told(session: AsyncSession, raid_id: int, changes: int) -> None:
    """Note up to which change the alert tells."""
    await count_changed(session, update(Raid).where(Raid.id == raid_id).values(told=changes))


async def add_members(
    session: AsyncSession, raid: Raid, members: Sequence[dict[str, Any]], *, most: int
) -> int:
    """Record who joined; return how many of them are new. No more than `most` are kept."""
    new = 0
    room = most - await count_members(session, raid.id)
    for start in range(0, max(0, min(len(members), room)), _ROWS_AT_ONCE):
        rows = [
            {"raid_id": raid.id, "guild_id": raid.guild_id, "state": MemberState.SEEN, **one}
            for one in members[start : min(start + _ROWS_AT_ONCE, room)]
        ]
        statement = insert_for(session, RaidMember).values(rows).on_conflict_do_nothing()
        new += await count_changed(session, statement)
    return new


async def count_members(session: AsyncSession, raid_id: int, *states: str) -> int:
    """Return how many joined during a raid, of those in one of the states if any is given."""
    query = select(func.count()).select_from(RaidMember).where(RaidMember.raid_id == raid_id)
    if states:
        query = query.where(RaidMember.state.in_(states))
    return await session.scalar(query) or 0


async def list_members(
    session: AsyncSession, raid_id: int, *, states: Collection[str] | None = None
) -> Sequence[RaidMember]:
    """Return who joined during a raid, in the order of their joins."""
    query = select(RaidMember).where(RaidMember.raid_id == raid_id)
    if states is not None:
        query = query.where(RaidMember.state.in_(states))
    rows = await session.scalars(query.order_by(RaidMember.joined_at, RaidMember.user_id))
    return rows.all()


async def mark_members(
    session: AsyncSession, raid_id: int, user_ids: Collection[int], state: str
) -> None:
    """Note what became of these members."""
    ids = list(user_ids)
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        statement = update(RaidMember).where(
            RaidMember.raid_id == raid_id,
            RaidMember.user_id.in_(ids[start : start + _ROWS_AT_ONCE]),
        )
        await count_changed(session, statement.values(state=state))


async def delete_old_raids(session: AsyncSession, before: datetime) -> int:
    """Delete raids that ended before an instant, with who joined; return how many."""
    old = select(Raid.id).where(Raid.ended_at < before)
    await count_changed(session, delete(RaidMember).where(RaidMember.raid_id.in_(old)))
    return await count_changed(session, delete(Raid).where(Raid.ended_at < before))
