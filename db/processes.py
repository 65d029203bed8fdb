"""The heartbeat of every running process, from which any web server sums up the whole bot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Json, UtcDateTime
from db.statements import count_changed, insert_for


class Process(Base):
    """A process that runs some shards; it is gone when `beat_at` lies too far back.

    `counts` holds numbers that can be added up over processes, such as guilds and users.
    """

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    shard_ids: Mapped[list[int]] = mapped_column(Json)
    counts: Mapped[dict[str, int]] = mapped_column(Json)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def save_heartbeat(
    session: AsyncSession,
    *,
    process_id: str,
    shard_ids: Sequence[int],
    counts: Mapping[str, int],
    started_at: datetime,
    now: datetime,
) -> None:
    """Say that a process is alive, which shards it runs and what it counts."""
    beat = {"shard_ids": list(shard_ids), "counts": dict(counts), "beat_at": now}
    insert = insert_for(session, Process).values(id=process_id, started_at=started_at, **beat)
    await session.execute(insert.on_conflict_do_update(index_elements=["id"], set_=beat))


async def list_live_processes(session: AsyncSession, *, since: datetime) -> Sequence[Process]:
    """Return the processes that have given a heartbeat since an instant."""
    query = select(Process).where(Process.beat_at >= since).order_by(Process.id)
    return (await session.scalars(query)).all()


def sum_counts(processes: Sequence[Process]) -> dict[str, int]:
    """Return the counts of several processes added up by name."""
    total: Counter[str] = Counter()
    for process in processes:
        total.update(process.counts)
    return dict(total)


async def delete_process(session: AsyncSession, process_id: str) -> bool:
    """Forget a process that ends in order; False when it was not known."""
    return await count_changed(session, delete(Process).where(Process.id == process_id)) == 1


async def delete_processes_before(session: AsyncSession, before: datetime) -> int:
    """Forget processes whose last heartbeat was before an instant; return how many."""
    return await count_changed(session, delete(Process).where(Process.beat_at < before))
