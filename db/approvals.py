"""Requests for a second approval: what somebody wants done to many, and who decided on it.

Whom a request is about is kept until it is settled, then forgotten: what was done has cases.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import FORGET_PERSON, Base, Erasure, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

OPEN = "open"
APPROVED = "approved"
REFUSED = "refused"
EXPIRED = "expired"
DONE = "done"

# The state of a subject for as long as there is one.
WANTED = "wanted"


class Approval(Base):
    """A request; `dedupe_key` names the occasion, `payload` holds ids and numbers for its kind."""

    __tablename__ = "approvals"
    __table_args__ = (Index(None, "guild_id", "state"), Index(None, "made_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    kind: Mapped[str] = mapped_column(String(64))
    dedupe_key: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    requested_by: Mapped[int | None] = mapped_column(
        Snowflake,
        index=True,
        info=person(
            Erasure(clears=("requester_name", "reason"), kept_while=("state", (OPEN, APPROVED)))
        ),
    )
    requester_name: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    count: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[dict[str, Any] | None] = mapped_column(Json)
    card_channel_id: Mapped[int] = mapped_column(Snowflake)
    revision: Mapped[int] = mapped_column(Integer)


class ApprovalSubject(Base):
    """Somebody to whom a request is to be done; erasing is no way out of it."""

    __tablename__ = "approval_subjects"

    approval_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake,
        primary_key=True,
        autoincrement=False,
        index=True,
        info=person(Erasure(deletes=True, kept_while=("state", (WANTED,)))),
    )
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))


async def open_approval(session: AsyncSession, **values: Any) -> Approval | None:
    """Add a request; `None` when its key is taken."""
    statement = (
        insert_for(session, Approval)
        .values(state=OPEN, revision=0, **values)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Approval)
    )
    return await session.scalar(statement)


async def add_subjects(
    session: AsyncSession, approval_id: int, people: Sequence[tuple[int, str]]
) -> None:
    """Add those to whom it is to be done."""
    rows = [
        {"approval_id": approval_id, "user_id": who, "name": name[:100], "state": WANTED}
        for who, name in people
    ]
    await session.execute(insert(ApprovalSubject), rows)


async def list_subjects(
    session: AsyncSession, approval_id: int, *, limit: int | None = None
) -> Sequence[ApprovalSubject]:
    """Return those to whom it is to be done."""
    query = (
        select(ApprovalSubject)
        .where(ApprovalSubject.approval_id == approval_id)
        .order_by(ApprovalSubject.user_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def forget_subjects(session: AsyncSession, approval_id: int) -> None:
    """Forget those to whom it was to be done."""
    statement = delete(ApprovalSubject).where(ApprovalSubject.approval_id == approval_id)
    await count_changed(session, statement)


async def get_approval(
    session: AsyncSession, approval_id: int, *, guild_id: int | None = None
) -> Approval | None:
    """Return a request, of the guild if one is given."""
    query = select(Approval).where(Approval.id == approval_id)
    if guild_id is not None:
        query = query.where(Approval.guild_id == guild_id)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def change_approval(
    session: AsyncSession, approval_id: int, *, expected: Collection[str], **values: Any
) -> Approval | None:
    """Change a request that is in one of the expected states; `None` for another."""
    statement = (
        update(Approval)
        .where(Approval.id == approval_id, Approval.state.in_(expected))
        .values(revision=Approval.revision + 1, **values)
        .returning(Approval)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def count_open(session: AsyncSession, guild_id: int) -> int:
    """Return how many requests of a guild nobody has decided on."""
    query = select(func.count()).where(Approval.guild_id == guild_id, Approval.state == OPEN)
    return (await session.execute(query)).scalar_one()


async def delete_old_approvals(session: AsyncSession, before: datetime) -> int:
    """Delete requests made before an instant, with their subjects; return how many."""
    old = select(Approval.id).where(Approval.made_at < before)
    gone = delete(ApprovalSubject).where(ApprovalSubject.approval_id.in_(old))
    await count_changed(session, gone)
    return await count_changed(session, delete(Approval).where(Approval.made_at < before))
