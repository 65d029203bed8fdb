"""Sanctions: what is wanted of a member now, at most one of each kind; the wish, not the record.

A row is there from the moment something is wanted until it is known to have been lifted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

HOLDING = "holding"
LIFTING = "lifting"


class Sanction(Base):
    """What a member is under, or is being freed of; `ends_at` is NULL for good.

    `stamp` is another after each change of the wish: whoever was at work on an earlier one learns
    of it. While it is in force the row outlives the person's erasure, or nobody could lift it.
    """

    __tablename__ = "sanctions"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake,
        primary_key=True,
        index=True,
        info=person(Erasure(deletes=True, kept_while=("state", (HOLDING, LIFTING)))),
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    case_id: Mapped[int] = mapped_column(RowId)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    role_id: Mapped[int | None] = mapped_column(Snowflake)
    stamp: Mapped[int] = mapped_column(RowId)


async def lock_sanctions(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], kind: str | None = None
) -> Sequence[Sanction]:
    """Return these people's sanctions, which nobody else can change until the transaction ends."""
    query = (
        select(Sanction)
        .where(Sanction.guild_id == guild_id, Sanction.user_id.in_(user_ids))
        .order_by(Sanction.user_id, Sanction.kind)
        .with_for_update()
    )
    if kind is not None:
        query = query.where(Sanction.kind == kind)
    rows = await session.scalars(query, execution_options={"populate_existing": True})
    return rows.all()


async def get_sanction(
    session: AsyncSession, guild_id: int, user_id: int, kind: str
) -> Sanction | None:
    """Return what is wanted of a member, `None` when nothing of this kind is."""
    query = select(Sanction).where(
        Sanction.guild_id == guild_id, Sanction.user_id == user_id, Sanction.kind == kind
    )
    return await session.scalar(query, execution_options={"populate_existing": True})


async def put_sanction(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    kind: str,
    case_id: int,
    state: str,
    ends_at: datetime | None,
    role_id: int | None,
    stamp: int,
) -> Sanction:
    """Want this of a member from now on, whatever was wanted before; return it."""
    values = {
        "case_id": case_id,
        "state": state,
        "ends_at": ends_at,
        "role_id": role_id,
        "stamp": stamp,
    }
    statement = (
        insert_for(session, Sanction)
        .values(guild_id=guild_id, user_id=user_id, kind=kind, **values)
        .on_conflict_do_update(index_elements=["guild_id", "user_id", "kind"], set_=values)
        .returning(Sanction)
    )
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return rows.one()


async def begin_lifting(session: AsyncSession, sanction: Sanction) -> bool:
    """Say that a sanction is being lifted; False when something else is wanted meanwhile."""
    statement = update(Sanction).where(*_same(sanction)).values(state=LIFTING)
    return await count_changed(session, statement) == 1


async def end_sanction(session: AsyncSession, sanction: Sanction) -> bool:
    """Forget a sanction that no longer holds; False when something else is wanted meanwhile."""
    return await count_changed(session, delete(Sanction).where(*_same(sanction))) == 1


async def list_sanctions(
    session: AsyncSession, guild_id: int, user_id: int | None = None
) -> Sequence[Sanction]:
    """Return all that is wanted in a guild, or of one member there."""
    query = select(Sanction).where(Sanction.guild_id == guild_id)
    if user_id is not None:
        query = query.where(Sanction.user_id == user_id)
    return (await session.scalars(query)).all()


async def list_held_roles(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> dict[int, int]:
    """Return which role a standing mute holds on each of these people who has one."""
    query = select(Sanction.user_id, Sanction.role_id).where(
        Sanction.guild_id == guild_id,
        Sanction.user_id.in_(user_ids),
        Sanction.kind == "mute",
        Sanction.state == HOLDING,
    )
    rows = (await session.execute(query)).all()
    return {user_id: role_id for user_id, role_id in rows if role_id is not None}


async def list_bans(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], *, state: str
) -> frozenset[int]:
    """Return which of these people are banned for good, as far as cases know."""
    query = select(Sanction.user_id).where(
        Sanction.guild_id == guild_id,
        Sanction.user_id.in_(user_ids),
        Sanction.kind == "ban",
        Sanction.state == state,
        Sanction.ends_at.is_(None),
    )
    return frozenset(await session.scalars(query))


def _same(sanction: Sanction) -> tuple[ColumnElement[bool], ...]:
    return (
        Sanction.guild_id == sanction.guild_id,
        Sanction.user_id == sanction.user_id,
        Sanction.kind == sanction.kind,
        Sanction.stamp == sanction.stamp,
    )
