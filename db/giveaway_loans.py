"""Roles that were won for a time: one row per member and role, which is gone once it is taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import GIVEN, GiveawayLoan
from db.statements import insert_for, table_of

_KEY = ("guild_id", "user_id", "role_id")


@dataclass(frozen=True, slots=True)
class EndedLoan:
    """A role that is to be taken from somebody."""

    guild_id: int
    user_id: int
    role_id: int


async def list_borrowers(
    session: AsyncSession, guild_id: int, role_id: int, user_ids: Collection[int]
) -> frozenset[int]:
    """Return which of these people have a role for a time."""
    query = select(GiveawayLoan.user_id).where(*_of(guild_id, role_id, user_ids))
    return frozenset(await session.scalars(query))


async def put_loans(
    session: AsyncSession,
    guild_id: int,
    role_id: int,
    user_ids: Collection[int],
    ends_at: datetime,
) -> Mapping[int, datetime]:
    """Have people keep a role until then, or for longer if they were to; return ends by row."""
    rows = [
        {
            "guild_id": guild_id,
            "user_id": user_id,
            "role_id": role_id,
            "state": GIVEN,
            "ends_at": ends_at,
        }
        for user_id in sorted(user_ids)
    ]
    if not rows:
        return {}
    insert = insert_for(session, table_of(GiveawayLoan)).values(rows)
    new, old = insert.excluded.ends_at, GiveawayLoan.ends_at
    statement = insert.on_conflict_do_update(
        index_elements=_KEY, set_={"ends_at": case((new > old, new), else_=old)}
    ).returning(GiveawayLoan.id, GiveawayLoan.ends_at)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def drop_loans(
    session: AsyncSession, guild_id: int, role_id: int, user_ids: Collection[int]
) -> None:
    """Forget the end of a role that these people are to have for good, or not at all."""
    statement = delete(GiveawayLoan).where(*_of(guild_id, role_id, user_ids))
    await session.execute(statement, execution_options={"synchronize_session": False})


async def take_due_loan(session: AsyncSession, loan_id: int, now: datetime) -> EndedLoan | None:
    """Remove a role for a time whose time is over; `None` when it is not, or it is gone."""
    statement = (
        delete(GiveawayLoan)
        .where(GiveawayLoan.id == loan_id, GiveawayLoan.ends_at <= now)
        .returning(GiveawayLoan.guild_id, GiveawayLoan.user_id, GiveawayLoan.role_id)
    )
    rows = await session.execute(statement, execution_options={"synchronize_session": False})
    row = rows.one_or_none()
    return None if row is None else EndedLoan(*row)


async def get_end(session: AsyncSession, loan_id: int) -> datetime | None:
    """Return when a role for a time ends."""
    return await session.scalar(select(GiveawayLoan.ends_at).where(GiveawayLoan.id == loan_id))


def _of(
    guild_id: int, role_id: int, user_ids: Collection[int]
) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    return (
        GiveawayLoan.guild_id == guild_id,
        GiveawayLoan.role_id == role_id,
        GiveawayLoan.user_id.in_(user_ids),
    )
