"""Trades: what one member offers another, set aside until it is swapped or given back.

`state` is only changed by a compare-and-set, in the transaction that moves coins and pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    String,
    UniqueConstraint,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import NOBODY, Base, Erasure, Json, RowId, Snowflake, UtcDateTime, erasing, person
from db.statements import count_changed, insert_for

OPEN, ACCEPTED, DECLINED, CANCELLED, EXPIRED, ORPHANED = (
    "open",
    "accepted",
    "declined",
    "cancelled",
    "expired",
    "orphaned",
)
# With these there is something in escrow.
_UNSETTLED = (OPEN, ORPHANED)
_FORGET_TRADER = Erasure(replacement=NOBODY)
_IS_OPEN = text("state = 'open'")


class Trade(Base):
    """An offer of one member to another, open until `expires_at`; then it is given back.

    The offerer, `user_id`, gives coins and pieces of an item, and wants coins and pieces. `pieces`
    are those set aside, each with the instant when they expire; once swapped, `got_pieces` are
    those that came back for them. An offer of which one side was erased is `orphaned` until what is
    set aside has gone back, or, where that was the offerer, to the sink.
    """

    __tablename__ = "economy_trades"
    __table_args__ = (
        UniqueConstraint("guild_id", "key"),
        # One open offer from a member to another.
        Index(
            None,
            "guild_id",
            "user_id",
            "partner_id",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index(None, "state", "expires_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_FORGET_TRADER))
    partner_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_FORGET_TRADER))
    key: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    give_coins: Mapped[int] = mapped_column(BigInteger)
    give_item_id: Mapped[int | None] = mapped_column(RowId)
    give_quantity: Mapped[int] = mapped_column(BigInteger)
    want_coins: Mapped[int] = mapped_column(BigInteger)
    want_item_id: Mapped[int | None] = mapped_column(RowId)
    want_quantity: Mapped[int] = mapped_column(BigInteger)
    pieces: Mapped[list[list[Any]]] = mapped_column(Json)
    got_pieces: Mapped[list[list[Any]]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@erasing(Trade)
async def _orphan_offers(
    session: AsyncSession,
    user_id: int,
    at: datetime,  # noqa: ARG001 - the contract's
    *,
    records: bool,  # noqa: ARG001 - the contract's
) -> int:
    """Have open offers of and to a person be answered by nobody any more."""
    named = or_(Trade.user_id == user_id, Trade.partner_id == user_id)
    statement = update(Trade).where(named, Trade.state == OPEN).values(state=ORPHANED)
    return await count_changed(session, statement)


async def add_trade(session: AsyncSession, values: Mapping[str, Any]) -> int | None:
    """Write down an offer and return its id; `None` when its key, or an open one, is there."""
    insert = insert_for(session, Trade).values(
        state=OPEN, got_pieces=[], ended_at=None, undone_at=None, **dict(values)
    )
    return await session.scalar(insert.on_conflict_do_nothing().returning(Trade.id))


async def find_trade(session: AsyncSession, guild_id: int, key: str) -> Trade | None:
    """Return the offer that was made with a key."""
    query = select(Trade).where(Trade.guild_id == guild_id, Trade.key == key)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_trade(session: AsyncSession, trade_id: int) -> Trade | None:
    """Return a trade."""
    query = select(Trade).where(Trade.id == trade_id)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def change_trade(session: AsyncSession, trade_id: int, **values: Any) -> None:
    """Write down more of a trade that this transaction has made or ended."""
    await count_changed(session, update(Trade).where(Trade.id == trade_id).values(**values))


async def end_trade(
    session: AsyncSession,
    trade_id: int,
    state: str,
    now: datetime,
    *,
    user_id: int | None = None,
    partner_id: int | None = None,
    in_time: bool | None = None,
    was: str = OPEN,
) -> Trade | None:
    """End an open offer, of these members if given; `None` when it is not open, or not theirs.

    With `in_time` only while it can still be answered, or, where false, only afterwards. `was` may
    be `ORPHANED` instead.
    """
    statement = update(Trade).where(Trade.id == trade_id, Trade.state == was)
    if user_id is not None:
        statement = statement.where(Trade.user_id == user_id)
    if partner_id is not None:
        statement = statement.where(Trade.partner_id == partner_id)
    if in_time is not None:
        is_over = Trade.expires_at <= now
        statement = statement.where(~is_over if in_time else is_over)
    ended = statement.values(state=state, ended_at=now).returning(Trade)
    return await session.scalar(ended, execution_options={"populate_existing": True})


async def mark_trade_undone(session: AsyncSession, trade_id: int, now: datetime) -> Trade | None:
    """Write down that a swap is taken back; `None` when there was none, or it was before."""
    statement = (
        update(Trade)
        .where(Trade.id == trade_id, Trade.state == ACCEPTED, Trade.undone_at.is_(None))
        .values(undone_at=now)
        .returning(Trade)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def list_open_trades(
    session: AsyncSession, guild_id: int, user_id: int, *, limit: int
) -> Sequence[Trade]:
    """Return the latest open offers of a member."""
    query = select(Trade).where(
        Trade.guild_id == guild_id, Trade.state == OPEN, Trade.user_id == user_id
    )
    return (await session.scalars(query.order_by(Trade.id.desc()).limit(limit))).all()


async def sum_set_aside(session: AsyncSession, guild_id: int) -> int:
    """Return how much of a guild's escrow belongs to offers."""
    query = select(func.sum(Trade.give_coins)).where(
        Trade.guild_id == guild_id, Trade.state.in_(_UNSETTLED)
    )
    return int(await session.scalar(query) or 0)


async def delete_old_trades(session: AsyncSession, *, before: datetime) -> None:
    """Delete trades that ended before an instant."""
    await count_changed(session, delete(Trade).where(Trade.ended_at < before))
