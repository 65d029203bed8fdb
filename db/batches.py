"""Batches of work that staff ordered: how far each is, and how it ended.

A batch is there from the moment it is wanted. What it works on is forgotten when it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    and_,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Erasure, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

RUNNING = "running"
STOPPING = "stopping"
ENDED = "ended"
_OPEN = (RUNNING, STOPPING)
# Who ordered something is named to Discord for as long as it goes on.
_ACTOR = Erasure(clears=("actor_name",), kept_while=("state", _OPEN))


class Batch(Base):
    """Many things to be done one after the other.

    `occasion` says which, once per kind for all processes. `done` of `total` are done; both
    count in the order of what is in `work`.
    """

    __tablename__ = "moderation_batches"
    __table_args__ = (
        UniqueConstraint("kind", "occasion"),
        Index(None, "guild_id"),
        Index(None, "begun_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    kind: Mapped[str] = mapped_column(String(16))
    occasion: Mapped[int] = mapped_column(Snowflake)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    actor_id: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(_ACTOR))
    actor_name: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(String(16))
    work: Mapped[dict[str, Any]] = mapped_column(Json)
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[dict[str, Any]] = mapped_column(Json)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_open(self) -> bool:
        """Whether there may be something left to do."""
        return self.state in _OPEN


async def add_batch(session: AsyncSession, values: Mapping[str, Any]) -> Batch | None:
    """Add a batch; `None` when its occasion has one of its kind already."""
    statement = (
        insert_for(session, Batch)
        .values(done=0, state=RUNNING, outcome={}, **values)
        .on_conflict_do_nothing(index_elements=["kind", "occasion"])
        .returning(Batch)
    )
    return await session.scalar(statement)


async def free_occasion(session: AsyncSession, kind: str, occasion: int) -> None:
    """Have a batch that has ended give its occasion up for another one of its kind."""
    # Row numbers are far below Discord's ids, which occasions are.
    named = (Batch.kind == kind) & (Batch.occasion == occasion)
    statement = update(Batch).where(named, Batch.state == ENDED)
    await count_changed(session, statement.values(occasion=Batch.id))


async def get_open_batch(session: AsyncSession, guild_id: int, kind: str) -> Batch | None:
    """Return the latest batch of a kind that goes on in a guild."""
    query = (
        select(Batch)
        .where(Batch.guild_id == guild_id, Batch.kind == kind, Batch.state.in_(_OPEN))
        .order_by(Batch.id.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def get_batch(session: AsyncSession, batch_id: int) -> Batch | None:
    """Return a batch as it stands now."""
    query = select(Batch).where(Batch.id == batch_id)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_batch_of(session: AsyncSession, kind: str, occasion: int) -> Batch:
    """Return the batch of a kind that an occasion has; there has to be one."""
    query = select(Batch).where(Batch.kind == kind, Batch.occasion == occasion)
    return (await session.scalars(query)).one()


async def advance_batch(
    session: AsyncSession, batch: Batch, *, done: int, outcome: Mapping[str, Any]
) -> Batch | None:
    """Note how far a batch is now; `None` when it has moved or ended meanwhile."""
    statement = (
        update(Batch)
        .where(Batch.id == batch.id, Batch.done == batch.done, Batch.state.in_(_OPEN))
        .values(done=done, outcome=dict(outcome))
        .returning(Batch)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def stop_batch(session: AsyncSession, batch_id: int) -> bool:
    """Want a batch stopped; False when that is wanted already, or it has ended."""
    statement = (
        update(Batch).where(Batch.id == batch_id, Batch.state == RUNNING).values(state=STOPPING)
    )
    return await count_changed(session, statement) == 1


async def end_batch(
    session: AsyncSession, batch_id: int, *, outcome: Mapping[str, Any], now: datetime
) -> Batch | None:
    """End a batch and forget what it worked on; `None` when it has ended before."""
    statement = (
        update(Batch)
        .where(Batch.id == batch_id, Batch.state.in_(_OPEN))
        .values(state=ENDED, outcome=dict(outcome), work={}, ended_at=now)
        .returning(Batch)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def note_outcome(session: AsyncSession, batch_id: int, outcome: Mapping[str, Any]) -> None:
    """Put what came of a batch that has ended in place of what was noted of it."""
    statement = update(Batch).where(Batch.id == batch_id).values(outcome=dict(outcome))
    await count_changed(session, statement)


async def claim_telling(session: AsyncSession, batch_id: int, now: datetime) -> bool:
    """Take it on to tell how a batch ended; False when that was told."""
    statement = (
        update(Batch).where(Batch.id == batch_id, Batch.told_at.is_(None)).values(told_at=now)
    )
    return await count_changed(session, statement) == 1


async def delete_begun(session: AsyncSession, before: datetime, *, open_before: datetime) -> int:
    """Delete batches begun before an instant, those that still go on before an earlier one."""
    ended = and_(Batch.begun_at < before, Batch.state == ENDED)
    return await count_changed(session, delete(Batch).where(ended | (Batch.begun_at < open_before)))
