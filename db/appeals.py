"""Appeals against cases, what staff asked about them, and how they voted.

One appeal is open at most about a case: its `open_key` is emptied when it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_RECORD,
    DELETE_ROW,
    FORGET_PERSON,
    Base,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.statements import count_changed, insert_for

OPEN = "open"
ACCEPTED = "accepted"
REJECTED = "rejected"


class Appeal(Base):
    """What somebody says against a case of theirs."""

    __tablename__ = "moderation_appeals"
    __table_args__ = (
        Index(None, "guild_id"),
        Index(None, "case_id"),
        Index(None, "state", "decided_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    case_id: Mapped[int] = mapped_column(RowId)
    case_number: Mapped[int] = mapped_column(Integer)
    open_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    # Appealing again has to wait, whatever becomes of the person's other data.
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_RECORD))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    card_channel_id: Mapped[int] = mapped_column(Snowflake)
    revision: Mapped[int] = mapped_column(Integer)


class AppealVote(Base):
    """What one of the staff thinks of an appeal; the latest counts."""

    __tablename__ = "moderation_appeal_votes"

    appeal_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    vote: Mapped[str] = mapped_column(String(16))


class AppealQuestion(Base):
    """What one of the staff asked the person who appeals; `unreached` when no message got there."""

    __tablename__ = "moderation_appeal_questions"
    __table_args__ = (Index(None, "appeal_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(RowId)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    asked_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unreached: Mapped[bool]


async def open_appeal(session: AsyncSession, values: dict[str, Any]) -> Appeal | None:
    """Open an appeal; `None` when one about its case is open already."""
    statement = (
        insert_for(session, Appeal)
        .values(state=OPEN, revision=0, **values)
        .on_conflict_do_nothing(index_elements=["open_key"])
        .returning(Appeal)
    )
    return await session.scalar(statement)


async def get_open(session: AsyncSession, open_key: str) -> Appeal | None:
    """Return the open appeal of a case."""
    return await session.scalar(select(Appeal).where(Appeal.open_key == open_key))


async def last_made(session: AsyncSession, case_id: int) -> datetime | None:
    """Return when a case was appealed last."""
    query = select(func.max(Appeal.made_at)).where(Appeal.case_id == case_id)
    return (await session.execute(query)).scalar_one()


async def get_appeal(session: AsyncSession, guild_id: int, appeal_id: int) -> Appeal | None:
    """Return an appeal of the guild."""
    return await session.scalar(
        select(Appeal).where(Appeal.id == appeal_id, Appeal.guild_id == guild_id)
    )


async def get_appeal_by_id(session: AsyncSession, appeal_id: int) -> Appeal | None:
    """Return an appeal of any guild."""
    return await session.scalar(select(Appeal).where(Appeal.id == appeal_id))


async def change_open(session: AsyncSession, appeal_id: int, **values: Any) -> Appeal | None:
    """Change an open appeal, which no other transaction changes meanwhile; `None` for others."""
    statement = (
        update(Appeal)
        .where(Appeal.id == appeal_id, Appeal.state == OPEN)
        .values(revision=Appeal.revision + 1, **values)
        .returning(Appeal)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def put_vote(session: AsyncSession, appeal_id: int, user_id: int, vote: str) -> None:
    """Have somebody's vote be this one."""
    statement = insert_for(session, AppealVote).values(
        appeal_id=appeal_id, user_id=user_id, vote=vote
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["appeal_id", "user_id"], set_={"vote": vote}
        )
    )


async def count_votes(session: AsyncSession, appeal_id: int) -> dict[str, int]:
    """Return how many voted for what."""
    query = (
        select(AppealVote.vote, func.count())
        .where(AppealVote.appeal_id == appeal_id)
        .group_by(AppealVote.vote)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def add_question(session: AsyncSession, values: dict[str, Any]) -> AppealQuestion:
    """Add a question to an appeal, which the transaction has to hold."""
    question = AppealQuestion(unreached=False, answer=None, answered_at=None, **values)
    session.add(question)
    await session.flush()
    return question


async def get_question(session: AsyncSession, question_id: int) -> AppealQuestion | None:
    """Return a question."""
    return await session.scalar(select(AppealQuestion).where(AppealQuestion.id == question_id))


async def list_questions(session: AsyncSession, appeal_id: int) -> Sequence[AppealQuestion]:
    """Return the questions of an appeal with their answers, oldest first."""
    query = (
        select(AppealQuestion)
        .where(AppealQuestion.appeal_id == appeal_id)
        .order_by(AppealQuestion.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def put_answer(session: AsyncSession, question_id: int, text: str, now: datetime) -> bool:
    """Keep the answer to a question; False when there is one already."""
    statement = (
        update(AppealQuestion)
        .where(AppealQuestion.id == question_id, AppealQuestion.answer.is_(None))
        .values(answer=text, answered_at=now)
    )
    return await count_changed(session, statement) == 1


async def mark_unreached(session: AsyncSession, question_id: int) -> bool:
    """Note that no message got there; False when that is noted, or there is an answer."""
    statement = (
        update(AppealQuestion)
        .where(
            AppealQuestion.id == question_id,
            AppealQuestion.unreached.is_(False),
            AppealQuestion.answer.is_(None),
        )
        .values(unreached=True)
    )
    return await count_changed(session, statement) == 1


async def delete_decided(session: AsyncSession, before: datetime) -> int:
    """Delete appeals that were decided before an instant, with the votes and questions."""
    old = select(Appeal.id).where(Appeal.state != OPEN, Appeal.decided_at < before)
    await session.execute(delete(AppealVote).where(AppealVote.appeal_id.in_(old)))
    await session.execute(delete(AppealQuestion).where(AppealQuestion.appeal_id.in_(old)))
    return await count_changed(session, delete(Appeal).where(Appeal.id.in_(old)))
