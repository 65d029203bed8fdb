"""Games for money: what was staked, how it stands, and what was paid.

A game is over once its `status` says so, which is only changed by a compare-and-set on `version`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    String,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    NOBODY,
    Base,
    Json,
    RowId,
    Secret,
    Snowflake,
    UtcDateTime,
    erasing,
    person,
    secret,
)
from db.statements import count_changed, insert_for


class GameStatus(StrEnum):
    """How a game stands: `open` with its stake in escrow, or over in one of three ways.

    `settled` was played to its end, `refunded` left by its player, `undone` by the staff before.
    One whose player was erased is `orphaned` until its stake is out of escrow.
    """

    OPEN = "open"
    SETTLED = "settled"
    REFUNDED = "refunded"
    UNDONE = "undone"
    ORPHANED = "orphaned"


# What is at stake has to find its way out of escrow.
_UNSETTLED = (GameStatus.OPEN.value, GameStatus.ORPHANED.value)
_IS_OPEN = text("status = 'open'")


class EconomyGame(Base):
    """A game: `stake` is what it began with, `staked` all that lies on the table.

    `paid` is what came back, `state` what fell or how the cards lie, `request_id` the interaction
    that began it.
    """

    __tablename__ = "economy_games"
    __table_args__ = (
        UniqueConstraint("guild_id", "request_id"),
        # One open game per member.
        Index(
            "uq_economy_games_open",
            "guild_id",
            "user_id",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index(None, "guild_id", "user_id", "status", "ended_at"),
        Index(None, "ended_at"),
        # A number names a game in the ledger for ever.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    game: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    stake: Mapped[int] = mapped_column(BigInteger)
    staked: Mapped[int] = mapped_column(BigInteger)
    paid: Mapped[int] = mapped_column(BigInteger, default=0)
    # The dealer's second card lies face down.
    state: Mapped[dict[str, Any]] = mapped_column(
        Json, info=secret(Secret(held_while=("status", _UNSETTLED)))
    )
    version: Mapped[int] = mapped_column(Integer, default=0)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    request_id: Mapped[int] = mapped_column(Snowflake)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@erasing(EconomyGame)
async def _orphan_games(
    session: AsyncSession,
    user_id: int,
    at: datetime,  # noqa: ARG001 - the contract's
    *,
    records: bool,  # noqa: ARG001 - the contract's
) -> int:
    """Have a person's open games be nobody's: they are played on by none."""
    statement = update(EconomyGame).where(
        EconomyGame.user_id == user_id, EconomyGame.status == GameStatus.OPEN
    )
    orphaned = statement.values(status=GameStatus.ORPHANED, user_id=NOBODY, state={})
    return await count_changed(session, orphaned)


async def take_orphan(session: AsyncSession, game_id: int) -> EconomyGame | None:
    """Delete a game whose player was erased, and return it; None when it is no such game."""
    statement = delete(EconomyGame).where(
        EconomyGame.id == game_id, EconomyGame.status == GameStatus.ORPHANED
    )
    return await session.scalar(statement.returning(EconomyGame))


async def add_game(session: AsyncSession, **values: Any) -> int | None:
    """Add a game and return its number; None when the request had its game or another is open."""
    statement = insert_for(session, EconomyGame).on_conflict_do_nothing()
    defaults = {"paid": 0, "version": 0, "message_id": None, "ended_at": None}
    return await session.scalar(statement.values(defaults | values).returning(EconomyGame.id))


async def get_game(session: AsyncSession, game_id: int) -> EconomyGame | None:
    """Return a game as it is stored now."""
    query = select(EconomyGame).where(EconomyGame.id == game_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def get_requested(
    session: AsyncSession, guild_id: int, request_id: int
) -> EconomyGame | None:
    """Return the game that a request began."""
    query = select(EconomyGame).where(
        EconomyGame.guild_id == guild_id, EconomyGame.request_id == request_id
    )
    return await session.scalar(query)


async def get_open(session: AsyncSession, guild_id: int, user_id: int) -> EconomyGame | None:
    """Return the game that a member has open."""
    query = select(EconomyGame).where(
        EconomyGame.guild_id == guild_id,
        EconomyGame.user_id == user_id,
        EconomyGame.status == GameStatus.OPEN,
    )
    return await session.scalar(query)


async def advance_game(session: AsyncSession, game_id: int, version: int, **values: Any) -> bool:
    """Change an open game that is still at a version, and count it up; False when it is not."""
    statement = (
        update(EconomyGame)
        .where(
            EconomyGame.id == game_id,
            EconomyGame.version == version,
            EconomyGame.status == GameStatus.OPEN,
        )
        .values(version=version + 1, **values)
    )
    return await count_changed(session, statement) == 1


async def note_message(
    session: AsyncSession, game_id: int, channel_id: int, message_id: int
) -> None:
    """Note where an open game is shown."""
    statement = (
        update(EconomyGame)
        .where(EconomyGame.id == game_id, EconomyGame.status == GameStatus.OPEN)
        .values(channel_id=channel_id, message_id=message_id)
    )
    await count_changed(session, statement)


async def was_refunded(session: AsyncSession, guild_id: int, user_id: int, since: datetime) -> bool:
    """Tell whether a member was given the stake of a game back that they left, since then."""
    query = select(EconomyGame.id).where(
        EconomyGame.guild_id == guild_id,
        EconomyGame.user_id == user_id,
        EconomyGame.status == GameStatus.REFUNDED,
        EconomyGame.ended_at > since,
    )
    return await session.scalar(query.limit(1)) is not None


async def close_undone(session: AsyncSession, game_id: int, now: datetime) -> bool:
    """Close an open game whose stake staff have given back; False when it was over before."""
    statement = (
        update(EconomyGame)
        .where(EconomyGame.id == game_id, EconomyGame.status == GameStatus.OPEN)
        .values(status=GameStatus.UNDONE, ended_at=now, version=EconomyGame.version + 1)
    )
    return await count_changed(session, statement) == 1


async def sum_at_stake(session: AsyncSession, guild_id: int) -> int:
    """Return how much of a guild's escrow belongs to open games."""
    query = select(func.sum(EconomyGame.staked)).where(
        EconomyGame.guild_id == guild_id, EconomyGame.status.in_(_UNSETTLED)
    )
    return int(await session.scalar(query) or 0)


async def purge_games(session: AsyncSession, before: datetime) -> int:
    """Delete the games that were over before an instant; returns how many."""
    return await count_changed(session, delete(EconomyGame).where(EconomyGame.ended_at < before))
