"""The messages of Automod's incidents, and what became of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import String, Text, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.automod import UNDONE, Incident
from db.base import Base, Erasure, Json, RowId, Snowflake
from db.base import person as person_info
from db.statements import count_changed, insert_for

# States of a message: to be deleted, gone, left alone by the rules, or not to be had.
PENDING, DELETED, KEPT, FAILED = "pending", "deleted", "kept", "failed"


class IncidentMessage(Base):
    """A message of an incident; the content is kept for some, to show what was deleted.

    `judged` holds by rule the marks of what was found in it, `None` for one of an earlier release.
    """

    __tablename__ = "automod_messages"

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    message_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, index=True)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person_info(Erasure(clears=("content", "judged")))
    )
    content: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    judged: Mapped[dict[str, Any] | None] = mapped_column(Json)


class CampaignMessage(NamedTuple):
    """A message that a campaign held, what became of it, and by which rules it was judged."""

    message_id: int
    state: str
    rules: frozenset[str]


class JudgedMessage(NamedTuple):
    """What an incident has found in a message, and what became of both."""

    incident_id: int
    message_id: int
    state: str
    judged: Mapping[str, Sequence[str]]
    is_undone: bool


async def add_messages(session: AsyncSession, rows: Collection[Mapping[str, Any]]) -> int:
    """Add messages to incidents, each once; one that was kept is deleted after all."""
    added = 0
    # SQLite takes at most 32,766 values in a statement; a chunk stays far below.
    listed = list(rows)
    for start in range(0, len(listed), 500):
        insert = insert_for(session, IncidentMessage).values(listed[start : start + 500])
        statement = insert.on_conflict_do_update(
            index_elements=["incident_id", "message_id"],
            set_={"state": PENDING},
            where=(IncidentMessage.state == KEPT) & (insert.excluded.state == PENDING),
        )
        added += await count_changed(session, statement)
    return added


async def list_judged(
    session: AsyncSession, message_ids: Collection[int]
) -> Sequence[JudgedMessage]:
    """Return what incidents have found in these messages before, but for those in shadow."""
    found: list[JudgedMessage] = []
    ids = list(message_ids)
    for start in range(0, len(ids), 500):
        query = (
            select(IncidentMessage, Incident.state)
            .join(Incident, Incident.id == IncidentMessage.incident_id)
            .where(
                IncidentMessage.message_id.in_(ids[start : start + 500]),
                Incident.shadow.is_(False),
            )
            .order_by(IncidentMessage.incident_id)
        )
        found += [
            JudgedMessage(
                row.incident_id, row.message_id, row.state, row.judged or {}, state == UNDONE
            )
            for row, state in (await session.execute(query)).all()
        ]
    return found


async def note_judged(
    session: AsyncSession, incident_id: int, judged: Mapping[int, Mapping[str, Any]]
) -> None:
    """Remember of an incident's messages, by id, what has been found in them by now."""
    rows = [
        {"incident_id": incident_id, "message_id": message_id, "judged": dict(marks)}
        for message_id, marks in judged.items()
    ]
    if rows:
        await session.execute(update(IncidentMessage), rows)


async def list_pending(
    session: AsyncSession, incident_id: int, *, user_id: int | None = None
) -> Sequence[IncidentMessage]:
    """Return the messages of an incident that are still to be deleted, of all or of one author."""
    query = select(IncidentMessage).where(
        IncidentMessage.incident_id == incident_id, IncidentMessage.state == PENDING
    )
    if user_id is not None:
        query = query.where(IncidentMessage.user_id == user_id)
    return (await session.scalars(query.order_by(IncidentMessage.message_id))).all()


async def list_shown(
    session: AsyncSession, incident_id: int, limit: int
) -> Sequence[IncidentMessage]:
    """Return the first messages of an incident whose content is known."""
    query = (
        select(IncidentMessage)
        .where(IncidentMessage.incident_id == incident_id, IncidentMessage.content.is_not(None))
        .order_by(IncidentMessage.message_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def count_messages(session: AsyncSession, incident_id: int) -> dict[str, int]:
    """Return how many messages of an incident are in each state."""
    query = (
        select(IncidentMessage.state, func.count())
        .where(IncidentMessage.incident_id == incident_id)
        .group_by(IncidentMessage.state)
    )
    rows = (await session.execute(query)).all()
    return {row[0]: row[1] for row in rows}


async def list_in_campaigns(
    session: AsyncSession, incident_id: int, message_ids: Sequence[int]
) -> Sequence[CampaignMessage]:
    """Return those of the messages that other campaigns than this incident have held before."""
    found: list[CampaignMessage] = []
    rules: dict[int, frozenset[str]] = {}
    for start in range(0, len(message_ids), 500):
        query = (
            select(IncidentMessage.message_id, IncidentMessage.state, IncidentMessage.incident_id)
            .join(Incident, Incident.id == IncidentMessage.incident_id)
            .where(
                IncidentMessage.message_id.in_(message_ids[start : start + 500]),
                IncidentMessage.incident_id != incident_id,
                Incident.scope == "campaign",
                Incident.shadow.is_(False),
            )
            .order_by(IncidentMessage.incident_id)
        )
        rows = (await session.execute(query)).all()
        incidents = {row.incident_id for row in rows} - rules.keys()
        findings = select(Incident.id, Incident.findings).where(Incident.id.in_(incidents))
        for row in (await session.execute(findings)).all() if incidents else ():
            rules[row.id] = frozenset(row.findings.get("rules", ()))
        found += [CampaignMessage(r.message_id, r.state, rules[r.incident_id]) for r in rows]
    return found


async def mark_messages(
    session: AsyncSession, message_ids: Collection[int], state: str
) -> Sequence[int]:
    """Say what became of messages that were to be deleted; return the incidents they are of.

    Incidents are locked first, as by everybody who writes more than one row of one.
    """
    found: set[int] = set()
    ids = list(message_ids)
    await _lock_incidents_of(session, ids)
    for start in range(0, len(ids), 500):
        statement = (
            update(IncidentMessage)
            .where(
                IncidentMessage.message_id.in_(ids[start : start + 500]),
                IncidentMessage.state == PENDING,
            )
            .values(state=state)
            .returning(IncidentMessage.incident_id)
            .execution_options(synchronize_session=False)
        )
        found.update((await session.scalars(statement)).all())
    if found:
        await count_changed(
            session,
            update(Incident).where(Incident.id.in_(found)).values(revision=Incident.revision + 1),
        )
    return sorted(found)


async def _lock_incidents_of(session: AsyncSession, message_ids: Sequence[int]) -> None:
    incidents: set[int] = set()
    for start in range(0, len(message_ids), 500):
        query = select(IncidentMessage.incident_id).where(
            IncidentMessage.message_id.in_(message_ids[start : start + 500])
        )
        incidents.update((await session.scalars(query.distinct())).all())
    locking = select(Incident.id).where(Incident.id.in_(sorted(incidents))).order_by(Incident.id)
    await session.execute(locking.with_for_update())
