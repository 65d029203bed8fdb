"""Who stands where by experience, of all time or since a day; who has left is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.guilds import Guild, GuildMember
from db.levels import LevelDay


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands; `rank` counts from 1 among those who are there."""

    xp: int
    level: int
    rank: int


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a board."""

    user_id: int
    xp: int
    level: int


async def get_standing(session: AsyncSession, guild_id: int, user_id: int) -> Standing | None:
    """Return where a member stands, `None` without any experience."""
    member = await session.get(GuildMember, (guild_id, user_id))
    if member is None or member.xp <= 0:
        return None
    ahead = select(func.count()).where(
        GuildMember.guild_id == guild_id,
        GuildMember.left_at.is_(None),
        or_(
            GuildMember.xp > member.xp,
            and_(GuildMember.xp == member.xp, GuildMember.user_id < user_id),
        ),
    )
    return Standing(member.xp, member.level, (await session.scalar(ahead) or 0) + 1)


async def list_board(session: AsyncSession, guild_id: int, *, limit: int) -> list[Place]:
    """Return those who are there with the most experience, best first."""
    query = (
        select(GuildMember.user_id, GuildMember.xp, GuildMember.level)
        .where(
            GuildMember.guild_id == guild_id,
            GuildMember.left_at.is_(None),
            GuildMember.xp > 0,
        )
        .order_by(GuildMember.xp.desc(), GuildMember.user_id)
        .limit(limit)
    )
    return [Place(*row) for row in await session.execute(query)]


async def list_board_since(
    session: AsyncSession, guild_id: int, since: date, *, limit: int
) -> list[Place]:
    """Return those who are there and have earned the most since a day, best first."""
    earned = func.sum(LevelDay.xp)
    query = (
        select(LevelDay.user_id, earned, GuildMember.level)
        .join(
            GuildMember,
            and_(
                GuildMember.guild_id == LevelDay.guild_id,
                GuildMember.user_id == LevelDay.user_id,
            ),
        )
        .where(LevelDay.guild_id == guild_id, LevelDay.day >= since, GuildMember.left_at.is_(None))
        .group_by(LevelDay.user_id, GuildMember.level)
        .having(earned > 0)
        .order_by(earned.desc(), LevelDay.user_id)
        .limit(limit)
    )
    return [Place(user, int(xp), level) for user, xp, level in await session.execute(query)]


async def get_rank_since(
    session: AsyncSession, guild_id: int, user_id: int, since: date
) -> int | None:
    """Return the place of somebody on the board since a day, `None` if they are not on it."""
    totals = (
        select(LevelDay.user_id, func.sum(LevelDay.xp).label("xp"))
        .join(
            GuildMember,
            and_(
                GuildMember.guild_id == LevelDay.guild_id,
                GuildMember.user_id == LevelDay.user_id,
            ),
        )
        .where(LevelDay.guild_id == guild_id, LevelDay.day >= since, GuildMember.left_at.is_(None))
        .group_by(LevelDay.user_id)
        .having(func.sum(LevelDay.xp) > 0)
        .subquery()
    )
    place = func.row_number().over(order_by=(totals.c.xp.desc(), totals.c.user_id))
    places = select(totals.c.user_id, place.label("place")).subquery()
    return await session.scalar(select(places.c.place).where(places.c.user_id == user_id))


async def get_day(session: AsyncSession, guild_id: int, user_id: int, day: date) -> tuple[int, int]:
    """Return what a member has earned on a day, and how many minutes they talked."""
    found = await session.get(LevelDay, (guild_id, user_id, day))
    return (found.xp, found.voice_minutes) if found else (0, 0)


async def count_ranked(session: AsyncSession) -> int:
    """Return how many memberships have experience in the guilds that the bot is in."""
    query = (
        select(func.count())
        .select_from(GuildMember)
        .join(Guild, Guild.id == GuildMember.guild_id)
        .where(GuildMember.xp > 0, GuildMember.left_at.is_(None), Guild.left_at.is_(None))
    )
    return await session.scalar(query) or 0
