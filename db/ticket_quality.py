"""What makes tickets good: ratings, the staff's ready texts, and numbers on how fast they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, cast

from sqlalchemy import ColumnElement, Integer, String, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for
from db.ticket_messages import TicketMessage
from db.tickets import Ticket, TicketEvent


class TicketRating(Base):
    """What an opener thinks of how a ticket was seen to: one to five stars, and a word."""

    __tablename__ = "ticket_ratings"

    ticket_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(Snowflake, index=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    stars: Mapped[int] = mapped_column(Integer)
    comment: Mapped[str | None] = mapped_column(Text)
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketTag(Base):
    """A text that the staff send by its name; with `trigger` words it is sent by itself, too."""

    __tablename__ = "ticket_tags"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    trigger: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    uses: Mapped[int] = mapped_column(Integer)


# --- ratings -------------------------------------------------------------------------------------


async def put_rating(
    session: AsyncSession, ticket: Ticket, user_id: int, stars: int, at: datetime
) -> bool:
    """Keep how many stars somebody gives, in the place of other stars and the word with them.

    False when they gave as many before.
    """
    statement = insert_for(session, TicketRating).values(
        ticket_id=ticket.id, guild_id=ticket.guild_id, user_id=user_id, stars=stars, rated_at=at
    )
    statement = statement.on_conflict_do_update(
        index_elements=["ticket_id", "user_id"],
        set_={"stars": stars, "rated_at": at, "comment": None},
        where=TicketRating.stars != stars,
    )
    return await count_changed(session, statement) == 1


async def find_rating(session: AsyncSession, ticket_id: int, user_id: int) -> TicketRating | None:
    """Return what somebody thinks of a ticket."""
    return await session.get(TicketRating, (ticket_id, user_id), populate_existing=True)


async def put_comment(
    session: AsyncSession, ticket_id: int, user_id: int, comment: str | None
) -> bool:
    """Keep the word that goes with somebody's rating; False when there is no rating."""
    statement = (
        update(TicketRating)
        .where(TicketRating.ticket_id == ticket_id, TicketRating.user_id == user_id)
        .values(comment=comment)
    )
    return await count_changed(session, statement) > 0


async def get_rating(session: AsyncSession, ticket_id: int) -> TicketRating | None:
    """Return the last rating of a ticket."""
    query = select(TicketRating).where(TicketRating.ticket_id == ticket_id)
    return await session.scalar(query.order_by(TicketRating.rated_at.desc()).limit(1))


class Opened(Protocol):
    """What figures are made of; of a ticket no more is read.

    `answered_by` is who of the staff wrote first, as long as that is on record.
    """

    number: int
    id: int
    status: str
    created_at: datetime
    first_reply_at: datetime | None
    closed_at: datetime | None
    claimed_by: int | None
    answered_by: int | None


class Rated(Protocol):
    """A rating as figures need it."""

    ticket_id: int
    stars: int


async def list_ratings(
    session: AsyncSession, guild_id: int, since: datetime, *, after: int = 0, limit: int = 500
) -> Sequence[Rated]:
    """Return a page of a guild's ratings since an instant, by their tickets' ids above `after`.

    Of one ticket all are in the same page.
    """
    rated = (TicketRating.guild_id == guild_id, TicketRating.rated_at >= since)
    page = (
        select(TicketRating.ticket_id)
        .where(*rated, TicketRating.ticket_id > after)
        .distinct()
        .order_by(TicketRating.ticket_id)
        .limit(limit)
    )
    query = (
        select(TicketRating.ticket_id, TicketRating.stars)
        .where(*rated, TicketRating.ticket_id.in_(page))
        .order_by(TicketRating.ticket_id)
    )
    return cast("Sequence[Rated]", (await session.execute(query)).all())


async def count_events(
    session: AsyncSession, guild_id: int, since: datetime, kinds: Collection[str]
) -> dict[str, int]:
    """Return how often each of these things happened in a guild's tickets since an instant."""
    query = (
        select(TicketEvent.kind, func.count())
        .where(
            TicketEvent.guild_id == guild_id, TicketEvent.at >= since, TicketEvent.kind.in_(kinds)
        )
        .group_by(TicketEvent.kind)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def list_opened(
    session: AsyncSession, guild_id: int, since: datetime, limit: int, *, before: int | None = None
) -> Sequence[Opened]:
    """Return a page of a guild's tickets opened since an instant, the newest first.

    The page begins below the number `before`. No objects are made of the rows: ten thousand take
    the loop half a second.
    """
    # Found by the index of a ticket's messages, up to the staff's first one.
    answered_by = (
        select(TicketMessage.author_id)
        .where(
            TicketMessage.ticket_id == Ticket.id,
            TicketMessage.is_staff,
            TicketMessage.is_bot.is_(False),
            Ticket.first_reply_at.is_not(None),
        )
        .order_by(TicketMessage.message_id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(
        Ticket.number,
        Ticket.id,
        Ticket.status,
        Ticket.created_at,
        Ticket.first_reply_at,
        Ticket.closed_at,
        Ticket.claimed_by,
        answered_by.label("answered_by"),
    ).where(Ticket.guild_id == guild_id, Ticket.created_at >= since, Ticket.status != "failed")
    if before is not None:
        query = query.where(Ticket.number < before)
    query = query.order_by(Ticket.number.desc()).limit(limit)
    return cast("Sequence[Opened]", (await session.execute(query)).all())


# --- tags ----------------------------------------------------------------------------------------


async def list_tags(session: AsyncSession, guild_id: int) -> Sequence[TicketTag]:
    """Return a guild's tags by name."""
    query = select(TicketTag).where(TicketTag.guild_id == guild_id).order_by(TicketTag.name)
    return (await session.scalars(query)).all()


async def get_tag(session: AsyncSession, guild_id: int, name: str) -> TicketTag | None:
    """Return a tag by its name in lower case."""
    return await session.get(TicketTag, (guild_id, name))


async def add_tag(session: AsyncSession, tag: TicketTag) -> bool:
    """Add a tag; False when there is one of that name."""
    statement = (
        insert_for(session, TicketTag)
        .values(
            guild_id=tag.guild_id,
            name=tag.name,
            content=tag.content,
            trigger=tag.trigger,
            created_by=tag.created_by,
            uses=0,
        )
        .on_conflict_do_nothing(index_elements=["guild_id", "name"])
    )
    return await count_changed(session, statement) > 0


async def change_tag(
    session: AsyncSession,
    guild_id: int,
    name: str,
    content: str,
    trigger: str | None,
    *,
    was: tuple[str, str | None] | None = None,
) -> bool:
    """Change a tag, with `was` only while it says that; False when there is none."""
    statement = (
        update(TicketTag).where(*_tag(guild_id, name, was)).values(content=content, trigger=trigger)
    )
    return await count_changed(session, statement) > 0


async def remove_tag(
    session: AsyncSession, guild_id: int, name: str, *, was: tuple[str, str | None] | None = None
) -> bool:
    """Delete a tag, with `was` only while it says that; False when there is none."""
    statement = delete(TicketTag).where(*_tag(guild_id, name, was))
    return await count_changed(session, statement) > 0


def _tag(
    guild_id: int, name: str, was: tuple[str, str | None] | None
) -> Sequence[ColumnElement[bool]]:
    found = [TicketTag.guild_id == guild_id, TicketTag.name == name]
    if was is not None:
        content, trigger = was
        found += [TicketTag.content == content, TicketTag.trigger.is_not_distinct_from(trigger)]
    return found


async def count_use(session: AsyncSession, guild_id: int, name: str) -> None:
    """Count that a tag was sent."""
    await session.execute(
        update(TicketTag)
        .where(TicketTag.guild_id == guild_id, TicketTag.name == name)
        .values(uses=TicketTag.uses + 1)
    )
