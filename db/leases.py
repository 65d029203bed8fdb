"""Work that one process at a time holds on lease: the columns and rules that jobs and outbox share.

A claim is a compare-and-set in the database. Whoever settles a claim must still hold it, so a
process that was slow or paused can't undo what its successor did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    Text,
    and_,
    delete,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Json, RowId, Snowflake, UtcDateTime
from db.statements import count_changed, table_of


class WorkState(StrEnum):
    """Where a piece of work stands; a job ends as done, a message as sent."""

    PENDING = "pending"
    RUNNING = "running"
    PARKED = "parked"
    # Its guild is not there: it waits until the bot is back.
    SUSPENDED = "suspended"
    DONE = "done"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (WorkState.PENDING, WorkState.RUNNING, WorkState.PARKED, WorkState.SUSPENDED)
FINAL_STATES = (WorkState.DONE, WorkState.SENT, WorkState.FAILED, WorkState.CANCELLED)


class Leased(Base):
    """The columns of a table whose rows are claimed, worked on and settled."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    guild_id: Mapped[int | None] = mapped_column(Snowflake)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16), default=WorkState.PENDING)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Grows with every claim and is never set back: it tells one claim from the next.
    lease_token: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    park_reason: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


L = TypeVar("L", bound=Leased)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows may still need somebody, and since when the longest-waiting one is due."""

    pending: int = 0
    running: int = 0
    parked: int = 0
    suspended: int = 0
    failed: int = 0
    overdue_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shards:
    """The share of all guilds that one process serves; what has no guild is everybody's."""

    ids: frozenset[int]
    count: int


async def claim_due(
    session: AsyncSession,
    table: type[L],
    *,
    now: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    filters: Sequence[ColumnElement[bool]] = (),
    **values: Any,
) -> Sequence[L]:
    """Claim up to `limit` rows that are due, or whose last claimer let the lease run out.

    No row is ever given to two claimers at once. The rows come back in the order they fell due.
    `values` are set along with the claim.
    """
    due = and_(_is_due(table, now), *filters)
    # In an expression of its own the choice is made once; inside IN PostgreSQL may repeat it and
    # claim more than the limit.
    chosen = (
        select(table.id)
        .where(due)
        .order_by(table.due_at, table.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    statement = (
        update(table)
        .where(table.id.in_(select(chosen.c.id)), due)
        .values(
            state=WorkState.RUNNING,
            attempts=table.attempts + 1,
            lease_owner=owner,
            lease_until=now + lease,
            lease_token=table.lease_token + 1,
            park_reason=None,
            **values,
        )
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = (await session.scalars(statement)).all()
    return sorted(rows, key=lambda row: (row.due_at, row.id))


async def settle(
    session: AsyncSession,
    row: Leased,
    state: WorkState,
    *,
    filters: Sequence[ColumnElement[bool]] = (),
    **values: Any,
) -> bool:
    """Move a claimed row on to another state; False when the claim is no longer the caller's.

    False also when the row does not match the filters.
    """
    values = {"lease_owner": None, "lease_until": None} | values
    return await _change_claimed(session, row, filters, state=state, **values)


async def extend_lease(session: AsyncSession, row: Leased, until: datetime) -> bool:
    """Keep a claimed row until a later instant; False when the claim is no longer the caller's."""
    return await _change_claimed(session, row, lease_until=until)


async def resume(
    session: AsyncSession, table: type[Leased], *filters: ColumnElement[bool], now: datetime
) -> int:
    """Make parked rows due now, with their attempts counted afresh; return how many."""
    statement = (
        update(table)
        .where(table.state == WorkState.PARKED, *filters)
        .values(state=WorkState.PENDING, due_at=now, attempts=0, park_reason=None)
    )
    return await count_changed(session, statement)


async def cancel(
    session: AsyncSession, table: type[Leased], *filters: ColumnElement[bool], **values: Any
) -> int:
    """Cancel rows that have not ended; return how many.

    One that runs right now is cancelled too: its claimer can't settle it any more.
    """
    values = {"state": WorkState.CANCELLED, "lease_owner": None, "lease_until": None} | values
    statement = update(table).where(table.state.in_(OPEN_STATES), *filters).values(**values)
    return await count_changed(session, statement)


async def get_next_due(
    session: AsyncSession, table: type[Leased], *filters: ColumnElement[bool]
) -> datetime | None:
    """Return when a row can next be claimed: its due time, or the end of a lease."""
    earliest = [
        select(func.min(column)).where(table.state == state, *filters).scalar_subquery()
        for state, column in (
            (WorkState.PENDING, table.due_at),
            (WorkState.RUNNING, table.lease_until),
        )
    ]
    instants = (await session.execute(select(*earliest))).one()
    return min((instant for instant in instants if instant is not None), default=None)


async def get_backlog(
    session: AsyncSession, table: type[Leased], now: datetime, *filters: ColumnElement[bool]
) -> Backlog:
    """Return how a table's work stands; the filters say what counts as overdue.

    What ended well is not counted: it is nearly all of the table, and no index would help.
    """
    counted = table.state.in_((*OPEN_STATES, WorkState.FAILED))
    query = select(table.state, func.count()).where(counted).group_by(table.state)
    counts: dict[str, int] = dict((await session.execute(query)).all())
    overdue = select(func.min(table.due_at)).where(
        table.state == WorkState.PENDING, table.due_at <= now, *filters
    )
    return Backlog(**counts, overdue_since=await session.scalar(overdue))


async def delete_settled(session: AsyncSession, table: type[Leased], *filters: Any) -> int:
    """Delete rows that have ended and match the filters; return how many."""
    statement = delete(table).where(table.state.in_(FINAL_STATES), *filters)
    return await count_changed(session, statement)


def is_of_shards(table: type[Base], shards: Shards | None) -> list[ColumnElement[bool]]:
    """Return the filter for what a process works on; none when it has every shard.

    The table has a column `guild_id`; what has no guild there is everybody's.
    """
    return is_guild_of_shards(table_of(table).c.guild_id, shards)


def is_guild_of_shards(
    guild_id: ColumnElement[Any], shards: Shards | None
) -> list[ColumnElement[bool]]:
    """Return the filter of `is_of_shards` for any column of guilds' ids."""
    if shards is None:
        return []
    # The shard of a guild: https://discord.com/developers/docs/events/gateway#sharding
    # The 22 is spelled out because a bound one would be a bigint, which PostgreSQL can't shift by.
    number = type_coerce(guild_id, BigInteger)
    shard = number.bitwise_rshift(literal_column("22")) % shards.count
    return [or_(guild_id.is_(None), shard.in_(sorted(shards.ids)))]


def matching(table: type[Leased], **values: Any) -> list[ColumnElement[bool]]:
    """Return filters for the columns' values; a value of None asks for nothing."""
    return [getattr(table, name) == value for name, value in values.items() if value is not None]


def _is_due(table: type[Leased], now: datetime) -> ColumnElement[bool]:
    waiting = and_(table.state == WorkState.PENDING, table.due_at <= now)
    abandoned = and_(table.state == WorkState.RUNNING, table.lease_until <= now)
    return or_(waiting, abandoned)


async def _change_claimed(
    session: AsyncSession, row: Leased, filters: Sequence[ColumnElement[bool]] = (), **values: Any
) -> bool:
    table = table_of(type(row))
    statement = (
        update(table)
        .where(
            table.c.id == row.id,
            table.c.state == WorkState.RUNNING,
            table.c.lease_token == row.lease_token,
            *filters,
        )
        .values(**values)
    )
    return await count_changed(session, statement) == 1
