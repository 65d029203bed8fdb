"""Visits: who joined and what became of the greeting, so that it happens once whatever is repeated.

Rows serve for hours only: until the person has passed screening, a raid is over, a replay is past.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, Select, String, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class WelcomeVisit(Base):
    """One stay of one person in a guild; `decided_at` is when it was last decided what to say.

    Where the join was not seen, `joined_at` is the beginning of the day of the departure.
    """

    __tablename__ = "welcome_visits"
    __table_args__ = (
        Index(None, "guild_id", "state", "decided_at"),
        Index(None, "state", "joined_at"),
        Index(None, "decided_at"),
    )

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WelcomeTurn(Base):
    """How many messages of one kind a guild was sent, for texts that are used in turn."""

    __tablename__ = "welcome_turns"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    sent: Mapped[int] = mapped_column(Integer, default=0)


# In the place of a kind of message: the row that a guild's transactions line up at.
_LOCK = ""


async def add_visit(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    joined_at: datetime,
    name: str,
    kind: str,
    state: str,
    now: datetime,
) -> bool:
    """Add a visit; False when this very join is on record already."""
    statement = insert_for(session, WelcomeVisit).values(
        guild_id=guild_id,
        user_id=user_id,
        joined_at=joined_at,
        name=name,
        kind=kind,
        state=state,
        decided_at=now,
    )
    return await count_changed(session, statement.on_conflict_do_nothing()) == 1


async def claim_visit(
    session: AsyncSession,
    guild_id: int,
    user_id: int,
    *,
    expected: str,
    state: str,
    now: datetime,
) -> WelcomeVisit | None:
    """Move a person's visit on from the expected state and return it; None when in another."""
    statement = (
        update(WelcomeVisit)
        .where(
            WelcomeVisit.guild_id == guild_id,
            WelcomeVisit.user_id == user_id,
            WelcomeVisit.state == expected,
        )
        .values(state=state, decided_at=now)
        .returning(WelcomeVisit)
    )
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    # Of an earlier stay whose end was not seen, a row may be left.
    return max(rows, key=lambda row: row.joined_at, default=None)


async def claim_visits(
    session: AsyncSession, guild_id: int, *, expected: str, state: str
) -> Sequence[WelcomeVisit]:
    """Move all of a guild's visits in one state to another and return them, oldest join first."""
    statement = (
        update(WelcomeVisit)
        .where(WelcomeVisit.guild_id == guild_id, WelcomeVisit.state == expected)
        .values(state=state)
        .returning(WelcomeVisit)
    )
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return sorted(rows, key=lambda row: (row.joined_at, row.user_id))


async def end_visits(
    session: AsyncSession, guild_id: int, user_id: int, *, state: str, now: datetime
) -> int:
    """Move all of a person's visits to a guild to the state that ends them; return how many."""
    statement = update(WelcomeVisit).where(
        WelcomeVisit.guild_id == guild_id,
        WelcomeVisit.user_id == user_id,
        WelcomeVisit.state != state,
    )
    return await count_changed(session, statement.values(state=state, decided_at=now))


async def get_last_visit(session: AsyncSession, guild_id: int, user_id: int) -> WelcomeVisit | None:
    """Return a person's latest visit that is still on record."""
    query = (
        select(WelcomeVisit)
        .where(WelcomeVisit.guild_id == guild_id, WelcomeVisit.user_id == user_id)
        .order_by(WelcomeVisit.joined_at.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def count_visits(
    session: AsyncSession, guild_id: int, *, states: Sequence[str], since: datetime
) -> int:
    """Return how many visits went into one of the states since an instant."""
    query = _recent(select(func.count()), guild_id, states, since)
    return await session.scalar(query) or 0


async def count_short_stays(
    session: AsyncSession, guild_id: int, *, state: str, since: datetime, except_kind: str
) -> int:
    """Return how many visits both began and went into a state since an instant.

    Those of one kind, the stand-ins for joins that were not seen, are left out.
    """
    query = _recent(select(func.count()), guild_id, [state], since).where(
        WelcomeVisit.joined_at > since, WelcomeVisit.kind != except_kind
    )
    return await session.scalar(query) or 0


async def list_visits(
    session: AsyncSession, guild_id: int, *, state: str, since: datetime
) -> Sequence[WelcomeVisit]:
    """Return a guild's visits that went into a state since an instant."""
    query = _recent(select(WelcomeVisit), guild_id, [state], since)
    return (await session.scalars(query)).all()


async def move_visits(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], *, expected: str, state: str
) -> int:
    """Move these people's visits from the expected state to another; return how many."""
    statement = update(WelcomeVisit).where(
        WelcomeVisit.guild_id == guild_id,
        WelcomeVisit.user_id.in_(user_ids),
        WelcomeVisit.state == expected,
    )
    return await count_changed(session, statement.values(state=state))


def _recent(
    query: Select[Any], guild_id: int, states: Sequence[str], since: datetime
) -> Select[Any]:
    return query.where(
        WelcomeVisit.guild_id == guild_id,
        WelcomeVisit.state.in_(states),
        WelcomeVisit.decided_at > since,
    )


async def list_waiting(
    session: AsyncSession, *, state: str, since: datetime, limit: int
) -> Sequence[tuple[int, int, datetime]]:
    """Return the guild id, user id and join of the latest visits in a state, oldest first."""
    query = (
        select(WelcomeVisit.guild_id, WelcomeVisit.user_id, WelcomeVisit.joined_at)
        .where(WelcomeVisit.state == state, WelcomeVisit.joined_at > since)
        .order_by(WelcomeVisit.joined_at.desc())
        .limit(limit)
    )
    rows = (await session.execute(query)).all()
    return [(guild_id, user_id, joined_at) for guild_id, user_id, joined_at in reversed(rows)]


async def delete_old_visits(
    session: AsyncSession, *, before: datetime, waiting: str, waiting_before: datetime
) -> int:
    """Delete visits from before an instant, those that wait only from before another."""
    statement = delete(WelcomeVisit).where(
        WelcomeVisit.decided_at < before,
        or_(WelcomeVisit.state != waiting, WelcomeVisit.decided_at < waiting_before),
    )
    return await count_changed(session, statement)


async def lock_guild(session: AsyncSession, guild_id: int) -> None:
    """Wait for every other transaction that locked the guild, until this one ends.

    What the caller reads afterwards has all that those have written. SQLite's write transactions
    wait for each other anyway; there as on PostgreSQL the lock is a row.
    """
    insert = insert_for(session, WelcomeTurn).values(guild_id=guild_id, kind=_LOCK, sent=0)
    await session.execute(
        insert.on_conflict_do_update(index_elements=["guild_id", "kind"], set_={"sent": 0})
    )


async def claim_turn(session: AsyncSession, guild_id: int, kind: str) -> int:
    """Count one more message of a kind and return how many were sent before it."""
    insert = insert_for(session, WelcomeTurn).values(guild_id=guild_id, kind=kind, sent=1)
    statement = insert.on_conflict_do_update(
        index_elements=["guild_id", "kind"], set_={"sent": WelcomeTurn.sent + 1}
    ).returning(WelcomeTurn.sent)
    return (await session.execute(statement)).scalar_one() - 1
