"""Automod's incidents: one row per burst and member or per campaign, and who took part.

What a hit means and what follows is decided in `cogs.automod`; here is who wins a race.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, Text, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Erasure, Json, RowId, Snowflake, UtcDateTime
from db.base import person as person_info
from db.statements import count_changed, insert_for

# States of an incident.
OPEN, SETTLED, UNDONE = "open", "settled", "undone"
# Bursts longer than this are several incidents: one who goes on has to be dealt with again.
LONGEST_BURST = timedelta(minutes=2)


class Incident(Base):
    """One burst, campaign, name or thread that rules hit; `open_key` is held while it is open.

    `revision` grows with each change; `logged_revision` is the one that the log message shows.
    `findings` holds the hits, the rules and what was checked; `effects` what is done to channels.
    """

    __tablename__ = "automod_incidents"
    __table_args__ = (Index(None, "guild_id", "opened_at"), Index(None, "opened_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    scope: Mapped[str] = mapped_column(String(16))
    open_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake,
        index=True,
        info=person_info(Erasure(clears=("user_name", "excerpt", "findings", "open_key"))),
    )
    user_name: Mapped[str | None] = mapped_column(String(100))
    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    shadow: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(16), default=OPEN)
    severity: Mapped[int] = mapped_column(Integer, default=0)
    findings: Mapped[dict[str, Any]] = mapped_column(Json)
    effects: Mapped[dict[str, Any]] = mapped_column(Json)
    excerpt: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    open_until: Mapped[datetime] = mapped_column(UtcDateTime)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    logged_revision: Mapped[int] = mapped_column(Integer, default=0)
    log_channel_id: Mapped[int | None] = mapped_column(Snowflake)
    log_message_id: Mapped[int | None] = mapped_column(Snowflake)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[int | None] = mapped_column(Snowflake, info=person_info(FORGET_PERSON))


class IncidentMember(Base):
    """One member of an incident: what is wanted (`steps`, of a `version`) and how far it got."""

    __tablename__ = "automod_members"

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person_info(DELETE_ROW)
    )
    name: Mapped[str] = mapped_column(String(100), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    # The version up to which all has been done.
    carried_out: Mapped[int] = mapped_column(Integer, default=0)
    steps: Mapped[dict[str, Any]] = mapped_column(Json)
    outcome: Mapped[dict[str, Any]] = mapped_column(Json)


# --- incidents --------------------------------------------------------------------------------


async def open_incident(
    session: AsyncSession,
    *,
    open_key: str,
    now: datetime,
    window: timedelta,
    values: Mapping[str, Any],
    lasts: bool = False,
) -> tuple[Incident, bool]:
    """Return the open incident of a key, locked, and whether this call has opened it.

    Of two that open it at once the second gets the first's. An open one stays so for another
    `window`, but no longer than `LONGEST_BURST` in all; one that `lasts` keeps its key for good.
    """
    while True:
        over = or_(Incident.open_until <= now, Incident.opened_at <= now - LONGEST_BURST)
        closing = update(Incident).where(Incident.open_key == open_key, over)
        if not lasts:
            await count_changed(session, closing.values(open_key=None))
        statement = insert_for(session, Incident).values(
            open_key=open_key, opened_at=now, open_until=now + window, **values
        )
        made = await session.scalar(statement.on_conflict_do_nothing().returning(Incident))
        if made is not None:
            return made, True
        found = await session.scalar(
            select(Incident).where(Incident.open_key == open_key).with_for_update(),
            execution_options={"populate_existing": True},
        )
        # Closed by another process in between: then it is ours to open.
        if found is not None:
            found.open_until = max(found.open_until, now + window)
            return found, False


async def get_incident(
    session: AsyncSession, incident_id: int, *, lock: bool = False
) -> Incident | None:
    """Return an incident, `None` when it is gone; with `lock` nobody else changes it meanwhile."""
    query = select(Incident).where(Incident.id == incident_id)
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def close_incident(session: AsyncSession, incident_id: int, now: datetime) -> None:
    """Let go of the key of an incident whose time is over."""
    over = (Incident.id == incident_id, Incident.open_until <= now, Incident.scope != "name")
    await count_changed(session, update(Incident).where(*over).values(open_key=None))
    settled = (Incident.id == incident_id, Incident.state == OPEN, Incident.open_until <= now)
    await count_changed(session, update(Incident).where(*settled).values(state=SETTLED))


async def claim_undo(
    session: AsyncSession, incident_id: int, *, user_id: int, now: datetime
) -> Incident | None:
    """Mark an incident as undone and return it; `None` when somebody was first."""
    statement = (
        update(Incident)
        .where(Incident.id == incident_id, Incident.state != UNDONE)
        .values(
            state=UNDONE,
            undone_at=now,
            undone_by=user_id,
            # A name that is fine after all stays known.
            open_key=case((Incident.scope == "name", Incident.open_key), else_=None),
            revision=Incident.revision + 1,
        )
        .returning(Incident)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def give_back_undo(session: AsyncSession, incident_id: int) -> None:
    """Let an incident stand again, as undoing it went only part of the way."""
    await count_changed(
        session,
        update(Incident)
        .where(Incident.id == incident_id, Incident.state == UNDONE)
        .values(state=SETTLED, undone_at=None, undone_by=None, revision=Incident.revision + 1),
    )


async def touch(session: AsyncSession, incident_id: int) -> None:
    """Say that an incident is another than its log message shows."""
    await count_changed(
        session,
        update(Incident).where(Incident.id == incident_id).values(revision=Incident.revision + 1),
    )


# --- members ----------------------------------------------------------------------------------


async def put_member(
    session: AsyncSession,
    *,
    incident_id: int,
    user_id: int,
    name: str,
    version: int,
    steps: Mapping[str, Any],
) -> None:
    """Want this of a member of an incident; whoever calls holds the incident locked."""
    values = {"version": version, "steps": dict(steps)}
    insert = insert_for(session, IncidentMember).values(
        incident_id=incident_id,
        user_id=user_id,
        name=name[:100],
        carried_out=0,
        outcome={},
        **values,
    )
    await session.execute(
        insert.on_conflict_do_update(index_elements=["incident_id", "user_id"], set_=values),
        execution_options={"synchronize_session": False},
    )


async def get_members(
    session: AsyncSession, incident_id: int, user_ids: Collection[int]
) -> dict[int, IncidentMember]:
    """Return those of the people who are members of an incident, by id."""
    found: dict[int, IncidentMember] = {}
    ids = list(user_ids)
    for start in range(0, len(ids), 500):
        query = select(IncidentMember).where(
            IncidentMember.incident_id == incident_id,
            IncidentMember.user_id.in_(ids[start : start + 500]),
        )
        rows = await session.scalars(query, execution_options={"populate_existing": True})
        found |= {one.user_id: one for one in rows}
    return found


async def list_members(
    session: AsyncSession, incident_id: int, *, limit: int | None = None
) -> Sequence[IncidentMember]:
    """Return the members of an incident, in the order of their ids."""
    query = (
        select(IncidentMember)
        .where(IncidentMember.incident_id == incident_id)
        .order_by(IncidentMember.user_id)
        .limit(limit)
    )
    return (await session.scalars(query, execution_options={"populate_existing": True})).all()


async def list_unfinished(session: AsyncSession, incident_id: int) -> Sequence[IncidentMember]:
    """Return the members of an incident for whom not all that is wanted has been done."""
    query = (
        select(IncidentMember)
        .where(
            IncidentMember.incident_id == incident_id,
            IncidentMember.carried_out < IncidentMember.version,
        )
        .order_by(IncidentMember.user_id)
    )
    return (await session.scalars(query, execution_options={"populate_existing": True})).all()


async def finish_member(
    session: AsyncSession,
    incident_id: int,
    user_id: int,
    *,
    version: int,
    outcomes: Sequence[Mapping[str, Any]],
) -> None:
    """Note what was done to a member, up to a version of what is wanted.

    Whoever calls holds the incident locked. What another process has done as well counts once.
    """
    member = (await get_members(session, incident_id, [user_id])).get(user_id)
    if member is None:
        return
    listed = list(member.outcome.get("list", ()))
    known = {one["case"] for one in listed if "case" in one}
    listed += [dict(one) for one in outcomes if one.get("case") not in known]
    member.outcome = {"list": listed}
    member.carried_out = max(member.carried_out, version)


async def count_members(session: AsyncSession, incident_id: int) -> int:
    """Return how many members an incident has."""
    query = select(func.count()).where(IncidentMember.incident_id == incident_id)
    return await session.scalar(query) or 0
