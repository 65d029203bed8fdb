"""Automod's incidents: one row per burst and member or per campaign, with all that belongs to it.

What a hit means and what follows is decided in `cogs.automod`; here is who wins a race.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Index,
    Integer,
    String,
    Text,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Erasure, Json, RowId, Snowflake, UtcDateTime
from db.base import person as person_info
from db.statements import count_changed, insert_for

# States of an incident.
OPEN, SETTLED, UNDONE = "open", "settled", "undone"
# States of a message: to be deleted, gone, left alone by the rules, or not to be had.
PENDING, DELETED, KEPT, FAILED = "pending", "deleted", "kept", "failed"
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
    """One member of an incident: what is wanted (`severity`, `steps`) and how far it got."""

    __tablename__ = "automod_members"

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person_info(DELETE_ROW)
    )
    name: Mapped[str] = mapped_column(String(100), default="")
    severity: Mapped[int] = mapped_column(Integer, default=0)
    carried_out: Mapped[int] = mapped_column(Integer, default=-1)
    steps: Mapped[dict[str, Any]] = mapped_column(Json)
    outcome: Mapped[dict[str, Any]] = mapped_column(Json)


class IncidentMessage(Base):
    """A message of an incident; the content is kept for some, to show what was deleted."""

    __tablename__ = "automod_messages"

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    message_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, index=True)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person_info(Erasure(clears=("content",)))
    )
    content: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))


class Strike(Base):
    """That a member broke a rule, once per incident."""

    __tablename__ = "automod_strikes"
    __table_args__ = (Index(None, "struck_at"),)

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person_info(DELETE_ROW)
    )
    rule: Mapped[str] = mapped_column(String(32), primary_key=True)
    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True, index=True)
    struck_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FalsePositive(Base):
    """An incident that staff say was none, to make rules better by."""

    __tablename__ = "automod_false_positives"
    __table_args__ = (Index(None, "guild_id", "marked_at"),)

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person_info(Erasure(clears=("text",)))
    )
    rules: Mapped[dict[str, Any]] = mapped_column(Json)
    text: Mapped[str | None] = mapped_column(Text)
    marked_by: Mapped[int | None] = mapped_column(Snowflake, info=person_info(FORGET_PERSON))
    marked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Effect(Base):
    """What automod changed about a channel or a guild for a time, and what it was before.

    `channel_id` is 0 for the guild itself. The row is written before the change is made.
    """

    __tablename__ = "automod_effects"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    channel_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    incident_id: Mapped[int] = mapped_column(RowId)
    original: Mapped[dict[str, Any]] = mapped_column(Json)
    applied: Mapped[dict[str, Any]] = mapped_column(Json)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


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


async def raise_member(
    session: AsyncSession,
    *,
    incident_id: int,
    user_id: int,
    name: str,
    severity: int,
    steps: Mapping[str, Any],
) -> bool:
    """Want this of a member of an incident unless as much is wanted; True when that is new."""
    values = {"severity": severity, "steps": dict(steps)}
    insert = insert_for(session, IncidentMember).values(
        incident_id=incident_id,
        user_id=user_id,
        name=name[:100],
        carried_out=-1,
        outcome={},
        **values,
    )
    statement = insert.on_conflict_do_update(
        index_elements=["incident_id", "user_id"],
        set_=values,
        where=IncidentMember.severity < severity,
    )
    return await count_changed(session, statement) == 1


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
            IncidentMember.carried_out < IncidentMember.severity,
        )
        .order_by(IncidentMember.user_id)
    )
    return (await session.scalars(query, execution_options={"populate_existing": True})).all()


async def finish_member(
    session: AsyncSession,
    incident_id: int,
    user_id: int,
    *,
    severity: int,
    outcome: Mapping[str, Any],
) -> None:
    """Note what was done to a member, up to a severity."""
    await count_changed(
        session,
        update(IncidentMember)
        .where(IncidentMember.incident_id == incident_id, IncidentMember.user_id == user_id)
        .values(carried_out=severity, outcome=dict(outcome)),
    )


async def count_members(session: AsyncSession, incident_id: int) -> int:
    """Return how many members an incident has."""
    query = select(func.count()).where(IncidentMember.incident_id == incident_id)
    return await session.scalar(query) or 0


# --- messages ---------------------------------------------------------------------------------


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


# --- strikes and false positives --------------------------------------------------------------


async def add_strike(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    rule: str,
    incident_id: int,
    now: datetime,
    since: datetime,
) -> int:
    """Count an incident against a member, once, and return how many count since an instant."""
    statement = insert_for(session, Strike).values(
        guild_id=guild_id, user_id=user_id, rule=rule, incident_id=incident_id, struck_at=now
    )
    await count_changed(session, statement.on_conflict_do_nothing())
    query = select(func.count()).where(*_of(guild_id, user_id, rule), Strike.struck_at > since)
    return await session.scalar(query) or 0


async def take_back_strikes(session: AsyncSession, incident_id: int) -> int:
    """Count an incident against nobody any more; return how many strikes there were."""
    return await count_changed(session, delete(Strike).where(Strike.incident_id == incident_id))


def _of(guild_id: int, user_id: int, rule: str) -> tuple[ColumnElement[bool], ...]:
    return (Strike.guild_id == guild_id, Strike.user_id == user_id, Strike.rule == rule)


async def add_false_positive(session: AsyncSession, **values: Any) -> bool:
    """Record that an incident was none; False when that is known."""
    statement = insert_for(session, FalsePositive).values(**values)
    return await count_changed(session, statement.on_conflict_do_nothing()) == 1


# --- effects ----------------------------------------------------------------------------------


async def add_effect(session: AsyncSession, **values: Any) -> tuple[Effect, bool]:
    """Write down what is about to be changed; one that is there keeps what was before.

    Returns the row and whether it is new. Of an old one only the end is put off.
    """
    statement = insert_for(session, Effect).values(**values).on_conflict_do_nothing()
    is_new = await count_changed(session, statement) == 1
    key = (values["guild_id"], values["kind"], values["channel_id"])
    row = await get_effect(session, *key, lock=True)
    if row is None:
        raise RuntimeError("an effect that is there can't be read")
    row.ends_at = max(row.ends_at, values["ends_at"])
    return row, is_new


async def get_effect(
    session: AsyncSession, guild_id: int, kind: str, channel_id: int, *, lock: bool = False
) -> Effect | None:
    """Return what was changed, `None` when nothing of this kind is."""
    query = select(Effect).where(
        Effect.guild_id == guild_id, Effect.kind == kind, Effect.channel_id == channel_id
    )
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def list_effects(session: AsyncSession, incident_id: int) -> Sequence[Effect]:
    """Return what an incident changed that still holds."""
    return (await session.scalars(select(Effect).where(Effect.incident_id == incident_id))).all()


async def end_effect(session: AsyncSession, guild_id: int, kind: str, channel_id: int) -> None:
    """Forget a change that is undone."""
    await count_changed(
        session,
        delete(Effect).where(
            Effect.guild_id == guild_id, Effect.kind == kind, Effect.channel_id == channel_id
        ),
    )


# --- retention --------------------------------------------------------------------------------


async def forget_contents(session: AsyncSession, before: datetime) -> int:
    """Forget what messages of incidents from before an instant said."""
    old = select(Incident.id).where(Incident.opened_at < before)
    texts = update(IncidentMessage).where(
        IncidentMessage.incident_id.in_(old), IncidentMessage.content.is_not(None)
    )
    return await count_changed(session, texts.values(content=None))


async def delete_old(session: AsyncSession, before: datetime) -> int:
    """Delete incidents and all that belongs to them from before an instant; return how many."""
    old = select(Incident.id).where(Incident.opened_at < before)
    for table in (IncidentMessage, IncidentMember):
        await count_changed(session, delete(table).where(table.incident_id.in_(old)))
    await count_changed(session, delete(Strike).where(Strike.struck_at < before))
    await count_changed(session, delete(FalsePositive).where(FalsePositive.marked_at < before))
    return await count_changed(session, delete(Incident).where(Incident.opened_at < before))
