"""Who is on the way through a guild's verification, and what they are asked at the moment.

A person's row is locked by whoever decides about them (`lock_member`), so decisions follow each
other; an open question is a row that one answer takes away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Erasure, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

WAITING = "waiting"
# Staff decide on what they answered.
REVIEW = "review"
PASSED = "passed"
KICKING = "kicking"
KICKED = "kicked"
LEFT = "left"

# Erasing must not be a way to start anew: wrong answers and pauses stay with whoever left, too.
_ERASED = Erasure(
    deletes=True,
    kept_while=("state", (WAITING, REVIEW, KICKING)),
    kept_until="locked_until",
    kept_above_zero=("attempts", "asked"),
)


class VerificationMember(Base):
    """How far a person is in one guild.

    `round` tells one run through verification from the next, in milliseconds since the epoch.
    `attempts` are wrong answers and `asked` questions since the last pause or pass. `joined_at` is
    there when the join was seen: then time runs. It is the join, or the last moment at which nobody
    could have passed.
    """

    __tablename__ = "verification_members"
    __table_args__ = (Index(None, "guild_id", "reminded_at"), Index(None, "changed_at"))

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(_ERASED)
    )
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))
    round: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer)
    asked: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VerificationChallenge(Base):
    """The one question that a person can answer now.

    Whoever answers brings the token, of which `token_hash` is the SHA-256; `digest` is the answer's
    HMAC under that token, so the row alone gives no answer away.
    """

    __tablename__ = "verification_challenges"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    kind: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def lock_member(
    session: AsyncSession, guild_id: int, user_id: int, name: str, now: datetime, *, round_: int
) -> VerificationMember:
    """Return a person's row, made if there was none, and keep others from it until the commit.

    What the caller reads and writes of it from here on nobody overlaps. An empty name changes none.
    """
    values = {"guild_id": guild_id, "user_id": user_id, "name": name[:100]}
    named = {"name": values["name"]} if name else {"guild_id": guild_id}
    statement = (
        insert_for(session, VerificationMember)
        .values(**values, state=WAITING, round=round_, attempts=0, asked=0, changed_at=now)
        .on_conflict_do_update(index_elements=["guild_id", "user_id"], set_=named)
        .returning(VerificationMember)
    )
    row = await session.scalar(statement, execution_options={"populate_existing": True})
    assert row is not None  # noqa: S101 - an upsert returns its row
    return row


async def get_member(
    session: AsyncSession, guild_id: int, user_id: int
) -> VerificationMember | None:
    """Return a person's row."""
    return await session.get(VerificationMember, (guild_id, user_id), populate_existing=True)


async def change_member(
    session: AsyncSession,
    guild_id: int,
    user_id: int,
    *,
    expected: tuple[str, ...] = (),
    round_: int | None = None,
    **values: Any,
) -> bool:
    """Change a person's row if it is in an expected state and round; tell whether it was."""
    statement = update(VerificationMember).where(
        VerificationMember.guild_id == guild_id, VerificationMember.user_id == user_id
    )
    if expected:
        statement = statement.where(VerificationMember.state.in_(expected))
    if round_ is not None:
        statement = statement.where(VerificationMember.round == round_)
    return await count_changed(session, statement.values(**values)) == 1


async def claim_reminder(
    session: AsyncSession, guild_id: int, user_id: int, round_: int, now: datetime
) -> bool:
    """Note that somebody who waits is reminded; False when they were, or wait no more."""
    statement = update(VerificationMember).where(
        VerificationMember.guild_id == guild_id,
        VerificationMember.user_id == user_id,
        VerificationMember.round == round_,
        VerificationMember.state == WAITING,
        VerificationMember.reminded_at.is_(None),
    )
    return await count_changed(session, statement.values(reminded_at=now)) == 1


async def count_reminded(session: AsyncSession, guild_id: int, since: datetime) -> int:
    """Return how many of a guild were reminded since an instant."""
    query = (
        select(func.count())
        .select_from(VerificationMember)
        .where(
            VerificationMember.guild_id == guild_id,
            VerificationMember.reminded_at > since,
        )
    )
    return (await session.execute(query)).scalar_one()


async def put_challenge(session: AsyncSession, values: dict[str, Any]) -> None:
    """Ask a person this, in place of what they were asked before."""
    insert = insert_for(session, VerificationChallenge).values(**values)
    changed = {name: values[name] for name in ("kind", "token_hash", "digest", "expires_at")}
    await session.execute(
        insert.on_conflict_do_update(index_elements=["guild_id", "user_id"], set_=changed)
    )


async def take_challenge(
    session: AsyncSession, guild_id: int, user_id: int, token_hash: str
) -> VerificationChallenge | None:
    """Take the question with this token away and return it; one caller gets it."""
    statement = (
        delete(VerificationChallenge)
        .where(
            VerificationChallenge.guild_id == guild_id,
            VerificationChallenge.user_id == user_id,
            VerificationChallenge.token_hash == token_hash,
        )
        .returning(VerificationChallenge)
    )
    return await session.scalar(statement, execution_options={"synchronize_session": False})


async def drop_challenge(session: AsyncSession, guild_id: int, user_id: int) -> None:
    """Ask a person nothing any more."""
    await session.execute(
        delete(VerificationChallenge).where(
            VerificationChallenge.guild_id == guild_id, VerificationChallenge.user_id == user_id
        ),
        execution_options={"synchronize_session": False},
    )


async def delete_old(session: AsyncSession, *, before: datetime, now: datetime) -> int:
    """Delete people of whom nothing was heard since an instant, and questions that are over."""
    gone = await count_changed(
        session, delete(VerificationChallenge).where(VerificationChallenge.expires_at < now)
    )
    old = delete(VerificationMember).where(VerificationMember.changed_at < before)
    return gone + await count_changed(session, old)
