"""What staff do, counted by person; incidents of who did too much, and the roles that cost them.

A deed has the key of its audit log entry or case, so that one that is heard of twice counts once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    Base,
    Erasure,
    Json,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.statements import count_changed, insert_for

# Being looked at, roles being taken, all done, roles being given back, given back, not meant.
OPEN = "open"
ACTING = "acting"
DONE = "done"
RESTORING = "restoring"
RESTORED = "restored"
SPARED = "spared"
# The roles of such an incident may still have to be given back.
STANDING = (OPEN, ACTING, DONE, RESTORING)

PLANNED = "planned"
TAKEN = "taken"
REFUSED = "refused"
GONE = "gone"
RETURNED = "returned"

# What deeds are called; `cogs.antinuke.rules` knows what each is.
KINDS = (
    "ban",
    "kick",
    "channel_delete",
    "role_delete",
    "channel_create",
    "role_create",
    "webhook_create",
    "grant",
    "bot_add",
)


class WatchedPerson(Base):
    """Somebody whose deeds are counted; whoever counts holds the row, so counts don't overlap."""

    __tablename__ = "antinuke_people"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class StaffDeed(Base):
    """Something that somebody of the staff did; `weight` is how often, such as of a prune.

    It counts for a day at most and is deleted soon after. Erasing does not shorten that: nobody is
    to begin anew in the middle of it.
    """

    __tablename__ = "antinuke_deeds"
    __table_args__ = (Index(None, "guild_id", "user_id", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(
        Snowflake, index=True, info=person(Erasure(deletes=True, kept_while=("kind", KINDS)))
    )
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    weight: Mapped[int] = mapped_column(Integer)
    target_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(Erasure(clears=("target_name",)))
    )
    target_name: Mapped[str | None] = mapped_column(String(100))
    incident_id: Mapped[int | None] = mapped_column(RowId, index=True)


class NukeIncident(Base):
    """Somebody did more than a limit allows; `open_key` names the person until `open_until`.

    `limits` and `seconds` are those that were in force. `notes` are what came of it, as messages.
    """

    __tablename__ = "antinuke_incidents"
    __table_args__ = (Index(None, "guild_id"), Index(None, "opened_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake,
        index=True,
        info=person(Erasure(clears=("user_name",), kept_while=("state", STANDING))),
    )
    user_name: Mapped[str | None] = mapped_column(String(100))
    is_bot: Mapped[bool] = mapped_column(Boolean)
    open_key: Mapped[str | None] = mapped_column(String(48), unique=True)
    response: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    limits: Mapped[dict[str, int]] = mapped_column(Json)
    seconds: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    open_until: Mapped[datetime] = mapped_column(UtcDateTime)
    notes: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    case_number: Mapped[int | None] = mapped_column(Integer)
    log_channel_id: Mapped[int | None] = mapped_column(Snowflake)
    revision: Mapped[int] = mapped_column(Integer)
    restored_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )


class IncidentRole(Base):
    """A role that an incident costs somebody, stored before it is taken."""

    __tablename__ = "antinuke_roles"

    incident_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))


# --- counting ---------------------------------------------------------------------------------


async def hold_person(session: AsyncSession, guild_id: int, user_id: int, now: datetime) -> None:
    """Wait for whoever else counts this person's deeds, until the transaction ends."""
    statement = insert_for(session, WatchedPerson).values(
        guild_id=guild_id, user_id=user_id, seen_at=now
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["guild_id", "user_id"], set_={"seen_at": now}
        )
    )


async def add_deeds(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> int:
    """Add those deeds whose keys are not known; return how many."""
    statement = (
        insert_for(session, StaffDeed)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(StaffDeed.id)
    )
    return len((await session.scalars(statement)).all())


async def sum_deeds(
    session: AsyncSession, guild_id: int, user_id: int, since: datetime
) -> dict[str, int]:
    """Return how often somebody did what after an instant, without what belongs to an incident."""
    query = (
        select(StaffDeed.kind, func.sum(StaffDeed.weight))
        .where(_uncounted(guild_id, user_id, since))
        .group_by(StaffDeed.kind)
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}


async def attach_deeds(
    session: AsyncSession, incident: NukeIncident, user_id: int, since: datetime
) -> None:
    """Put somebody's deeds since an instant down to an incident."""
    where = _uncounted(incident.guild_id, user_id, since)
    statement = update(StaffDeed).where(where)
    await count_changed(session, statement.values(incident_id=incident.id))


def _uncounted(guild_id: int, user_id: int, since: datetime) -> Any:
    return (
        (StaffDeed.guild_id == guild_id)
        & (StaffDeed.user_id == user_id)
        & (StaffDeed.at > since)
        & StaffDeed.incident_id.is_(None)
    )


async def count_incident(session: AsyncSession, incident_id: int) -> dict[str, int]:
    """Return how often what was done in an incident, by kind."""
    query = (
        select(StaffDeed.kind, func.sum(StaffDeed.weight))
        .where(StaffDeed.incident_id == incident_id)
        .group_by(StaffDeed.kind)
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}


async def list_deeds(session: AsyncSession, incident_id: int, *, limit: int) -> Sequence[StaffDeed]:
    """Return the latest deeds of an incident, oldest first."""
    query = (
        select(StaffDeed)
        .where(StaffDeed.incident_id == incident_id)
        .order_by(StaffDeed.at.desc(), StaffDeed.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()[::-1]


# --- incidents --------------------------------------------------------------------------------


async def open_incident(session: AsyncSession, **values: Any) -> NukeIncident | None:
    """Open an incident; `None` when its person has one that is still open."""
    statement = (
        insert_for(session, NukeIncident)
        .values(state=OPEN, notes=[], revision=0, **values)
        .on_conflict_do_nothing(index_elements=["open_key"])
        .returning(NukeIncident)
    )
    return await session.scalar(statement)


async def find_open(session: AsyncSession, open_key: str) -> NukeIncident | None:
    """Return the incident that a person has open."""
    return await session.scalar(select(NukeIncident).where(NukeIncident.open_key == open_key))


async def get_incident(session: AsyncSession, incident_id: int) -> NukeIncident | None:
    """Return an incident as it is now."""
    return await session.get(NukeIncident, incident_id, populate_existing=True)


async def change_incident(
    session: AsyncSession, incident_id: int, *, expected: Collection[str], **values: Any
) -> NukeIncident | None:
    """Change an incident that is in one of the expected states; `None` for another."""
    statement = (
        update(NukeIncident)
        .where(NukeIncident.id == incident_id, NukeIncident.state.in_(expected))
        .values(revision=NukeIncident.revision + 1, **values)
        .returning(NukeIncident)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def list_incidents(
    session: AsyncSession, guild_id: int, *, limit: int
) -> Sequence[NukeIncident]:
    """Return a guild's latest incidents, newest first, without those that were not meant."""
    query = (
        select(NukeIncident)
        .where(NukeIncident.guild_id == guild_id, NukeIncident.state != SPARED)
        .order_by(NukeIncident.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def find_restorable(
    session: AsyncSession, guild_id: int, user_id: int
) -> NukeIncident | None:
    """Return somebody's latest incident with roles that can be given back."""
    query = (
        select(NukeIncident)
        .join(IncidentRole, IncidentRole.incident_id == NukeIncident.id)
        .where(
            NukeIncident.guild_id == guild_id,
            NukeIncident.user_id == user_id,
            NukeIncident.state == DONE,
            IncidentRole.state == TAKEN,
        )
        .order_by(NukeIncident.id.desc())
        .limit(1)
    )
    return await session.scalar(query)


# --- roles ------------------------------------------------------------------------------------


async def add_roles(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store the roles that an incident is going to cost."""
    if rows:
        await session.execute(insert(IncidentRole), list(rows))


async def list_roles(session: AsyncSession, incident_id: int) -> Sequence[IncidentRole]:
    """Return the roles of an incident."""
    query = (
        select(IncidentRole)
        .where(IncidentRole.incident_id == incident_id)
        .order_by(IncidentRole.role_id)
    )
    return (await session.scalars(query, execution_options={"populate_existing": True})).all()


async def mark_role(session: AsyncSession, incident_id: int, role_id: int, state: str) -> None:
    """Note how far a role is."""
    statement = update(IncidentRole).where(
        IncidentRole.incident_id == incident_id, IncidentRole.role_id == role_id
    )
    await count_changed(session, statement.values(state=state))


# --- retention --------------------------------------------------------------------------------


async def delete_old_deeds(session: AsyncSession, before: datetime) -> int:
    """Delete deeds from before an instant, and who has done nothing since."""
    await count_changed(session, delete(WatchedPerson).where(WatchedPerson.seen_at < before))
    return await count_changed(session, delete(StaffDeed).where(StaffDeed.at < before))


async def delete_old_incidents(session: AsyncSession, before: datetime) -> int:
    """Delete incidents from before an instant with their roles; return how many."""
    old = select(NukeIncident.id).where(NukeIncident.opened_at < before)
    await count_changed(session, delete(IncidentRole).where(IncidentRole.incident_id.in_(old)))
    return await count_changed(session, delete(NukeIncident).where(NukeIncident.opened_at < before))
