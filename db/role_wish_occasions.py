"""Role wishes by the occasion on which they came up: counted, and withdrawn together.

An occasion may have parts, such as one back-fill of all join roles.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.role_wishes import PART, RoleWish, is_free
from db.statements import count_changed


async def withdraw_wishes(
    session: AsyncSession,
    guild_id: int,
    occasion: str,
    now: datetime,
    *,
    keeping: Collection[int] = (),
) -> int:
    """Forget what is wanted on an occasion and its parts; return how many.

    Wishes for roles of `keeping` stay, and what is under way.
    """
    statement = delete(RoleWish).where(
        *_of_occasion(guild_id, occasion), RoleWish.role_id.not_in(keeping), is_free(now)
    )
    return await count_changed(session, statement)


async def count_wishes(session: AsyncSession, guild_id: int, occasion: str, role_id: int) -> int:
    """Return how many members are yet to get a role on an occasion and its parts."""
    query = select(func.count()).where(
        *_of_occasion(guild_id, occasion), RoleWish.role_id == role_id, RoleWish.want
    )
    return await session.scalar(query) or 0


async def list_people(
    session: AsyncSession, guild_id: int, occasion: str, *, keeping: Collection[int] = ()
) -> Sequence[int]:
    """Return of whom something is wanted on an occasion but for roles of `keeping`."""
    query = (
        select(RoleWish.user_id)
        .where(*_of_occasion(guild_id, occasion), RoleWish.role_id.not_in(keeping))
        .distinct()
        .order_by(RoleWish.user_id)
    )
    return (await session.scalars(query)).all()


def _of_occasion(guild_id: int, occasion: str) -> tuple[ColumnElement[bool], ...]:
    part = RoleWish.occasion.startswith(occasion + PART, autoescape=True)
    return RoleWish.guild_id == guild_id, or_(RoleWish.occasion == occasion, part)
