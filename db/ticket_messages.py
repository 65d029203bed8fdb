"""What was written in the rooms of tickets: messages, their earlier versions, files, and words.

Words are the index of the full-text search: each of a message's words once, without accents and
case. It is plain rows, so that one set of queries serves both databases.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import (
    Boolean,
    Index,
    Integer,
    String,
    Text,
    delete,
    func,
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
from db.statements import count_changed, insert_for, table_of
from db.tickets import UNFINISHED, Ticket

PENDING, STORED = "pending", "stored"
TOO_LARGE, OVER_QUOTA, GONE = "too_large", "over_quota", "gone"

_FORGET_AUTHOR = Erasure(replacement=NOBODY, clears=("author_name", "content", "extras"))
_BATCH = 500


class TicketMessage(Base):
    """A message in a ticket's room; `extras` are embeds, stickers and polls in short.

    Of many versions the first and the newest are kept; `versions_left_out` counts the others.
    `content` is NULL once its author's data was erased, or the staff have redacted it.
    """

    __tablename__ = "ticket_messages"
    __table_args__ = (Index(None, "ticket_id", "message_id"),)

    message_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(RowId)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    author_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_FORGET_AUTHOR))
    author_name: Mapped[str | None] = mapped_column(String(100))
    is_bot: Mapped[bool] = mapped_column(Boolean)
    is_staff: Mapped[bool] = mapped_column(Boolean)
    content: Mapped[str | None] = mapped_column(Text)
    extras: Mapped[dict[str, Any]] = mapped_column(Json)
    versions_left_out: Mapped[int | None] = mapped_column(Integer)
    reply_to: Mapped[int | None] = mapped_column(Snowflake)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redacted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redacted_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )


class TicketVersion(Base):
    """What a message said before it was edited at `replaced_at`."""

    __tablename__ = "ticket_versions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    message_id: Mapped[int] = mapped_column(Snowflake, index=True)
    ticket_id: Mapped[int] = mapped_column(RowId, index=True)
    author_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    content: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketFile(Base):
    """A file that was sent in a ticket or with its form (`question` is the question's key).

    `sha256` names the stored content, which several rows may share; `url` is where a pending one is
    fetched from, `attachment_id` how Discord calls it.
    """

    __tablename__ = "ticket_files"
    __table_args__ = (Index(None, "guild_id", "state"), Index(None, "ticket_id", "state"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(RowId)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake, index=True)
    question: Mapped[str | None] = mapped_column(String(30))
    author_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    attachment_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(12))
    url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketWord(Base):
    """That a message has a word in it."""

    __tablename__ = "ticket_words"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    # By code points, whatever the database's language: beginnings are found by a range.
    word: Mapped[str] = mapped_column(
        String(40).with_variant(String(40, collation="C"), "postgresql"), primary_key=True
    )
    message_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True
    )
    author_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))


class NamedFile(Protocol):
    """What a file is known by."""

    @property
    def id(self) -> int:
        """The row's number."""
        ...

    @property
    def name(self) -> str:
        """What its sender called it."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...


# --- writing -------------------------------------------------------------------------------------


async def add_messages(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add messages; those that are there already stay as they are."""
    for start in range(0, len(rows), _BATCH):
        statement = insert_for(session, table_of(TicketMessage)).on_conflict_do_nothing(
            index_elements=["message_id"]
        )
        await session.execute(statement, list(rows[start : start + _BATCH]))


async def add_words(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add words to the index; those that are there already stay."""
    for start in range(0, len(rows), _BATCH):
        statement = insert_for(session, table_of(TicketWord)).on_conflict_do_nothing(
            index_elements=["guild_id", "word", "message_id"]
        )
        await session.execute(statement, list(rows[start : start + _BATCH]))


async def list_known(
    session: AsyncSession, message_ids: Collection[int]
) -> dict[int, TicketMessage]:
    """Return those of the messages that are on record, by id."""
    query = select(TicketMessage).where(TicketMessage.message_id.in_(message_ids))
    return {one.message_id: one for one in await session.scalars(query)}


async def trim_versions(session: AsyncSession, message_id: int, most: int) -> int:
    """Keep the first and the newest versions of a message, `most` in all; return how many went."""
    query = select(TicketVersion.id).where(TicketVersion.message_id == message_id)
    found = (await session.scalars(query.order_by(TicketVersion.id))).all()
    surplus = found[1 : max(len(found) - most, 0) + 1]
    if surplus:
        await session.execute(delete(TicketVersion).where(TicketVersion.id.in_(surplus)))
    return len(surplus)


async def mark_deleted(session: AsyncSession, message_ids: Collection[int], at: datetime) -> None:
    """Note that messages were deleted; what they said stays on record."""
    await session.execute(
        update(TicketMessage)
        .where(TicketMessage.message_id.in_(message_ids), TicketMessage.deleted_at.is_(None))
        .values(deleted_at=at)
    )


async def drop_words(session: AsyncSession, message_ids: Collection[int]) -> None:
    """Take messages out of the index."""
    await session.execute(delete(TicketWord).where(TicketWord.message_id.in_(message_ids)))


async def redact(
    session: AsyncSession, ticket_id: int, message_id: int, by: int, at: datetime
) -> bool:
    """Remove for good what a message said, with its versions and files; False if there is none."""
    statement = (
        update(TicketMessage)
        .where(TicketMessage.ticket_id == ticket_id, TicketMessage.message_id == message_id)
        .where(TicketMessage.redacted_at.is_(None))
        .values(content=None, extras={}, versions_left_out=None, redacted_at=at, redacted_by=by)
    )
    if not await count_changed(session, statement):
        return False
    for table in (TicketVersion, TicketFile):
        await session.execute(delete(table).where(table.message_id == message_id))
    await drop_words(session, [message_id])
    return True


# --- reading -------------------------------------------------------------------------------------


async def list_messages(
    session: AsyncSession, ticket_id: int, *, after: int = 0, limit: int = 500
) -> Sequence[TicketMessage]:
    """Return a page of a ticket's messages, the oldest first."""
    query = (
        select(TicketMessage)
        .where(TicketMessage.ticket_id == ticket_id, TicketMessage.message_id > after)
        .order_by(TicketMessage.message_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def list_versions(
    session: AsyncSession, message_ids: Collection[int]
) -> Sequence[TicketVersion]:
    """Return the earlier versions of messages, the oldest first."""
    query = select(TicketVersion).where(TicketVersion.message_id.in_(message_ids))
    return (await session.scalars(query.order_by(TicketVersion.id))).all()


async def list_files(session: AsyncSession, ticket_id: int) -> Sequence[TicketFile]:
    """Return the files of a ticket, the oldest first."""
    query = select(TicketFile).where(TicketFile.ticket_id == ticket_id)
    return (await session.scalars(query.order_by(TicketFile.id))).all()


async def mark_missed(session: AsyncSession) -> None:
    """Note of every room that messages after the last on record may be missing."""
    last = (
        select(func.coalesce(func.max(TicketMessage.message_id), 0))
        .where(TicketMessage.ticket_id == Ticket.id)
        .scalar_subquery()
    )
    await session.execute(
        update(Ticket)
        .where(
            Ticket.channel_id.is_not(None),
            Ticket.status.in_(UNFINISHED),
            Ticket.missed_after.is_(None),
        )
        .values(missed_after=last)
        .execution_options(synchronize_session=False)
    )


async def note_read(session: AsyncSession, ticket_id: int, after: int | None) -> None:
    """Note up to which message a room was read; `None` when nothing is missing any more."""
    await session.execute(update(Ticket).where(Ticket.id == ticket_id).values(missed_after=after))


async def search(
    session: AsyncSession,
    guild_id: int,
    words: Sequence[str],
    *,
    panel_ids: Collection[int] | None = None,
    limit: int = 25,
) -> Sequence[tuple[TicketMessage, Ticket]]:
    """Return messages with all of the words, the newest first; the last may be a beginning.

    Each word is as `cogs.tickets.words` makes it. `panel_ids` are the panels that are looked into.
    """
    query = (
        select(TicketMessage, Ticket)
        .join(Ticket, Ticket.id == TicketMessage.ticket_id)
        .where(TicketMessage.guild_id == guild_id)
    )
    for number, word in enumerate(words):
        is_last = number == len(words) - 1
        wanted = select(TicketWord.message_id).where(TicketWord.guild_id == guild_id)
        if is_last:
            # A range, so that the index serves: LIKE would not use it on PostgreSQL.
            wanted = wanted.where(TicketWord.word >= word, TicketWord.word < word + "\uffff")
        else:
            wanted = wanted.where(TicketWord.word == word)
        query = query.where(TicketMessage.message_id.in_(wanted))
    if panel_ids is not None:
        query = query.where(Ticket.panel_id.in_(panel_ids))
    query = query.order_by(TicketMessage.message_id.desc()).limit(limit)
    return [(row[0], row[1]) for row in await session.execute(query)]


# --- files ---------------------------------------------------------------------------------------


async def add_files(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add files that are still to be fetched."""
    session.add_all(TicketFile(**one) for one in rows)
    await session.flush()


async def list_names(
    session: AsyncSession, ticket_id: int, limit: int = 5000
) -> Sequence[NamedFile]:
    """Return the newest files of a ticket, the oldest of them first; no more of them is read."""
    query = select(TicketFile.id, TicketFile.name, TicketFile.size)
    query = query.where(TicketFile.ticket_id == ticket_id).order_by(TicketFile.id.desc())
    found = (await session.execute(query.limit(limit))).all()
    return cast("Sequence[NamedFile]", found[::-1])


async def list_pending(
    session: AsyncSession, ticket_id: int, limit: int, *, after: int = 0
) -> Sequence[TicketFile]:
    """Return files of a ticket that are still to be fetched, those with an id above `after`."""
    query = select(TicketFile).where(
        TicketFile.ticket_id == ticket_id, TicketFile.state == PENDING, TicketFile.id > after
    )
    return (await session.scalars(query.order_by(TicketFile.id).limit(limit))).all()


async def settle_file(session: AsyncSession, file_id: int, **values: Any) -> None:
    """Note what has become of a file."""
    await session.execute(
        update(TicketFile).where(TicketFile.id == file_id).values(url=None, **values)
    )


async def give_up_pending(session: AsyncSession, before: datetime) -> None:
    """Give files up that have been waited for since before an instant, and are fetched no more."""
    await session.execute(
        update(TicketFile)
        .where(TicketFile.state == PENDING, TicketFile.created_at < before)
        .values(state=GONE, url=None)
    )


async def sum_stored(session: AsyncSession, guild_id: int, but: str | None = None) -> int:
    """Return how many bytes a guild's files take; what is stored once counts once, `but` not."""
    stored = (
        select(TicketFile.sha256, func.max(TicketFile.size).label("size"))
        .where(TicketFile.guild_id == guild_id, TicketFile.state == STORED)
        .where(*(() if but is None else (TicketFile.sha256 != but,)))
        .group_by(TicketFile.sha256)
        .subquery()
    )
    return int(await session.scalar(select(func.sum(stored.c.size))) or 0)


async def list_used(session: AsyncSession, digests: Collection[str]) -> frozenset[str]:
    """Return those of the contents that some file still refers to."""
    query = select(TicketFile.sha256).where(TicketFile.sha256.in_(digests)).distinct()
    return frozenset(one for one in await session.scalars(query) if one)
