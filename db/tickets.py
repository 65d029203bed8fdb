"""Tickets: who asked for what, where it is talked over, who sees to it, and what happened to it.

`status` is only changed by a compare-and-set (`change_ticket`). Numbers and limits are decided
while the guild's counter row is held, so that simultaneous openings stand in line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    NOBODY,
    Base,
    Erasure,
    Json,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.statements import count_changed, insert_for

# The states in which a ticket takes one of its opener's places; see `cogs.tickets.machine`.
UNFINISHED = ("opening", "open", "closing", "reopening")
# Events whose details are people's words.
WORDED = ("rename", "label")
# The staff still need to know whose ticket it is; more is done by `db.ticket_erasure`.
_FORGET_OPENER = Erasure(
    replacement=NOBODY,
    clears=("answers", "origin", "close_reason"),
    kept_while=("status", UNFINISHED),
)
_FORGET_ACTOR = Erasure()
# Whose message a ticket is about must not learn from their export who opened it.
_FORGET_QUOTED = Erasure(clears=("origin",), is_anothers=True)


class Ticket(Base):
    """A ticket; `number` is how its guild calls it, `category` the panel's name when it was opened.

    `channel_id` is its room, a thread or a channel (`mode`), and NULL while there is none; then
    `room_lost` says that somebody deleted it by hand. `staff_roles` and `answers` are what the
    panel and its form made of it; `origin` is the message it is about, by `quoted_author_id`.
    `renamed_at` holds the last instants at which Discord was asked for another name, `room_state`
    how the room was last made. `waiting_since` is when the opener began to wait for an answer,
    `level` counts the steps of the service level since, `revision` its changes. `asked_panel_id`
    is the panel that was pressed, whose form may have led to another; `guest_wrote_at` is when
    somebody last wrote who was added. After the message `missed_after` some may be missing from
    the record; NULL while none are. `purged_at` is when what was written was deleted because it was
    old, `erase_asked_at` when the opener had their data erased, which is done here after closing.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        UniqueConstraint("channel_id"),
        UniqueConstraint("request_id"),
        Index(None, "guild_id", "status"),
        Index(None, "guild_id", "user_id", "panel_id"),
        Index(None, "status", "closed_at"),
        Index(None, "guild_id", "purged_at", "closed_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    number: Mapped[int] = mapped_column(Integer)
    panel_id: Mapped[int | None] = mapped_column(RowId, index=True)
    asked_panel_id: Mapped[int | None] = mapped_column(RowId)
    category: Mapped[str] = mapped_column(String(50))
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_FORGET_OPENER))
    opened_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    # The interaction that it was asked for with: asked again, it opens no second one.
    request_id: Mapped[int] = mapped_column(Snowflake)
    status: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(10))
    parent_id: Mapped[int | None] = mapped_column(Snowflake, index=True)
    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    room_lost: Mapped[bool] = mapped_column(Boolean)
    name: Mapped[str] = mapped_column(String(100))
    renamed_at: Mapped[list[float]] = mapped_column(Json)
    room_state: Mapped[dict[str, Any]] = mapped_column(Json)
    missed_after: Mapped[int | None] = mapped_column(Snowflake)
    claimed_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(_FORGET_ACTOR)
    )
    priority: Mapped[str] = mapped_column(String(10))
    labels: Mapped[list[str]] = mapped_column(Json)
    staff_roles: Mapped[list[str]] = mapped_column(Json)
    answers: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    origin: Mapped[dict[str, Any]] = mapped_column(Json)
    quoted_author_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(_FORGET_QUOTED)
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_reply_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opener_wrote_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    staff_wrote_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    guest_wrote_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_requested_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(_FORGET_ACTOR)
    )
    close_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_reason: Mapped[str | None] = mapped_column(Text)
    reopened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(Erasure(clears=("close_reason",)))
    )
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remove_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erase_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    exempt: Mapped[bool] = mapped_column(Boolean)
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    level: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)


class TicketCounter(Base):
    """The last number given in a guild."""

    __tablename__ = "ticket_counters"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


class TicketMember(Base):
    """Somebody who was added to a ticket beside its opener and the staff."""

    __tablename__ = "ticket_members"

    ticket_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    guild_id: Mapped[int] = mapped_column(Snowflake)
    added_by: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))


class TicketEvent(Base):
    """Something that happened to a ticket; `kind` is an action, `text` what people wrote with it.

    `details` holds values, and people's words only for the kinds in `WORDED`. Staff's notes are
    events too.
    """

    __tablename__ = "ticket_events"
    __table_args__ = (Index(None, "ticket_id", "id"), Index(None, "guild_id", "at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(RowId)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    kind: Mapped[str] = mapped_column(String(24))
    actor_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(Erasure(clears=("text",)))
    )
    # Whom it was done to: added, removed, given the ticket.
    subject_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(Json)


# --- opening -------------------------------------------------------------------------------------


async def take_number(session: AsyncSession, guild_id: int) -> int:
    """Return the next number and hold the counter to the end; a rollback gives it back."""
    statement = insert_for(session, TicketCounter).values(guild_id=guild_id, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["guild_id"], set_={"last": TicketCounter.last + 1}
    )
    return await session.scalar(statement.returning(TicketCounter.last)) or 1


async def hold_counter(session: AsyncSession, guild_id: int) -> None:
    """Hold the guild's counter until the transaction ends: whoever does so stands in line."""
    query = select(TicketCounter.last).where(TicketCounter.guild_id == guild_id)
    await session.execute(query.with_for_update())


async def count_unfinished(
    session: AsyncSession,
    guild_id: int,
    *,
    panel_id: int | None = None,
    user_id: int | None = None,
) -> int:
    """Return how many tickets of the guild are not closed; exact while the counter is held."""
    query = select(func.count()).where(Ticket.guild_id == guild_id, Ticket.status.in_(UNFINISHED))
    if panel_id is not None:
        query = query.where(Ticket.panel_id == panel_id)
    if user_id is not None:
        query = query.where(Ticket.user_id == user_id)
    return await session.scalar(query) or 0


async def get_last_opening(
    session: AsyncSession, guild_id: int, panel_id: int, user_id: int
) -> datetime | None:
    """Return when somebody last opened a ticket of a panel or by its form; failed ones not."""
    query = select(func.max(Ticket.created_at)).where(
        Ticket.guild_id == guild_id,
        or_(Ticket.panel_id == panel_id, Ticket.asked_panel_id == panel_id),
        Ticket.user_id == user_id,
        Ticket.status != "failed",
    )
    return await session.scalar(query)


# --- reading -------------------------------------------------------------------------------------


async def get_ticket(session: AsyncSession, ticket_id: int, *, lock: bool = False) -> Ticket | None:
    """Return a ticket; with `lock` nobody else changes it until the transaction ends."""
    query = select(Ticket).where(Ticket.id == ticket_id)
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_ticket_in(session: AsyncSession, channel_id: int) -> Ticket | None:
    """Return the ticket whose room a channel or thread is."""
    return await session.scalar(select(Ticket).where(Ticket.channel_id == channel_id))


async def list_tickets_in(session: AsyncSession, channel_id: int) -> Sequence[Ticket]:
    """Return the tickets whose room a channel is, or whose threads are in it.

    With a channel its threads are deleted, of which Discord tells nothing.
    """
    query = select(Ticket).where(
        or_(
            Ticket.channel_id == channel_id,
            (Ticket.parent_id == channel_id)
            & (Ticket.mode == "thread")
            & Ticket.channel_id.is_not(None),
        )
    )
    return (await session.scalars(query)).all()


async def get_ticket_requested(session: AsyncSession, request_id: int) -> Ticket | None:
    """Return the ticket that was opened on a request."""
    return await session.scalar(select(Ticket).where(Ticket.request_id == request_id))


async def get_ticket_numbered(session: AsyncSession, guild_id: int, number: int) -> Ticket | None:
    """Return a guild's ticket by its number."""
    query = select(Ticket).where(Ticket.guild_id == guild_id, Ticket.number == number)
    return await session.scalar(query)


async def list_tickets(
    session: AsyncSession,
    guild_id: int,
    *,
    statuses: Collection[str] | None = None,
    user_id: int | None = None,
    panel_ids: Collection[int] | None = None,
    before: int | None = None,
    limit: int = 25,
) -> Sequence[Ticket]:
    """Return a guild's tickets, the newest first, those with a smaller number than `before`."""
    query = select(Ticket).where(Ticket.guild_id == guild_id)
    if statuses is not None:
        query = query.where(Ticket.status.in_(statuses))
    if user_id is not None:
        query = query.where(Ticket.user_id == user_id)
    if panel_ids is not None:
        query = query.where(Ticket.panel_id.in_(panel_ids))
    if before is not None:
        query = query.where(Ticket.number < before)
    return (await session.scalars(query.order_by(Ticket.number.desc()).limit(limit))).all()


async def list_with_rooms(session: AsyncSession) -> Sequence[Ticket]:
    """Return every ticket that has a room in which somebody can write.

    In a channel that is kept for a while after the end, the staff can.
    """
    can_write = or_(Ticket.status.in_(UNFINISHED), Ticket.mode == "channel")
    query = select(Ticket).where(Ticket.channel_id.is_not(None), can_write)
    return (await session.scalars(query)).all()


async def list_guilds_with_rooms(
    session: AsyncSession, guild_ids: Collection[int]
) -> Sequence[int]:
    """Return those of the guilds in which tickets are open."""
    query = select(Ticket.guild_id).where(
        Ticket.guild_id.in_(guild_ids), Ticket.status.in_(("open", "closing"))
    )
    return (await session.scalars(query.distinct())).all()


async def list_members(session: AsyncSession, ticket_id: int) -> Sequence[int]:
    """Return who was added to a ticket."""
    query = select(TicketMember.user_id).where(TicketMember.ticket_id == ticket_id)
    return (await session.scalars(query.order_by(TicketMember.user_id))).all()


async def list_events(
    session: AsyncSession, ticket_id: int, *, kinds: Collection[str] | None = None
) -> Sequence[TicketEvent]:
    """Return what happened to a ticket, the first first."""
    query = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id)
    if kinds is not None:
        query = query.where(TicketEvent.kind.in_(kinds))
    return (await session.scalars(query.order_by(TicketEvent.id))).all()


# --- changing ------------------------------------------------------------------------------------


async def change_ticket(
    session: AsyncSession, ticket_id: int, was: Collection[str], **values: Any
) -> Ticket | None:
    """Change a ticket that is in one of these states and return it as it is now, else `None`."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, Ticket.status.in_(was))
        .values(revision=Ticket.revision + 1, **values)
        .returning(Ticket)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def set_room(
    session: AsyncSession, ticket_id: int, channel_id: int, state: Mapping[str, Any]
) -> bool:
    """Note the room that was made for a ticket which has none; False when it has one."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, Ticket.channel_id.is_(None))
        .values(channel_id=channel_id, room_lost=False, room_state=dict(state), renamed_at=[])
    )
    return await count_changed(session, statement) > 0


async def note_room(
    session: AsyncSession,
    ticket_id: int,
    state: Mapping[str, Any],
    renamed_at: Sequence[float] | None = None,
) -> None:
    """Note how a room was made, and when it was last renamed."""
    values: dict[str, Any] = {"room_state": dict(state)}
    if renamed_at is not None:
        values["renamed_at"] = list(renamed_at)
    await session.execute(update(Ticket).where(Ticket.id == ticket_id).values(**values))


async def drop_room(
    session: AsyncSession, ticket_id: int, channel_id: int | None, *, lost: bool
) -> bool:
    """Note that a ticket's room is gone; False when it was noted or there is another by now."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, Ticket.channel_id == channel_id)
        .values(channel_id=None, room_lost=lost, room_state={}, remove_at=None)
    )
    return await count_changed(session, statement) > 0


async def list_taken(session: AsyncSession, channel_ids: Collection[int]) -> Sequence[int | None]:
    """Return those of the channels that are the room of a ticket."""
    query = select(Ticket.channel_id).where(Ticket.channel_id.in_(channel_ids))
    return (await session.scalars(query)).all()


async def add_event(
    session: AsyncSession,
    ticket: Ticket,
    kind: str,
    at: datetime,
    *,
    actor_id: int | None = None,
    subject_id: int | None = None,
    text: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note what happened to a ticket."""
    session.add(
        TicketEvent(
            ticket_id=ticket.id,
            guild_id=ticket.guild_id,
            kind=kind,
            actor_id=actor_id,
            subject_id=subject_id,
            at=at,
            text=text,
            details=dict(details or {}),
        )
    )
    await session.flush()


async def add_member(
    session: AsyncSession, ticket: Ticket, user_id: int, added_by: int | None
) -> bool:
    """Add somebody to a ticket; False when they were in it."""
    statement = (
        insert_for(session, TicketMember)
        .values(ticket_id=ticket.id, user_id=user_id, guild_id=ticket.guild_id, added_by=added_by)
        .on_conflict_do_nothing(index_elements=["ticket_id", "user_id"])
    )
    return await count_changed(session, statement) > 0


async def remove_member(session: AsyncSession, ticket_id: int, user_id: int) -> bool:
    """Take somebody out of a ticket; False when they were not in it."""
    statement = delete(TicketMember).where(
        TicketMember.ticket_id == ticket_id, TicketMember.user_id == user_id
    )
    return await count_changed(session, statement) > 0


async def list_guilds(session: AsyncSession) -> Sequence[int]:
    """Return the guilds that have tickets."""
    return (await session.scalars(select(Ticket.guild_id).distinct())).all()


async def count_open(session: AsyncSession) -> int:
    """Return how many tickets are open in all guilds."""
    query = select(func.count()).where(Ticket.status.in_(UNFINISHED))
    return await session.scalar(query) or 0
