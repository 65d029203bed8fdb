"""The panels from which tickets are opened, the messages that show them, and half-filled forms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, String, Text, UniqueConstraint, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for
from db.tickets import TicketCounter


class TicketPanel(Base):
    """A panel: what a member chooses to open a ticket; `config` is a `cogs.tickets.panel.Panel`.

    `name_key` is its name without regard to case. `revision` counts its changes.
    """

    __tablename__ = "ticket_panels"
    __table_args__ = (UniqueConstraint("guild_id", "name_key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(45))
    name_key: Mapped[str] = mapped_column(String(100))
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketPost(Base):
    """A message that shows one or several panels, as buttons or as a select.

    `panel_ids` are in their order. `message_id` is empty until it is sent; `gone` says that people
    have deleted the message.
    """

    __tablename__ = "ticket_posts"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake, index=True)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    style: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    colour: Mapped[int | None] = mapped_column(Integer)
    panel_ids: Mapped[list[int]] = mapped_column(Json)
    gone: Mapped[bool] = mapped_column(Boolean)
    revision: Mapped[int] = mapped_column(Integer)


class TicketDraft(Base):
    """The pages of a form that somebody has filled in so far, by question.

    It outlives a restart, and is deleted when the ticket is opened or an hour later.
    """

    __tablename__ = "ticket_drafts"

    panel_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    guild_id: Mapped[int] = mapped_column(Snowflake)
    answers: Mapped[dict[str, Any]] = mapped_column(Json)
    # For whom and from which message it is opened, where that is not the person themselves.
    context: Mapped[dict[str, Any]] = mapped_column(Json)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


# --- panels --------------------------------------------------------------------------------------


async def add_panel(session: AsyncSession, values: Mapping[str, Any]) -> int | None:
    """Add a panel and return its id; `None` when the guild has one of that name."""
    statement = (
        insert_for(session, TicketPanel)
        .values(revision=1, **values)
        .on_conflict_do_nothing(index_elements=["guild_id", "name_key"])
        .returning(TicketPanel.id)
    )
    return await session.scalar(statement)


async def get_panel(
    session: AsyncSession, guild_id: int, panel_id: int, *, lock: bool = False
) -> TicketPanel | None:
    """Return a panel of the guild; with `lock` nobody else changes it until the end."""
    query = select(TicketPanel).where(TicketPanel.id == panel_id, TicketPanel.guild_id == guild_id)
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_panel_named(
    session: AsyncSession, guild_id: int, name_key: str
) -> TicketPanel | None:
    """Return a guild's panel by its name without regard to case."""
    query = select(TicketPanel).where(
        TicketPanel.guild_id == guild_id, TicketPanel.name_key == name_key
    )
    return await session.scalar(query)


async def list_panels(session: AsyncSession, guild_id: int) -> Sequence[TicketPanel]:
    """Return a guild's panels by name."""
    query = select(TicketPanel).where(TicketPanel.guild_id == guild_id)
    # A change that this session has made by statement is seen, too.
    found = await session.scalars(
        query.order_by(TicketPanel.name_key), execution_options={"populate_existing": True}
    )
    return found.all()


async def hold_guild(session: AsyncSession, guild_id: int) -> None:
    """Keep others from adding what a guild has a number of at most until the transaction ends.

    Its counter is held for that, which a guild without a ticket begins here, at 0.
    """
    statement = insert_for(session, TicketCounter).values(guild_id=guild_id, last=0)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["guild_id"], set_={"last": TicketCounter.last}
        )
    )


async def hold_panels(session: AsyncSession, guild_id: int) -> None:
    """Hold all panels of a guild until the transaction ends: nobody else changes one."""
    query = select(TicketPanel.id).where(TicketPanel.guild_id == guild_id).order_by(TicketPanel.id)
    await session.execute(query.with_for_update())


async def list_panels_of(
    session: AsyncSession, guild_ids: Collection[int]
) -> Mapping[int, Sequence[TicketPanel]]:
    """Return the panels of those of the guilds that have some."""
    query = select(TicketPanel).where(TicketPanel.guild_id.in_(guild_ids))
    found: defaultdict[int, list[TicketPanel]] = defaultdict(list)
    for row in await session.scalars(query.order_by(TicketPanel.id)):
        found[row.guild_id].append(row)
    return found


async def change_panel(session: AsyncSession, panel_id: int, revision: int, **values: Any) -> bool:
    """Change a panel that is as it was seen; False when it is not."""
    statement = (
        update(TicketPanel)
        .where(TicketPanel.id == panel_id, TicketPanel.revision == revision)
        .values(revision=revision + 1, **values)
    )
    return await count_changed(session, statement) > 0


async def delete_panel(session: AsyncSession, panel_id: int) -> None:
    """Delete a panel with the forms half filled in; its tickets stay."""
    await session.execute(delete(TicketPanel).where(TicketPanel.id == panel_id))
    await session.execute(delete(TicketDraft).where(TicketDraft.panel_id == panel_id))


# --- messages ------------------------------------------------------------------------------------


async def add_post(session: AsyncSession, **values: Any) -> TicketPost:
    """Add a message that is to show panels."""
    post = TicketPost(message_id=None, gone=False, revision=1, **values)
    session.add(post)
    await session.flush()
    return post


async def find_post(session: AsyncSession, post_id: int) -> TicketPost | None:
    """Return a message of any guild."""
    return await session.get(TicketPost, post_id)


async def note_message(session: AsyncSession, post_id: int, message_id: int | None) -> None:
    """Note which message a post is; one that was never sent is gone."""
    values: dict[str, Any] = {"message_id": message_id} if message_id else {"gone": True}
    await session.execute(update(TicketPost).where(TicketPost.id == post_id).values(**values))


async def list_posted(session: AsyncSession) -> Sequence[int]:
    """Return the messages of all guilds that show panels."""
    query = select(TicketPost.message_id).where(
        TicketPost.message_id.is_not(None), TicketPost.gone.is_(False)
    )
    return [one for one in await session.scalars(query) if one is not None]


async def list_posts(
    session: AsyncSession, guild_id: int, *, panel_id: int | None = None
) -> Sequence[TicketPost]:
    """Return the messages of a guild that are there, or those that show one panel."""
    query = select(TicketPost).where(TicketPost.guild_id == guild_id, TicketPost.gone.is_(False))
    posts = (await session.scalars(query.order_by(TicketPost.id))).all()
    return [one for one in posts if panel_id is None or panel_id in one.panel_ids]


async def list_posts_of(
    session: AsyncSession, guild_ids: Collection[int]
) -> Mapping[int, Sequence[TicketPost]]:
    """Return the messages that are there of those of the guilds that have some."""
    query = select(TicketPost).where(TicketPost.guild_id.in_(guild_ids), TicketPost.gone.is_(False))
    found: defaultdict[int, list[TicketPost]] = defaultdict(list)
    for row in await session.scalars(query.order_by(TicketPost.id)):
        found[row.guild_id].append(row)
    return found


async def mark_gone(session: AsyncSession, message_ids: Collection[int]) -> Sequence[int]:
    """Note that messages were deleted; return the guilds that they were in."""
    statement = (
        update(TicketPost)
        .where(TicketPost.message_id.in_(message_ids), TicketPost.gone.is_(False))
        .values(gone=True)
        .returning(TicketPost.guild_id)
    )
    return (await session.scalars(statement)).all()


async def mark_post_gone(session: AsyncSession, post_id: int) -> None:
    """Note that a message can't be found any more."""
    await session.execute(update(TicketPost).where(TicketPost.id == post_id).values(gone=True))


async def mark_channel_gone(session: AsyncSession, channel_id: int) -> Sequence[int]:
    """Note that the messages of a channel went with it; return which."""
    statement = (
        update(TicketPost)
        .where(TicketPost.channel_id == channel_id, TicketPost.gone.is_(False))
        .values(gone=True)
        .returning(TicketPost.message_id)
    )
    return [one for one in await session.scalars(statement) if one is not None]


# --- forms half filled in -----------------------------------------------------------------------


async def put_draft(session: AsyncSession, **values: Any) -> None:
    """Keep what somebody has filled in so far, in the place of what they had."""
    statement = insert_for(session, TicketDraft).values(**values)
    changed = {name: values[name] for name in ("answers", "context", "expires_at", "guild_id")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["panel_id", "user_id"], set_=changed)
    )


async def get_draft(
    session: AsyncSession, panel_id: int, user_id: int, now: datetime
) -> TicketDraft | None:
    """Return what somebody has filled in, unless that was too long ago."""
    query = select(TicketDraft).where(
        TicketDraft.panel_id == panel_id,
        TicketDraft.user_id == user_id,
        TicketDraft.expires_at > now,
    )
    return await session.scalar(query)


async def delete_draft(session: AsyncSession, panel_id: int, user_id: int) -> None:
    """Forget what somebody has filled in."""
    await session.execute(
        delete(TicketDraft).where(TicketDraft.panel_id == panel_id, TicketDraft.user_id == user_id)
    )


async def delete_expired(session: AsyncSession, now: datetime) -> None:
    """Forget what was filled in and not gone on with in time."""
    await session.execute(delete(TicketDraft).where(TicketDraft.expires_at <= now))
