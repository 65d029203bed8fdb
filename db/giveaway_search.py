"""Finds a guild's giveaways as people name them: by number, title or prize."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import OPEN_STATUSES, Giveaway

# Numbers are counted from 1 and stored in 32 bits.
_LARGEST_NUMBER = 2**31 - 1


async def find_giveaways(
    session: AsyncSession,
    guild_id: int,
    text: str,
    *,
    statuses: Collection[str] | None = None,
    limit: int = 25,
) -> Sequence[Giveaway]:
    """Return those whose number is the text or whose title or prize holds it, open ones first.

    An empty text finds all. Among those, the newest come first.
    """
    query = select(Giveaway).where(Giveaway.guild_id == guild_id)
    if statuses is not None:
        query = query.where(Giveaway.status.in_(statuses))
    if text := text.strip().removeprefix("#").strip():
        query = query.where(_is_named(text))
    is_over = Giveaway.status.not_in(OPEN_STATUSES)
    query = query.order_by(is_over, Giveaway.number.desc()).limit(limit)
    return (await session.scalars(query)).all()


def _is_named(text: str) -> ColumnElement[bool]:
    """Return whether a giveaway is called that; a text of digits names a number."""
    if text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= _LARGEST_NUMBER:
        return Giveaway.number == int(text)
    return Giveaway.search_key.contains(text.casefold(), autoescape=True)
