"""Guilds, users and memberships as the bot has seen them, kept after they leave.

Discord is the source; these rows let statistics and features speak of those who are gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    String,
    Text,
    bindparam,
    case,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Json, Snowflake, UtcDateTime, person
from db.statements import insert_for, table_of


class Guild(Base):
    """A guild that the bot is in, or was until `left_at`."""

    __tablename__ = "guilds"

    id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    premium_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class User(Base):
    """A person whom the bot has met."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, info=person(DELETE_ROW)
    )
    global_name: Mapped[str | None] = mapped_column(String(32))
    avatar_url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GuildMember(Base):
    """A person in a guild: `left_at` is NULL while they are there.

    `joined_at` is their first known join, or when they left, for one whose join was not seen.
    `level` is always worked out from `xp`.
    """

    __tablename__ = "guild_members"
    __table_args__ = (Index(None, "guild_id", "xp"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    xp: Mapped[int] = mapped_column(BigInteger, default=0)
    level: Mapped[int] = mapped_column(Integer, default=0)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class SeenGuild:
    """A guild as Discord describes it now."""

    id: int
    name: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class SeenUser:
    """A user as Discord describes one now; `created_at` is when the bot met them.

    `global_name` is the username of who has chosen no other: what Discord shows.
    """

    id: int
    global_name: str | None
    avatar_url: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SeenMember:
    """A membership as Discord describes it now."""

    guild_id: int
    user_id: int
    joined_at: datetime


async def save_guilds(session: AsyncSession, guilds: Sequence[SeenGuild]) -> None:
    """Add or rename guilds and mark them as joined."""
    if not guilds:
        return
    insert = insert_for(session, Guild)
    changes = {
        "name": insert.excluded.name,
        "joined_at": insert.excluded.joined_at,
        "left_at": None,
    }
    statement = insert.on_conflict_do_update(index_elements=["id"], set_=changes)
    await session.execute(statement, [asdict(guild) for guild in guilds])


async def save_users(session: AsyncSession, users: Sequence[SeenUser]) -> None:
    """Add users, or give known ones their present name and avatar."""
    if not users:
        return
    insert = insert_for(session, User)
    changes = {
        "global_name": insert.excluded.global_name,
        "avatar_url": insert.excluded.avatar_url,
    }
    statement = insert.on_conflict_do_update(index_elements=["id"], set_=changes)
    await session.execute(statement, [asdict(user) for user in users])


async def list_names(session: AsyncSession, user_ids: Collection[int]) -> dict[int, str]:
    """Return the names of those of the people who are known by one."""
    query = select(User.id, User.global_name).where(
        User.id.in_(user_ids), User.global_name.is_not(None)
    )
    return {user_id: name for user_id, name in await session.execute(query) if name}


async def find_names(
    session: AsyncSession, guild_id: int, text: str, *, limit: int
) -> dict[int, str]:
    """Return the names of members who are there and were met, that begin with a text."""
    query = (
        select(User.id, User.global_name)
        .join(GuildMember, GuildMember.user_id == User.id)
        .where(
            GuildMember.guild_id == guild_id,
            GuildMember.left_at.is_(None),
            User.global_name.istartswith(text, autoescape=True),
        )
        .order_by(User.global_name, User.id)
        .limit(limit)
    )
    return {user_id: name for user_id, name in await session.execute(query) if name}


async def save_members(session: AsyncSession, members: Sequence[SeenMember]) -> None:
    """Mark people as members, keeping the first join that is known and all they have earned."""
    if not members:
        return
    insert = insert_for(session, GuildMember)
    earlier = insert.excluded.joined_at < GuildMember.joined_at
    changes = {
        "joined_at": case((earlier, insert.excluded.joined_at), else_=GuildMember.joined_at),
        "left_at": None,
    }
    statement = insert.on_conflict_do_update(index_elements=["guild_id", "user_id"], set_=changes)
    await session.execute(statement, [asdict(member) for member in members])


async def mark_guilds_left(session: AsyncSession, left: Mapping[int, datetime]) -> None:
    """Record when the bot left guilds, by guild id; unknown ones are passed over."""
    if left:
        rows = [{"guild": guild_id, "at": at} for guild_id, at in left.items()]
        statement = update(table_of(Guild)).where(Guild.id == bindparam("guild"))
        await session.execute(statement.values(left_at=bindparam("at")), rows)


async def mark_members_left(
    session: AsyncSession, left: Mapping[tuple[int, int], datetime]
) -> None:
    """Record when people left guilds, by guild and user id.

    One whose join was not seen, as from before the bot's time, is on record from their leaving on:
    who comes back later is known to come back.
    """
    if not left:
        return
    insert = insert_for(session, GuildMember)
    statement = insert.on_conflict_do_update(
        index_elements=["guild_id", "user_id"], set_={"left_at": insert.excluded.left_at}
    )
    rows = [
        {"guild_id": guild, "user_id": user, "joined_at": at, "left_at": at}
        for (guild, user), at in left.items()
    ]
    await session.execute(statement, rows)


async def get_guild(session: AsyncSession, guild_id: int) -> Guild | None:
    """Return a guild that the bot is or was in."""
    return await session.get(Guild, guild_id)


async def get_member(session: AsyncSession, guild_id: int, user_id: int) -> GuildMember | None:
    """Return a membership, present or past."""
    return await session.get(GuildMember, (guild_id, user_id))


async def list_joined_before(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], *, before: datetime
) -> frozenset[int]:
    """Return those of the people who had already joined the guild before an instant.

    Asked with the moment of a join, it tells who is coming back.
    """
    query = select(GuildMember.user_id).where(
        GuildMember.guild_id == guild_id,
        GuildMember.user_id.in_(user_ids),
        GuildMember.joined_at < before,
    )
    return frozenset((await session.scalars(query)).all())


async def list_present_guild_ids(session: AsyncSession) -> frozenset[int]:
    """Return the guilds that the bot is in, as far as the records know."""
    query = select(Guild.id).where(Guild.left_at.is_(None))
    return frozenset((await session.scalars(query)).all())


async def list_left_guild_ids(session: AsyncSession, guild_ids: Collection[int]) -> frozenset[int]:
    """Return those of the guilds that the bot has left, as far as the records know."""
    query = select(Guild.id).where(Guild.id.in_(guild_ids), Guild.left_at.is_not(None))
    return frozenset((await session.scalars(query)).all())


async def count_guilds(session: AsyncSession, *, present: bool = False) -> int:
    """Return how many guilds are on record, or how many of them the bot is in."""
    query = select(func.count()).select_from(Guild)
    if present:
        query = query.where(Guild.left_at.is_(None))
    return await session.scalar(query) or 0


async def count_users(session: AsyncSession) -> int:
    """Return how many people are on record."""
    return await session.scalar(select(func.count()).select_from(User)) or 0
