"""All experience of members, as staff, files and changed rules see it: held, then written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.guilds import GuildMember
from db.levels import MEMBER_KEY, Member, Total, chunked
from db.statements import count_changed, insert_for, table_of


async def lock_totals(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> dict[int, Total]:
    """Return what members have, held until the transaction ends."""
    found: dict[int, Total] = {}
    for chunk in chunked(sorted(user_ids)):
        query = (
            select(GuildMember.guild_id, GuildMember.user_id, GuildMember.xp, GuildMember.level)
            .where(GuildMember.guild_id == guild_id, GuildMember.user_id.in_(chunk))
            .order_by(GuildMember.user_id)
            .with_for_update()
        )
        found |= {row[1]: Total(*row) for row in await session.execute(query)}
    return found


async def ensure_members(
    session: AsyncSession,
    guild_id: int,
    user_ids: Collection[int],
    *,
    now: datetime,
    gone: Collection[int] = (),
) -> None:
    """See that each of these people has a row to hold; who has none has joined, or left, now."""
    insert = insert_for(session, table_of(GuildMember))
    statement = insert.on_conflict_do_nothing(index_elements=list(MEMBER_KEY))
    rows = [
        {
            "guild_id": guild_id,
            "user_id": one,
            "xp": 0,
            "level": 0,
            "joined_at": now,
            "left_at": now if one in gone else None,
        }
        for one in sorted(user_ids)
    ]
    if rows:
        await session.execute(statement, rows)


async def set_totals(session: AsyncSession, totals: Sequence[Total]) -> None:
    """Store what members are to have, whose rows the caller holds."""
    if not totals:
        return
    statement = (
        update(table_of(GuildMember))
        .where(GuildMember.guild_id == bindparam("guild"), GuildMember.user_id == bindparam("user"))
        .values(xp=bindparam("total"), level=bindparam("reached"))
    )
    rows = [
        {"guild": one.guild_id, "user": one.user_id, "total": one.xp, "reached": one.level}
        for one in totals
    ]
    await session.execute(statement, rows)


async def note_gone(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], now: datetime
) -> None:
    """Note that people are no members, whose leaving was not seen."""
    for chunk in chunked(user_ids):
        statement = update(GuildMember).where(
            GuildMember.guild_id == guild_id,
            GuildMember.user_id.in_(chunk),
            GuildMember.left_at.is_(None),
        )
        await count_changed(session, statement.values(left_at=now))


async def list_earners(
    session: AsyncSession, guild_id: int, *, after: int, limit: int
) -> list[Total]:
    """Return members who are there and have experience, by id, those with higher ids than one."""
    query = (
        select(GuildMember.guild_id, GuildMember.user_id, GuildMember.xp, GuildMember.level)
        .where(
            GuildMember.guild_id == guild_id,
            GuildMember.user_id > after,
            GuildMember.left_at.is_(None),
            or_(GuildMember.xp > 0, GuildMember.level > 0),
        )
        .order_by(GuildMember.user_id)
        .limit(limit)
    )
    return [Total(*row) for row in await session.execute(query)]


async def list_totals(session: AsyncSession, members: Collection[Member]) -> list[Total]:
    """Return what those of the members have who have any experience."""
    found: list[Total] = []
    for chunk in chunked(members):
        query = select(
            GuildMember.guild_id, GuildMember.user_id, GuildMember.xp, GuildMember.level
        ).where(tuple_(GuildMember.guild_id, GuildMember.user_id).in_(chunk), GuildMember.xp > 0)
        found += [Total(*row) for row in await session.execute(query)]
    return found
