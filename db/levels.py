"""What levels keep: experience by day, talked minutes, boosts, and files that are being imported.

All experience of a member is `guild_members.xp`; the level beside it is always worked out from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Index,
    Integer,
    String,
    bindparam,
    case,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Snowflake, UtcDateTime, person
from db.guilds import GuildMember
from db.statements import count_changed, insert_for, table_of

# A guild and a person.
Member = tuple[int, int]
MEMBER_KEY = ("guild_id", "user_id")
# What every reader of JSON holds exactly; no total goes beyond it.
MOST_XP = 2**53 - 1
# Well below the number of values that SQLite takes in one statement.
_CHUNK = 500
T = TypeVar("T")


class LevelDay(Base):
    """What a member earned on a day of the guild's calendar, and how many minutes they talked."""

    __tablename__ = "levels_days"
    __table_args__ = (Index(None, "guild_id", "day"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    xp: Mapped[int] = mapped_column(BigInteger, default=0)
    voice_minutes: Mapped[int] = mapped_column(Integer, default=0)


class LevelMember(Base):
    """What a member wants to be told, and the last minute of talking that counted for them.

    `last_minute` counts minutes since 1970: whoever raises it has counted the minute.
    """

    __tablename__ = "levels_members"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    notify: Mapped[str | None] = mapped_column(String(8))
    last_minute: Mapped[int] = mapped_column(BigInteger, default=0)


class LevelBoost(Base):
    """That everything earns more in a guild until `ends_at`."""

    __tablename__ = "levels_boosts"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    percent: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begun_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))


class LevelImport(Base):
    """A line of a file that is being imported; `occasion` is the interaction that brought it."""

    __tablename__ = "levels_imports"
    __table_args__ = (Index(None, "created_at"),)

    occasion: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    xp: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a member has earned on a day; `seen_at` is when they were last seen to be there."""

    guild_id: int
    user_id: int
    xp: int
    day: date
    joined_at: datetime
    seen_at: datetime
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """All experience of a member, and the level that stands beside it so far."""

    guild_id: int
    user_id: int
    xp: int
    level: int


def chunked(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield the rows in lists that one statement can take."""
    rest = list(rows)
    for start in range(0, len(rest), _CHUNK):
        yield rest[start : start + _CHUNK]


# --- earning -----------------------------------------------------------------------------------


async def add_gains(session: AsyncSession, gains: Sequence[Gain]) -> list[Total]:
    """Add what members have earned, one row each, and return what they have now.

    Whoever was seen after they are said to have left is there again.
    """
    if not gains:
        return []
    member, insert = table_of(GuildMember), insert_for(session, table_of(GuildMember))
    statement = insert.on_conflict_do_update(
        index_elements=list(MEMBER_KEY),
        set_={"xp": _sum(member.c.xp, insert.excluded.xp)},
    ).returning(member.c.guild_id, member.c.user_id, member.c.xp, member.c.level, member.c.left_at)
    # In one order for everybody, so that two transactions can't wait for each other.
    ordered = sorted(gains, key=lambda one: (one.guild_id, one.user_id))
    rows = [
        {
            "guild_id": one.guild_id,
            "user_id": one.user_id,
            "xp": min(one.xp, MOST_XP),
            "level": 0,
            "joined_at": one.joined_at,
        }
        for one in ordered
    ]
    found = (await session.execute(statement, rows)).all()
    seen = {(one.guild_id, one.user_id): one.seen_at for one in gains}
    back = [(row[0], row[1]) for row in found if row[4] and row[4] < seen[row[0], row[1]]]
    await mark_present(session, back)
    await _add_days(session, ordered)
    return [Total(*row[:4]) for row in found]


async def mark_present(session: AsyncSession, members: Sequence[Member]) -> None:
    """Note that people whose leaving is on record are members."""
    for chunk in chunked(members):
        is_one = tuple_(GuildMember.guild_id, GuildMember.user_id).in_(chunk)
        await count_changed(session, update(GuildMember).where(is_one).values(left_at=None))


async def _add_days(session: AsyncSession, gains: Sequence[Gain]) -> None:
    table, insert = table_of(LevelDay), insert_for(session, table_of(LevelDay))
    statement = insert.on_conflict_do_update(
        index_elements=[*MEMBER_KEY, "day"],
        set_={
            "xp": _sum(table.c.xp, insert.excluded.xp),
            "voice_minutes": table.c.voice_minutes + insert.excluded.voice_minutes,
        },
    )
    rows = [
        {
            "guild_id": one.guild_id,
            "user_id": one.user_id,
            "day": one.day,
            "xp": min(one.xp, MOST_XP),
            "voice_minutes": one.minutes,
        }
        for one in gains
        if one.xp or one.minutes
    ]
    if rows:
        await session.execute(statement, rows)


def _sum(total: ColumnElement[int], gain: ColumnElement[int]) -> ColumnElement[int]:
    return case((total > MOST_XP - gain, MOST_XP), else_=total + gain)


async def set_levels(session: AsyncSession, levels: Mapping[Member, int]) -> None:
    """Put the levels that were worked out beside the experience."""
    if not levels:
        return
    statement = (
        update(table_of(GuildMember))
        .where(GuildMember.guild_id == bindparam("guild"), GuildMember.user_id == bindparam("user"))
        .values(level=bindparam("reached"))
    )
    rows = [
        {"guild": guild, "user": user, "reached": level}
        for (guild, user), level in sorted(levels.items())
    ]
    await session.execute(statement, rows)


async def claim_minute(
    session: AsyncSession, minute: int, members: Collection[Member]
) -> frozenset[Member]:
    """Take a minute of talking on for members; return those for whom nobody had counted it."""
    table, insert = table_of(LevelMember), insert_for(session, table_of(LevelMember))
    statement = insert.on_conflict_do_update(
        index_elements=list(MEMBER_KEY),
        set_={"last_minute": insert.excluded.last_minute},
        where=table.c.last_minute < insert.excluded.last_minute,
    ).returning(table.c.guild_id, table.c.user_id)
    rows = [
        {"guild_id": guild, "user_id": user, "last_minute": minute}
        for guild, user in sorted(members)
    ]
    found = (await session.execute(statement, rows)).all() if rows else []
    return frozenset((row[0], row[1]) for row in found)


async def list_minutes(session: AsyncSession, days: Mapping[Member, date]) -> dict[Member, int]:
    """Return how many minutes members have talked on the day that is named for each."""
    found: dict[Member, int] = {}
    key = tuple_(LevelDay.guild_id, LevelDay.user_id, LevelDay.day)
    for chunk in chunked((guild, user, day) for (guild, user), day in days.items()):
        query = select(LevelDay.guild_id, LevelDay.user_id, LevelDay.voice_minutes)
        rows = await session.execute(query.where(key.in_(chunk)))
        found |= {(guild, user): minutes for guild, user, minutes in rows}
    return found


async def list_notify(session: AsyncSession, members: Collection[Member]) -> dict[Member, str]:
    """Return what those of the members want to be told who have said so."""
    found: dict[Member, str] = {}
    for chunk in chunked(members):
        query = select(LevelMember.guild_id, LevelMember.user_id, LevelMember.notify).where(
            tuple_(LevelMember.guild_id, LevelMember.user_id).in_(chunk),
            LevelMember.notify.is_not(None),
        )
        rows = await session.execute(query)
        found |= {(guild, user): notify for guild, user, notify in rows if notify}
    return found


async def put_notify(
    session: AsyncSession, guild_id: int, user_id: int, notify: str | None
) -> None:
    """Store what a member wants to be told."""
    insert = insert_for(session, LevelMember).values(
        guild_id=guild_id, user_id=user_id, notify=notify, last_minute=0
    )
    statement = insert.on_conflict_do_update(
        index_elements=list(MEMBER_KEY), set_={"notify": insert.excluded.notify}
    )
    await session.execute(statement)


# --- boosts ------------------------------------------------------------------------------------


async def put_boost(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Store a guild's boost in place of the one before."""
    insert = insert_for(session, LevelBoost).values(**values)
    changed = {name: insert.excluded[name] for name in ("percent", "ends_at", "begun_by")}
    await session.execute(insert.on_conflict_do_update(index_elements=["guild_id"], set_=changed))


async def delete_boost(session: AsyncSession, guild_id: int) -> bool:
    """End a guild's boost; False when there was none."""
    return (
        await count_changed(session, delete(LevelBoost).where(LevelBoost.guild_id == guild_id)) > 0
    )


async def list_boosts(session: AsyncSession, now: datetime) -> Sequence[LevelBoost]:
    """Return the boosts that have not ended."""
    return (await session.scalars(select(LevelBoost).where(LevelBoost.ends_at > now))).all()


# --- imports -----------------------------------------------------------------------------------


async def add_import(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep lines of a file until they have been imported; those that are kept stay as they are."""
    insert = insert_for(session, table_of(LevelImport))
    statement = insert.on_conflict_do_nothing(index_elements=["occasion", "position"])
    for chunk in chunked(rows):
        await session.execute(statement, chunk)


async def list_import(
    session: AsyncSession, occasion: int, *, after: int, limit: int
) -> Sequence[LevelImport]:
    """Return the next lines of a file, in its order."""
    query = (
        select(LevelImport)
        .where(LevelImport.occasion == occasion, LevelImport.position > after)
        .order_by(LevelImport.position)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def delete_import(session: AsyncSession, occasion: int) -> None:
    """Keep nothing of a file."""
    await count_changed(session, delete(LevelImport).where(LevelImport.occasion == occasion))


# --- upkeep ------------------------------------------------------------------------------------


async def delete_old(session: AsyncSession, *, days: date, now: datetime, files: datetime) -> None:
    """Delete days and files before these, and boosts that have ended."""
    await count_changed(session, delete(LevelDay).where(LevelDay.day < days))
    await count_changed(session, delete(LevelBoost).where(LevelBoost.ends_at <= now))
    await count_changed(session, delete(LevelImport).where(LevelImport.created_at < files))
