"""What Autorole keeps: roles as last seen, members who wait for a role, roles given for a time.

Which roles are wanted of whom is in `db.role_wishes`; what is decided, in `cogs.autorole`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    Base,
    Erasure,
    Json,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.guilds import Guild
from db.statements import count_changed, insert_for, table_of

# A guild and a person.
Member = tuple[int, int]
_Key = TypeVar("_Key", tuple[int, int], tuple[int, int, int])
_MEMBER = ("guild_id", "user_id")
GIVEN = "given"
_AFTER_ITS_END = Erasure(deletes=True, kept_while=("state", (GIVEN,)))
# Well below the number of values that SQLite takes in one statement.
_CHUNK = 500


class KnownRoles(Base):
    """The roles that a member was last seen with, as digits.

    Of whoever has left they are kept until `kept_until`; it is NULL for members.
    """

    __tablename__ = "autorole_members"
    __table_args__ = (Index(None, "kept_until"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    role_ids: Mapped[list[str]] = mapped_column(Json)
    kept_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Waiting(Base):
    """That a member gets a join role as soon as they have another role, `for_role_id`."""

    __tablename__ = "autorole_waiting"
    __table_args__ = (Index(None, "since"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    for_role_id: Mapped[int] = mapped_column(Snowflake)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class TemporaryRole(Base):
    """A role that a member has until `ends_at`; who gave it may have been forgotten.

    The row is there for as long as the role is `GIVEN`. It is what takes the role again, so whoever
    has their data erased is erased here after it.
    """

    __tablename__ = "autorole_temporary"
    __table_args__ = (
        UniqueConstraint("guild_id", "user_id", "role_id"),
        Index(None, "guild_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_AFTER_ITS_END))
    role_id: Mapped[int] = mapped_column(Snowflake)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))


@dataclass(frozen=True, slots=True)
class EndedRole:
    """A role for a time that was removed from the record."""

    id: int
    guild_id: int
    user_id: int
    role_id: int


# --- roles as last seen --------------------------------------------------------------------------


async def put_known(session: AsyncSession, known: Mapping[Member, Collection[int]]) -> None:
    """Store which roles members who are there have; nothing is kept of those without any."""
    insert = insert_for(session, table_of(KnownRoles))
    statement = insert.on_conflict_do_update(
        index_elements=list(_MEMBER),
        set_={"role_ids": insert.excluded.role_ids, "kept_until": None},
    )
    if rows := _rows(known):
        await session.execute(statement, rows)
    key = tuple_(KnownRoles.guild_id, KnownRoles.user_id)
    for chunk in _chunks(member for member, role_ids in known.items() if not role_ids):
        await count_changed(session, delete(KnownRoles).where(key.in_(chunk)))


async def add_known(session: AsyncSession, known: Mapping[Member, Collection[int]]) -> None:
    """Store which roles members have of whom nothing is stored yet."""
    statement = insert_for(session, table_of(KnownRoles)).on_conflict_do_nothing(
        index_elements=list(_MEMBER)
    )
    if rows := _rows(known):
        await session.execute(statement, rows)


def _rows(known: Mapping[Member, Collection[int]]) -> list[dict[str, Any]]:
    # In one order for everybody, so that two transactions can't wait for each other.
    return [
        {
            "guild_id": guild_id,
            "user_id": user_id,
            "role_ids": [str(one) for one in sorted(role_ids)],
            "kept_until": None,
        }
        for (guild_id, user_id), role_ids in sorted(known.items(), key=lambda item: item[0])
        if role_ids
    ]


async def list_known(session: AsyncSession, members: Collection[Member]) -> Sequence[KnownRoles]:
    """Return the roles that members were last seen with; those never seen are left out."""
    key = tuple_(KnownRoles.guild_id, KnownRoles.user_id)
    found: list[KnownRoles] = []
    for chunk in _chunks(members):
        query = select(KnownRoles).where(key.in_(chunk))
        found += await session.scalars(query, execution_options={"populate_existing": True})
    return found


async def list_present(
    session: AsyncSession, guild_id: int, *, after: int, until: int | None
) -> frozenset[int]:
    """Return who is taken to be a member with roles, of ids after one and up to another."""
    query = select(KnownRoles.user_id).where(
        KnownRoles.guild_id == guild_id,
        KnownRoles.user_id > after,
        KnownRoles.kept_until.is_(None),
    )
    if until is not None:
        query = query.where(KnownRoles.user_id <= until)
    return frozenset(await session.scalars(query))


async def drop_known(session: AsyncSession, guild_id: int, user_id: int, role_id: int) -> None:
    """Take it that a member, who may have left, does not have a role any more."""
    mine = (KnownRoles.guild_id == guild_id, KnownRoles.user_id == user_id)
    query = select(KnownRoles.role_ids).where(*mine).with_for_update()
    had = await session.scalar(query)
    if had is not None and str(role_id) in had:
        left = [one for one in had if one != str(role_id)]
        await count_changed(session, update(KnownRoles).where(*mine).values(role_ids=left))


async def keep_until(session: AsyncSession, members: Mapping[Member, datetime]) -> None:
    """Note until when to keep the roles of members who left; unknown ones are passed over."""
    if members:
        rows = [{"guild": one[0], "user": one[1], "at": at} for one, at in members.items()]
        statement = update(table_of(KnownRoles)).where(
            KnownRoles.guild_id == bindparam("guild"), KnownRoles.user_id == bindparam("user")
        )
        await session.execute(statement.values(kept_until=bindparam("at")), rows)


async def delete_known(session: AsyncSession, guild_id: int) -> int:
    """Forget the roles of a guild's members; return of how many."""
    return await count_changed(session, delete(KnownRoles).where(KnownRoles.guild_id == guild_id))


# --- members who wait for a role -----------------------------------------------------------------


async def put_waiting(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store that members wait; what is stored already begins anew."""
    if not rows:
        return
    insert = insert_for(session, table_of(Waiting))
    statement = insert.on_conflict_do_update(
        index_elements=[*_MEMBER, "role_id"],
        set_={"for_role_id": insert.excluded.for_role_id, "since": insert.excluded.since},
    )
    ordered = sorted(rows, key=lambda row: (row["guild_id"], row["user_id"], row["role_id"]))
    await session.execute(statement, ordered)


async def list_waiting(session: AsyncSession, members: Collection[Member]) -> Sequence[Waiting]:
    """Return what these members wait for."""
    key = tuple_(Waiting.guild_id, Waiting.user_id)
    found: list[Waiting] = []
    for chunk in _chunks(members):
        found += await session.scalars(select(Waiting).where(key.in_(chunk)))
    return found


async def take_waiting(
    session: AsyncSession, due: Collection[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """End what is waited for, each a guild, a member and a join role; return what was there."""
    key = (Waiting.guild_id, Waiting.user_id, Waiting.role_id)
    taken: list[tuple[int, int, int]] = []
    for chunk in _chunks(due):
        statement = delete(Waiting).where(tuple_(*key).in_(chunk)).returning(*key)
        rows = await session.execute(statement, execution_options={"synchronize_session": False})
        taken += [(guild_id, user_id, role_id) for guild_id, user_id, role_id in rows]
    return taken


async def delete_waiting(session: AsyncSession, members: Collection[Member]) -> None:
    """End the waiting of members who have left."""
    key = tuple_(Waiting.guild_id, Waiting.user_id)
    for chunk in _chunks(members):
        await count_changed(session, delete(Waiting).where(key.in_(chunk)))


async def count_waiting(session: AsyncSession, guild_id: int, role_id: int) -> int:
    """Return how many members of a guild wait for what lets them have a join role."""
    query = select(func.count()).where(Waiting.guild_id == guild_id, Waiting.role_id == role_id)
    return await session.scalar(query) or 0


async def delete_waiting_but(
    session: AsyncSession, guild_id: int, role_ids: Collection[int]
) -> None:
    """End the waiting of a guild's members for join roles other than these."""
    others = (Waiting.guild_id == guild_id, Waiting.role_id.not_in(role_ids))
    await count_changed(session, delete(Waiting).where(*others))


# --- roles for a time ----------------------------------------------------------------------------


async def put_temporary(session: AsyncSession, values: Mapping[str, Any]) -> int:
    """Store until when a member has a role, return the row's id; a newer end replaces an older."""
    insert = insert_for(session, TemporaryRole).values(state=GIVEN, **values)
    changes = {"ends_at": insert.excluded.ends_at, "given_by": insert.excluded.given_by}
    statement = insert.on_conflict_do_update(index_elements=[*_MEMBER, "role_id"], set_=changes)
    return (await session.scalars(statement.returning(TemporaryRole.id))).one()


async def take_temporary(
    session: AsyncSession, guild_id: int, user_id: int, role_id: int
) -> EndedRole | None:
    """Remove what is stored of a role for a time; `None` when there is no such thing any more."""
    mine = (TemporaryRole.guild_id == guild_id, TemporaryRole.user_id == user_id)
    return await _take(session, *mine, TemporaryRole.role_id == role_id)


async def take_due_temporary(session: AsyncSession, row_id: int, now: datetime) -> EndedRole | None:
    """Remove a role for a time whose time is over; `None` when it is not, or was removed."""
    return await _take(session, TemporaryRole.id == row_id, TemporaryRole.ends_at <= now)


async def _take(session: AsyncSession, *filters: ColumnElement[bool]) -> EndedRole | None:
    statement = (
        delete(TemporaryRole)
        .where(*filters)
        .returning(
            TemporaryRole.id, TemporaryRole.guild_id, TemporaryRole.user_id, TemporaryRole.role_id
        )
    )
    rows = await session.execute(statement, execution_options={"synchronize_session": False})
    row = rows.one_or_none()
    return None if row is None else EndedRole(*row)


async def list_temporary(
    session: AsyncSession, guild_id: int, user_id: int | None = None, *, limit: int = 200
) -> Sequence[TemporaryRole]:
    """Return the roles for a time of a guild or a member, those that end soonest first."""
    query = select(TemporaryRole).where(TemporaryRole.guild_id == guild_id)
    if user_id is not None:
        query = query.where(TemporaryRole.user_id == user_id)
    order = (TemporaryRole.ends_at, TemporaryRole.user_id, TemporaryRole.role_id)
    return (await session.scalars(query.order_by(*order).limit(limit))).all()


async def list_temporary_of(
    session: AsyncSession, members: Collection[Member]
) -> Sequence[TemporaryRole]:
    """Return the roles for a time of these members."""
    key = tuple_(TemporaryRole.guild_id, TemporaryRole.user_id)
    found: list[TemporaryRole] = []
    for chunk in _chunks(members):
        found += await session.scalars(select(TemporaryRole).where(key.in_(chunk)))
    return found


# --- cleaning ------------------------------------------------------------------------------------


async def delete_stale(session: AsyncSession, now: datetime, *, before: datetime) -> None:
    """Delete what nobody comes back for.

    Those are roles that were kept for long enough, who has waited since before an instant, and all
    about guilds that the bot left before it.
    """
    gone = select(Guild.id).where(Guild.left_at < before)
    for statement in (
        delete(KnownRoles).where((KnownRoles.kept_until < now) | KnownRoles.guild_id.in_(gone)),
        delete(Waiting).where(Waiting.since < before),
        delete(TemporaryRole).where(TemporaryRole.guild_id.in_(gone)),
    ):
        await count_changed(session, statement)


def _chunks(keys: Iterable[_Key]) -> Iterator[list[_Key]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
