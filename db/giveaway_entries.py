"""Entries of giveaways: who is in, who may not be, how much they wrote.

An entry is only made and taken back while its giveaway's row is held, so nothing comes in after the
status has changed: on PostgreSQL by a row lock that others share, on SQLite by its one writer.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Executable,
    Integer,
    String,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import Snowflake, UtcDateTime
from db.giveaways import (
    ACTIVE,
    PAUSED,
    Giveaway,
    GiveawayBlock,
    GiveawayEntry,
    GiveawayMessages,
)
from db.guilds import GuildMember
from db.statements import count_changed, insert_for, table_of


@dataclass(frozen=True, slots=True)
class Look:
    """A giveaway as one person finds it; `weight` is that of their entry, `None` without one.

    `item_entries` is how much of it items that they have used give.
    """

    giveaway: Giveaway
    weight: int | None
    item_entries: int
    is_blocked: bool
    level: int
    messages: int


@dataclass(frozen=True, slots=True)
class Activity:
    """Somebody's level, and how many messages of theirs count for a giveaway."""

    level: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is stored of somebody who enters."""

    giveaway_id: uuid.UUID
    user_id: int
    salt: str
    digest: str
    weight: int


# Thousands press the button in a moment: what is the same for all is put together once.
_GIVEAWAY, _USER = bindparam("giveaway", type_=Uuid()), bindparam("user", type_=Snowflake())
_NOW = bindparam("now", type_=UtcDateTime())
_LOOK = (
    select(
        Giveaway,
        GiveawayEntry.weight,
        GiveawayEntry.item_entries,
        GiveawayBlock.user_id,
        GuildMember.level,
        GiveawayMessages.count,
    )
    .outerjoin(
        GiveawayEntry,
        and_(GiveawayEntry.giveaway_id == Giveaway.id, GiveawayEntry.user_id == _USER),
    )
    .outerjoin(
        GiveawayBlock,
        and_(GiveawayBlock.guild_id == Giveaway.guild_id, GiveawayBlock.user_id == _USER),
    )
    .outerjoin(
        GuildMember,
        and_(GuildMember.guild_id == Giveaway.guild_id, GuildMember.user_id == _USER),
    )
    .outerjoin(
        GiveawayMessages,
        and_(GiveawayMessages.giveaway_id == Giveaway.id, GiveawayMessages.user_id == _USER),
    )
    .where(Giveaway.id == _GIVEAWAY)
)
_OPEN = select(Giveaway.id).where(
    Giveaway.id == _GIVEAWAY,
    Giveaway.status == ACTIVE,
    Giveaway.ends_at.is_(None) | (Giveaway.ends_at > _NOW),
)
_GOING_ON = (
    select(Giveaway.id)
    .where(Giveaway.id == _GIVEAWAY, Giveaway.status.in_((ACTIVE, PAUSED)))
    .with_for_update(read=True)
)
_DELETE = (
    delete(GiveawayEntry)
    .where(GiveawayEntry.giveaway_id == _GIVEAWAY, GiveawayEntry.user_id == _USER)
    .returning(GiveawayEntry.id)
    .execution_options(synchronize_session=False)
)
_DELETE_PLAIN = _DELETE.where(GiveawayEntry.item_entries == 0)


@functools.cache
def _insert(dialect: str) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    unchanged = _OPEN.where(Giveaway.revision == bindparam("seen", type_=Integer()))
    values = unchanged.with_for_update(read=True).with_only_columns(
        _GIVEAWAY,
        _USER,
        bindparam("salt", type_=String()),
        bindparam("digest", type_=String()),
        bindparam("weight", type_=Integer()),
        _NOW,
        maintain_column_froms=True,
    )
    columns = ["giveaway_id", "user_id", "salt", "digest", "weight", "entered_at"]
    return (
        insert(table_of(GiveawayEntry))
        .from_select(columns, values)
        .on_conflict_do_nothing(index_elements=["giveaway_id", "user_id"])
        .returning(table_of(GiveawayEntry).c.id)
    )


async def get_look(session: AsyncSession, giveaway_id: uuid.UUID, user_id: int) -> Look | None:
    """Return all that the database knows of a person before a giveaway, with one query."""
    row = (await session.execute(_LOOK, {"giveaway": giveaway_id, "user": user_id})).one_or_none()
    if row is None:
        return None
    giveaway, weight, of_items, blocked, level, messages = row
    return Look(giveaway, weight, of_items or 0, blocked is not None, level or 0, messages or 0)


async def add_entry(session: AsyncSession, entry: NewEntry, now: datetime, *, seen: int) -> bool:
    """Enter somebody into a giveaway that is open and was not changed since the revision `seen`.

    False when it is not, or they are in: what it asks for may be another thing by now.
    One statement that shares the giveaway's row with other entries and with no change of status.
    """
    values = {
        "giveaway": entry.giveaway_id,
        "user": entry.user_id,
        "salt": entry.salt,
        "digest": entry.digest,
        "weight": entry.weight,
        "now": now,
        "seen": seen,
    }
    return await session.scalar(_insert(session.get_bind().dialect.name), values) is not None


async def hold_open(session: AsyncSession, giveaway_id: uuid.UUID, now: datetime) -> bool:
    """Keep all others from entering until the commit; False when the giveaway is not open."""
    values = {"giveaway": giveaway_id, "now": now}
    return await session.scalar(_OPEN.with_for_update(), values) is not None


async def remove_entry(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, *, with_items: bool = False
) -> bool:
    """Take back an entry while the giveaway goes on; False when it does not, or there is none.

    One for which items were used stays unless `with_items` says that they are given back.
    """
    if await session.scalar(_GOING_ON, {"giveaway": giveaway_id}) is None:
        return False
    values = {"giveaway": giveaway_id, "user": user_id}
    return await session.scalar(_DELETE if with_items else _DELETE_PLAIN, values) is not None


async def change_weight(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, weight: int, now: datetime
) -> int | None:
    """Give an entry another weight, beside what items give it, while the giveaway is open.

    Return what it weighs in all, `None` where it is not open or there is no entry.
    """
    held = _OPEN.with_for_update(read=True)
    if await session.scalar(held, {"giveaway": giveaway_id, "now": now}) is None:
        return None
    statement = (
        update(GiveawayEntry)
        .where(GiveawayEntry.giveaway_id == giveaway_id, GiveawayEntry.user_id == user_id)
        .values(weight=weight + GiveawayEntry.item_entries)
        .returning(GiveawayEntry.weight)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement)


async def count_entries(session: AsyncSession, giveaway_id: uuid.UUID) -> int:
    """Return how many persons have entered."""
    query = select(func.count()).select_from(GiveawayEntry)
    query = query.where(GiveawayEntry.giveaway_id == giveaway_id)
    return (await session.execute(query)).scalar_one()


async def count_people(session: AsyncSession, giveaway_id: uuid.UUID) -> int:
    """Return how many have entered and are known: whose data was erased takes no place any more."""
    query = select(func.count()).where(
        GiveawayEntry.giveaway_id == giveaway_id, GiveawayEntry.user_id.is_not(None)
    )
    return await session.scalar(query) or 0


async def list_entrants(
    session: AsyncSession, giveaway_id: uuid.UUID, *, offset: int, limit: int
) -> Sequence[tuple[int | None, int]]:
    """Return persons with their weights, the first to enter first; `None` for who was erased."""
    query = (
        select(GiveawayEntry.user_id, GiveawayEntry.weight)
        .where(GiveawayEntry.giveaway_id == giveaway_id)
        .order_by(GiveawayEntry.id)
        .offset(offset)
        .limit(limit)
    )
    return [(user_id, weight) for user_id, weight in await session.execute(query)]


# --- messages -------------------------------------------------------------------------------------


async def list_counting(session: AsyncSession) -> Sequence[tuple[int, uuid.UUID]]:
    """Return guild and id of the giveaways that go on and ask for messages."""
    query = select(Giveaway.guild_id, Giveaway.id).where(
        Giveaway.status.in_((ACTIVE, PAUSED)),
        Giveaway.requirements["messages"].as_integer() > 0,
    )
    return [(guild_id, giveaway_id) for guild_id, giveaway_id in await session.execute(query)]


async def add_messages(session: AsyncSession, counts: Mapping[tuple[uuid.UUID, int], int]) -> None:
    """Add to the numbers of messages that people wrote."""
    table = table_of(GiveawayMessages)
    insert = insert_for(session, table)
    statement = insert.on_conflict_do_update(
        index_elements=["giveaway_id", "user_id"],
        set_={"count": table.c.count + insert.excluded.count},
    )
    rows = [
        {"giveaway_id": giveaway_id, "user_id": user_id, "count": count}
        # In order, so that two processes can't wait for each other.
        for (giveaway_id, user_id), count in sorted(counts.items())
    ]
    await session.execute(statement, rows)


# --- who may not ----------------------------------------------------------------------------------


async def add_block(
    session: AsyncSession,
    guild_id: int,
    user_id: int,
    *,
    reason: str | None,
    blocked_by: int,
    now: datetime,
) -> bool:
    """Block a person from a guild's giveaways; False when they were, and stay as they were."""
    statement = (
        insert_for(session, GiveawayBlock)
        .values(
            guild_id=guild_id,
            user_id=user_id,
            reason=reason,
            blocked_by=blocked_by,
            blocked_at=now,
        )
        .on_conflict_do_nothing(index_elements=["guild_id", "user_id"])
    )
    return await count_changed(session, statement) == 1


async def remove_block(session: AsyncSession, guild_id: int, user_id: int) -> bool:
    """Block a person no more; False when they were not."""
    statement = delete(GiveawayBlock).where(
        GiveawayBlock.guild_id == guild_id, GiveawayBlock.user_id == user_id
    )
    return await count_changed(session, statement) == 1


async def get_block(session: AsyncSession, guild_id: int, user_id: int) -> GiveawayBlock | None:
    """Return how a person is blocked."""
    return await session.get(GiveawayBlock, (guild_id, user_id), populate_existing=True)


async def list_blocks_below(
    session: AsyncSession, guild_id: int, before: int | None, *, limit: int
) -> Sequence[GiveawayBlock]:
    """Return who is blocked by their ids, the greatest first, from below one on."""
    query = select(GiveawayBlock).where(GiveawayBlock.guild_id == guild_id)
    if before is not None:
        query = query.where(GiveawayBlock.user_id < before)
    return (await session.scalars(query.order_by(GiveawayBlock.user_id.desc()).limit(limit))).all()


async def list_blocks(
    session: AsyncSession, guild_id: int, *, limit: int = 1000
) -> Sequence[GiveawayBlock]:
    """Return who is blocked, the latest first."""
    query = (
        select(GiveawayBlock)
        .where(GiveawayBlock.guild_id == guild_id)
        .order_by(GiveawayBlock.blocked_at.desc(), GiveawayBlock.user_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def list_blocked_among(
    session: AsyncSession, guild_id: int, user_ids: Sequence[int]
) -> frozenset[int]:
    """Return those of these persons who are blocked."""
    query = select(GiveawayBlock.user_id).where(
        GiveawayBlock.guild_id == guild_id, GiveawayBlock.user_id.in_(user_ids)
    )
    return frozenset(await session.scalars(query))


async def map_activity(
    session: AsyncSession, giveaway_id: uuid.UUID, guild_id: int, user_ids: Sequence[int]
) -> Mapping[int, Activity]:
    """Return what these persons have done, as far as anything is known of them."""
    levels = select(GuildMember.user_id, GuildMember.level).where(
        GuildMember.guild_id == guild_id, GuildMember.user_id.in_(user_ids)
    )
    counts = select(GiveawayMessages.user_id, GiveawayMessages.count).where(
        GiveawayMessages.giveaway_id == giveaway_id, GiveawayMessages.user_id.in_(user_ids)
    )
    level_of = {row[0]: row[1] for row in await session.execute(levels)}
    count_of = {row[0]: row[1] for row in await session.execute(counts)}
    return {
        one: Activity(level_of.get(one) or 0, count_of.get(one, 0))
        for one in {*level_of, *count_of}
    }
