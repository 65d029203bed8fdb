"""Lockdowns: which permissions were taken where, and exactly what had been there before.

A row is written before Discord is asked for anything, so whoever takes over knows what to put back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    String,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import FORGET_PERSON, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class LockdownState(StrEnum):
    """How far a lockdown is: channels are being closed, are closed, are being opened, are open."""

    CLOSING = "closing"
    CLOSED = "closed"
    OPENING = "opening"
    ENDED = "ended"


class ChangeState(StrEnum):
    """How far one overwrite is; what was refused or is gone is not tried again while closing."""

    PLANNED = "planned"
    SET = "set"
    REFUSED = "refused"
    GONE = "gone"
    RESTORED = "restored"


class Lockdown(Base):
    """One lockdown; `open_guild_id` is the guild's id until it has ended: one at a time."""

    __tablename__ = "lockdowns"
    __table_args__ = (Index(None, "guild_id"), Index(None, "ended_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    open_guild_id: Mapped[int | None] = mapped_column(Snowflake, unique=True)
    state: Mapped[str] = mapped_column(String(16))
    raid_id: Mapped[int | None] = mapped_column(RowId)
    started_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    reason: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LockdownChange(Base):
    """What a lockdown does to one overwrite of one channel.

    `original` is the overwrite as it was, `{"allow": "…", "deny": "…"}` in Discord's own writing,
    or NULL when there was none. The masks are the bits that the lockdown allows, denies or leaves
    to the role; no bit is in two of them.
    """

    __tablename__ = "lockdown_changes"

    lockdown_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    channel_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    overwrite_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    # 0 a role, 1 a member, as Discord numbers them; members are the bot itself.
    overwrite_type: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    original: Mapped[dict[str, str] | None] = mapped_column(Json)
    allowed: Mapped[int] = mapped_column(BigInteger)
    denied: Mapped[int] = mapped_column(BigInteger)
    cleared: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))


async def open_lockdown(
    session: AsyncSession,
    *,
    guild_id: int,
    raid_id: int | None,
    started_by: int | None,
    reason: str | None,
    now: datetime,
    ends_at: datetime | None,
) -> Lockdown | None:
    """Add the guild's lockdown and return it; None while there is one that has not ended."""
    statement = (
        insert_for(session, Lockdown)
        .values(
            guild_id=guild_id,
            open_guild_id=guild_id,
            state=LockdownState.CLOSING,
            raid_id=raid_id,
            started_by=started_by,
            reason=reason,
            started_at=now,
            ends_at=ends_at,
        )
        .on_conflict_do_nothing(index_elements=["open_guild_id"])
        .returning(Lockdown)
    )
    return (await session.scalars(statement)).one_or_none()


async def add_changes(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Add what a lockdown is going to do."""
    if rows:
        await session.execute(insert(LockdownChange), list(rows))


async def get_lockdown(session: AsyncSession, lockdown_id: int) -> Lockdown | None:
    """Return a lockdown by its id."""
    return await session.get(Lockdown, lockdown_id, populate_existing=True)


async def lock_lockdown(session: AsyncSession, lockdown_id: int) -> Lockdown | None:
    """Return a lockdown, which no other transaction changes until this one ends."""
    query = select(Lockdown).where(Lockdown.id == lockdown_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_open_lockdown(session: AsyncSession, guild_id: int) -> Lockdown | None:
    """Return the guild's lockdown that has not ended."""
    return await session.scalar(select(Lockdown).where(Lockdown.open_guild_id == guild_id))


async def move_lockdown(
    session: AsyncSession,
    lockdown_id: int,
    *,
    expected: Collection[str],
    state: str,
    now: datetime,
) -> bool:
    """Move a lockdown on from one of the expected states; False when it is in another."""
    values: dict[str, Any] = {"state": state}
    if state == LockdownState.ENDED:
        values |= {"open_guild_id": None, "ended_at": now}
    statement = update(Lockdown).where(Lockdown.id == lockdown_id, Lockdown.state.in_(expected))
    return await count_changed(session, statement.values(**values)) == 1


async def list_changes(
    session: AsyncSession, lockdown_id: int, *, states: Collection[str], limit: int
) -> Sequence[LockdownChange]:
    """Return a lockdown's changes that are in one of the states, in their order."""
    query = (
        select(LockdownChange)
        .where(LockdownChange.lockdown_id == lockdown_id, LockdownChange.state.in_(states))
        .order_by(LockdownChange.position)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def mark_changes(
    session: AsyncSession, lockdown_id: int, positions: Collection[int], state: str
) -> None:
    """Note how far the changes at these positions are."""
    if positions:
        statement = update(LockdownChange).where(
            LockdownChange.lockdown_id == lockdown_id, LockdownChange.position.in_(positions)
        )
        await count_changed(session, statement.values(state=state))


async def count_changes(session: AsyncSession, lockdown_id: int) -> dict[str, int]:
    """Return how many channels a lockdown has changes of, by their state."""
    query = (
        select(LockdownChange.state, func.count(LockdownChange.channel_id.distinct()))
        .where(LockdownChange.lockdown_id == lockdown_id)
        .group_by(LockdownChange.state)
    )
    rows = (await session.execute(query)).all()
    return {str(state): int(count) for state, count in rows}


async def delete_old_lockdowns(session: AsyncSession, before: datetime) -> int:
    """Delete lockdowns that ended before an instant, with their changes; return how many."""
    old = select(Lockdown.id).where(Lockdown.ended_at < before)
    await count_changed(session, delete(LockdownChange).where(LockdownChange.lockdown_id.in_(old)))
    return await count_changed(session, delete(Lockdown).where(Lockdown.ended_at < before))
