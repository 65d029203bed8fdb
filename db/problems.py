"""Problems of features in a guild: open until solved, and told once.

A row is one problem for good: when it comes back, the same row opens again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, String, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Json, Snowflake, UtcDateTime
from db.statements import count_changed, insert_for


class Problem(Base):
    """One problem: `subject` is the thing it is about; `message` and `fix` are texts as JSON.

    `reported` problems were met while working and are solved by whoever reported them; the others
    were found by looking and are solved when they are not found any more.
    """

    __tablename__ = "problems"
    __table_args__ = (Index(None, "guild_id", "solved_at"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    feature: Mapped[str] = mapped_column(String(64), primary_key=True)
    cause: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    message: Mapped[dict[str, Any]] = mapped_column(Json)
    fix: Mapped[dict[str, Any]] = mapped_column(Json)
    reported: Mapped[bool]
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class ProblemKey:
    """What makes a problem the same as another."""

    guild_id: int
    feature: str
    cause: str
    subject: str


async def open_problem(
    session: AsyncSession,
    key: ProblemKey,
    *,
    message: dict[str, Any],
    fix: dict[str, Any],
    reported: bool,
    now: datetime,
) -> bool:
    """Record a problem, or open it again; False when it is open already."""
    found = {"message": message, "fix": fix, "reported": reported, "found_at": now}
    insert = insert_for(session, Problem).values(
        guild_id=key.guild_id, feature=key.feature, cause=key.cause, subject=key.subject, **found
    )
    statement = insert.on_conflict_do_update(
        index_elements=["guild_id", "feature", "cause", "subject"],
        set_={**found, "solved_at": None},
        where=Problem.solved_at.is_not(None),
    )
    return await count_changed(session, statement) == 1


async def has_open_problem(session: AsyncSession, key: ProblemKey) -> bool:
    """Tell whether a problem is on record and not solved."""
    query = select(Problem.solved_at).where(_is(key), Problem.solved_at.is_(None))
    return (await session.execute(query)).first() is not None


async def solve_problems(
    session: AsyncSession, keys: Sequence[ProblemKey], *, now: datetime
) -> Sequence[Problem]:
    """Mark those of the problems that are open as solved, and return them."""
    if not keys:
        return ()
    statement = (
        update(Problem)
        .where(or_(*map(_is, keys)), Problem.solved_at.is_(None))
        .values(solved_at=now)
        .returning(Problem)
    )
    return (await session.scalars(statement)).all()


async def claim_untold(
    session: AsyncSession, guild_id: int, *, now: datetime, again_after: datetime
) -> Sequence[Problem]:
    """Mark a guild's untold open problems as told, and return them to the one who is to tell.

    One that was solved and came back is told again if it was last told before `again_after`.
    """
    untold = or_(
        Problem.told_at.is_(None),
        (Problem.told_at < Problem.found_at) & (Problem.told_at < again_after),
    )
    statement = (
        update(Problem)
        .where(Problem.guild_id == guild_id, Problem.solved_at.is_(None), untold)
        .values(told_at=now)
        .returning(Problem)
    )
    return (await session.scalars(statement)).all()


async def list_guilds_with(session: AsyncSession, feature: str, cause: str) -> frozenset[int]:
    """Return the guilds in which a problem of this kind is open."""
    query = select(Problem.guild_id).where(
        Problem.feature == feature, Problem.cause == cause, Problem.solved_at.is_(None)
    )
    return frozenset((await session.scalars(query)).all())


async def list_open_problems(
    session: AsyncSession, guild_ids: Collection[int]
) -> Sequence[Problem]:
    """Return the guilds' open problems, by guild, feature and the time they were found."""
    query = select(Problem).where(Problem.guild_id.in_(guild_ids), Problem.solved_at.is_(None))
    order = (Problem.guild_id, Problem.feature, Problem.found_at)
    return (await session.scalars(query.order_by(*order))).all()


def _is(key: ProblemKey) -> ColumnElement[bool]:
    return (
        (Problem.guild_id == key.guild_id)
        & (Problem.feature == key.feature)
        & (Problem.cause == key.cause)
        & (Problem.subject == key.subject)
    )
