"""Durable jobs: everything that happens later, with its claim, retries and recurrence.

Knows neither what a kind of job does nor when a recurrence falls due; `bot.core.jobs` does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, String, and_, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db import leases
from db.base import DELETE_ROW, Snowflake, UtcDateTime, person
from db.guilds import Guild
from db.leases import Backlog, Leased, Shards, WorkState
from db.statements import count_changed, insert_for


class Job(Leased):
    """Something that happens once at `due_at`, whatever process is running then.

    The payload holds ids of rows and Discord objects, never what a person wrote or owns: that
    belongs in a table that `db.people` can export and erase. `recurrence` is a five-field cron
    expression read in `timezone`, an IANA name.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "guild_id"),
        Index(None, "subject_id"),
    )

    # Whom the job is about, when its key or payload names them.
    subject_id: Mapped[int | None] = mapped_column(Snowflake, info=person(DELETE_ROW))
    timezone: Mapped[str | None] = mapped_column(String(64))
    recurrence: Mapped[str | None] = mapped_column(String(120))
    # Set while it runs: when it is to run once more, since what it has read may have changed.
    again_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def add_job(
    session: AsyncSession,
    *,
    kind: str,
    dedupe_key: str,
    due_at: datetime,
    now: datetime,
    guild_id: int | None = None,
    subject_id: int | None = None,
    payload: dict[str, Any] | None = None,
    timezone: str | None = None,
    recurrence: str | None = None,
    replace: bool = False,
) -> Job | None:
    """Add a job and return it; None when its key is taken and it was not to be replaced.

    A replaced job is pending again with the new values, even if it had run or was running: its
    present claimer can't settle it any more.
    """
    fresh = {
        "kind": kind,
        "due_at": due_at,
        "guild_id": guild_id,
        "subject_id": subject_id,
        "payload": payload or {},
        "timezone": timezone,
        "recurrence": recurrence,
        "created_at": now,
        "state": WorkState.PENDING,
        "attempts": 0,
        **_UNCLAIMED,
    }
    statement = insert_for(session, Job).values(dedupe_key=dedupe_key, **fresh)
    if replace:
        statement = statement.on_conflict_do_update(index_elements=["dedupe_key"], set_=fresh)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
    rows = await session.scalars(
        statement.returning(Job), execution_options={"populate_existing": True}
    )
    return rows.one_or_none()


async def get_job(session: AsyncSession, dedupe_key: str) -> Job | None:
    """Return the job with that key, whatever its state."""
    return await session.scalar(select(Job).where(Job.dedupe_key == dedupe_key))


async def map_due(session: AsyncSession, dedupe_keys: Collection[str]) -> dict[str, datetime]:
    """Return when the jobs among these keys that are still to be done run, by key."""
    query = select(Job.dedupe_key, Job.due_at).where(
        Job.dedupe_key.in_(dedupe_keys), Job.state.in_(leases.OPEN_STATES)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def list_jobs(
    session: AsyncSession,
    *,
    guild_id: int | None = None,
    kind: str | None = None,
    state: str | None = None,
    limit: int = 100,
) -> Sequence[Job]:
    """Return jobs in the order they fall due."""
    filters = leases.matching(Job, guild_id=guild_id, kind=kind, state=state)
    query = select(Job).where(*filters).order_by(Job.due_at, Job.id).limit(limit)
    return (await session.scalars(query)).all()


async def claim_due_jobs(
    session: AsyncSession,
    *,
    now: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    kinds: Collection[str] | None = None,
    shards: Shards | None = None,
) -> Sequence[Job]:
    """Claim up to `limit` jobs that are due or whose lease ran out, oldest first.

    Only jobs of these kinds and of the guilds in these shards are claimed.
    """
    filters = _served(kinds, shards)
    return await leases.claim_due(
        session,
        Job,
        now=now,
        owner=owner,
        lease=lease,
        limit=limit,
        filters=filters,
        again_at=None,
    )


async def finish_job(session: AsyncSession, job: Job, *, now: datetime) -> bool:
    """Mark a claimed job done, in the transaction of its effect; False when it may not be.

    On False the caller must roll back: somebody else has the job, it was cancelled, or it is wanted
    again. The same is true of the other ways to settle a claim below.
    """
    return await _settle(session, job, WorkState.DONE, finished_at=now, last_error=None)


async def repeat_job(session: AsyncSession, job: Job, *, due_at: datetime, now: datetime) -> bool:
    """Make a claimed job that did its work due again, in the transaction of its effect."""
    values = {"due_at": due_at, "attempts": 0, "finished_at": now, "last_error": None}
    return await _settle(session, job, WorkState.PENDING, **values)


async def retry_job(
    session: AsyncSession, job: Job, *, due_at: datetime, error: str | None, attempts: int
) -> bool:
    """Give a claimed job back, to be tried again at `due_at`.

    `attempts` is how many are to count by then.
    """
    return await _settle(
        session, job, WorkState.PENDING, due_at=due_at, last_error=error, attempts=attempts
    )


async def fail_job(session: AsyncSession, job: Job, *, now: datetime, error: str) -> bool:
    """End a claimed job as failed, for good."""
    return await _settle(session, job, WorkState.FAILED, finished_at=now, last_error=error)


async def park_job(
    session: AsyncSession, job: Job, *, reason: str, error: str | None = None
) -> bool:
    """Set a claimed job aside until `resume_parked`."""
    return await _settle(session, job, WorkState.PARKED, park_reason=reason, last_error=error)


async def begin_again(session: AsyncSession, job: Job) -> bool:
    """Give back a claimed job that is wanted again; False when it is not, or the claim is lost."""
    values = {"due_at": Job.again_at, "again_at": None, "attempts": 0, "last_error": None}
    return await leases.settle(
        session, job, WorkState.PENDING, filters=[Job.again_at.is_not(None)], **values
    )


async def resume_parked(
    session: AsyncSession,
    *,
    now: datetime,
    reason: str | None = None,
    kind: str | None = None,
    guild_id: int | None = None,
) -> int:
    """Make parked jobs that match due now; return how many."""
    filters = leases.matching(Job, guild_id=guild_id, kind=kind, park_reason=reason)
    return await leases.resume(session, Job, *filters, now=now)


async def hasten_job(session: AsyncSession, dedupe_key: str, due_at: datetime) -> bool:
    """Make a waiting job due at an instant unless it is sooner; False when nothing was changed.

    One that is suspended is due then once it is taken up.
    """
    waits = Job.state.in_((WorkState.PENDING, WorkState.SUSPENDED))
    statement = update(Job).where(Job.dedupe_key == dedupe_key, waits, Job.due_at > due_at)
    return await count_changed(session, statement.values(due_at=due_at)) == 1


async def want_job(session: AsyncSession, dedupe_key: str, due_at: datetime) -> bool:
    """Have a job that waits or runs come to pass by an instant, and hold its row; False if none.

    One that waits is due by then. One that runs is claimed again afterwards: as long as it is at
    work nobody else is, and what it made of what was before can't be settled.
    """
    waits = Job.state == WorkState.PENDING
    earlier = case((and_(waits, Job.due_at > due_at), due_at), else_=Job.due_at)
    soonest = case((Job.again_at < due_at, Job.again_at), else_=due_at)
    statement = update(Job).where(
        Job.dedupe_key == dedupe_key, Job.state.in_((WorkState.PENDING, WorkState.RUNNING))
    )
    values = {"due_at": earlier, "again_at": case((waits, None), else_=soonest)}
    return await count_changed(session, statement.values(**values)) == 1


async def cancel_job(session: AsyncSession, dedupe_key: str, *, now: datetime) -> bool:
    """Cancel the job with that key; False when there is none that has not ended."""
    key = Job.dedupe_key == dedupe_key
    return await leases.cancel(session, Job, key, finished_at=now) == 1


async def cancel_many(session: AsyncSession, dedupe_keys: Collection[str], *, now: datetime) -> int:
    """Cancel those of the jobs with these keys that have not ended; return how many."""
    keys = Job.dedupe_key.in_(dedupe_keys)
    return await leases.cancel(session, Job, keys, finished_at=now)


async def cancel_jobs(
    session: AsyncSession,
    *,
    guild_id: int,
    now: datetime,
    kind: str | None = None,
    but_kinds: Collection[str] = (),
) -> int:
    """Cancel a guild's jobs, all or of one kind, but for those kinds; return how many."""
    filters = leases.matching(Job, guild_id=guild_id, kind=kind)
    if but_kinds:
        filters.append(Job.kind.not_in(but_kinds))
    return await leases.cancel(session, Job, *filters, finished_at=now)


async def suspend_jobs(session: AsyncSession, *, guild_id: int, kinds: Collection[str]) -> int:
    """Set a guild's jobs of these kinds aside until `take_up_jobs`; return how many.

    One that runs right now is set aside too: its claimer can't settle it any more.
    """
    statement = update(Job).where(
        Job.guild_id == guild_id, Job.kind.in_(kinds), Job.state.in_(leases.OPEN_STATES)
    )
    values = {"state": WorkState.SUSPENDED, "attempts": 0, **_UNCLAIMED}
    return await count_changed(session, statement.values(**values))


async def take_up_jobs(session: AsyncSession, *, guild_id: int) -> int:
    """Have a guild's suspended jobs wait for their time again; return how many."""
    statement = update(Job).where(Job.guild_id == guild_id, Job.state == WorkState.SUSPENDED)
    return await count_changed(session, statement.values(state=WorkState.PENDING))


async def cancel_suspended_jobs(
    session: AsyncSession, *, left_before: datetime, now: datetime
) -> int:
    """Cancel what waits for guilds that the bot left before an instant; return how many."""
    gone = select(Guild.id).where(Guild.left_at < left_before)
    is_given_up = and_(Job.state == WorkState.SUSPENDED, Job.guild_id.in_(gone))
    return await leases.cancel(session, Job, is_given_up, finished_at=now)


async def get_next_due(
    session: AsyncSession,
    kinds: Collection[str] | None = None,
    shards: Shards | None = None,
) -> datetime | None:
    """Return when such a job can next be claimed, or None when none is open."""
    return await leases.get_next_due(session, Job, *_served(kinds, shards))


async def get_backlog(session: AsyncSession, now: datetime) -> Backlog:
    """Return how many jobs wait, run or failed, and since when the oldest is due."""
    return await leases.get_backlog(session, Job, now)


async def delete_finished_jobs(session: AsyncSession, before: datetime) -> int:
    """Delete jobs that ended before an instant; their keys are free again. Return how many."""
    return await leases.delete_settled(session, Job, Job.finished_at < before)


_UNCLAIMED: dict[str, Any] = {
    "lease_owner": None,
    "lease_until": None,
    "again_at": None,
    "last_error": None,
    "park_reason": None,
    "finished_at": None,
}


def _served(kinds: Collection[str] | None, shards: Shards | None) -> list[ColumnElement[bool]]:
    of_kinds = [] if kinds is None else [Job.kind.in_(sorted(kinds))]
    return of_kinds + leases.is_of_shards(Job, shards)


async def _settle(session: AsyncSession, job: Job, state: WorkState, **values: Any) -> bool:
    return await leases.settle(session, job, state, filters=[Job.again_at.is_(None)], **values)
