"""Roles that are won: for a time, one row per member and role, which is gone once it is taken.

And who has such a role for another reason, too, so that it is theirs when a prize is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import GIVEN, HELD, WON, Giveaway, GiveawayLoan, GiveawayWinner
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


async def note_held(session: AsyncSession, winner_ids: Collection[int]) -> None:
    """Note of winners that they had the role before they won it."""
    statement = update(GiveawayWinner).where(GiveawayWinner.id.in_(winner_ids)).values(reason=HELD)
    await session.execute(statement, execution_options={"synchronize_session": False})


async def has_role_otherwise(session: AsyncSession, giveaway: Giveaway, user_id: int) -> bool:
    """Tell whether the role is a person's without this giveaway.

    They had it before, or have won it in another one, for good or for a time that is not over.
    """
    lent = select(GiveawayLoan.id).where(
        GiveawayLoan.guild_id == Giveaway.guild_id,
        GiveawayLoan.role_id == Giveaway.reward_role_id,
        GiveawayLoan.user_id == user_id,
    )
    has_won = and_(
        GiveawayWinner.state == WON, or_(Giveaway.reward_role_seconds.is_(None), lent.exists())
    )
    query = (
        select(GiveawayWinner.id)
        .join(Giveaway, Giveaway.id == GiveawayWinner.giveaway_id)
        .where(
            GiveawayWinner.user_id == user_id,
            Giveaway.guild_id == giveaway.guild_id,
            Giveaway.reward_role_id == giveaway.reward_role_id,
            case(
                (Giveaway.id == giveaway.id, GiveawayWinner.reason == HELD),
                else_=has_won,
            ),
        )
        .limit(1)
    )
    return await session.scalar(query) is not None


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
