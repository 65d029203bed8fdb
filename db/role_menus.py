"""Role menus: what they offer, where they are posted, and what members have chosen from them.

Presses on one menu are decided one after another: whoever decides holds the menu's row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
    exists,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.role_wishes import RoleWish
from db.statements import count_changed, insert_for, table_of


class RoleMenu(Base):
    """A menu; `required` and `forbidden` are ids of roles as strings.

    `revision` counts its changes. `title_key` is the title without regard to case.
    """

    __tablename__ = "role_menus"
    __table_args__ = (UniqueConstraint("guild_id", "title_key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    title: Mapped[str] = mapped_column(String(100))
    title_key: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    style: Mapped[str] = mapped_column(String(16))
    mode: Mapped[str] = mapped_column(String(16))
    most: Mapped[int | None] = mapped_column(Integer)
    required: Mapped[list[str]] = mapped_column(Json)
    forbidden: Mapped[list[str]] = mapped_column(Json)
    revision: Mapped[int] = mapped_column(Integer)


class RoleMenuOption(Base):
    """A role that a menu offers; `cap` is how many members may have it from this menu.

    `trusted` says that an admin has agreed to offer it although it has dangerous permissions.
    """

    __tablename__ = "role_menu_options"

    menu_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer)
    label: Mapped[str | None] = mapped_column(String(80))
    emoji: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(String(100))
    cap: Mapped[int | None] = mapped_column(Integer)
    trusted: Mapped[bool] = mapped_column(Boolean)


class RoleMenuPost(Base):
    """A message that shows a menu; `message_id` is empty until it is sent.

    `gone` says that people have deleted the message, `is_read` that all reactions on it are on
    record.
    """

    __tablename__ = "role_menu_posts"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    menu_id: Mapped[int] = mapped_column(RowId, index=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    gone: Mapped[bool] = mapped_column(Boolean)
    is_read: Mapped[bool] = mapped_column(Boolean)


class RoleMenuChoice(Base):
    """What a member last chose about a role of a menu: to have it (`held`) or to put it off."""

    __tablename__ = "role_menu_choices"
    __table_args__ = (Index(None, "guild_id", "user_id"), Index(None, "held", "decided_at"))

    menu_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    guild_id: Mapped[int] = mapped_column(Snowflake)
    held: Mapped[bool] = mapped_column(Boolean)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class StoredMenu:
    """A menu with its options, in their order."""

    menu: RoleMenu
    options: tuple[RoleMenuOption, ...]


# --- menus ---------------------------------------------------------------------------------------


async def add_menu(session: AsyncSession, values: Mapping[str, Any]) -> int | None:
    """Add a menu without options and return its id; `None` when its title is taken."""
    statement = (
        insert_for(session, RoleMenu)
        .values(revision=1, **values)
        .on_conflict_do_nothing(index_elements=["guild_id", "title_key"])
        .returning(RoleMenu.id)
    )
    return await session.scalar(statement)


async def get_menu(
    session: AsyncSession, guild_id: int, menu_id: int, *, lock: bool = False
) -> StoredMenu | None:
    """Return a menu of the guild; with `lock` nobody else decides on it until the end."""
    query = select(RoleMenu).where(RoleMenu.id == menu_id, RoleMenu.guild_id == guild_id)
    if lock:
        query = query.with_for_update()
    menu = await session.scalar(query, execution_options={"populate_existing": True})
    if menu is None:
        return None
    options = await _options_of(session, [menu_id])
    return StoredMenu(menu, tuple(options))


async def list_menus(session: AsyncSession, guild_id: int) -> list[StoredMenu]:
    """Return a guild's menus by title."""
    query = select(RoleMenu).where(RoleMenu.guild_id == guild_id).order_by(RoleMenu.title_key)
    menus = (await session.scalars(query)).all()
    options = await _options_of(session, [menu.id for menu in menus])
    return [
        StoredMenu(menu, tuple(one for one in options if one.menu_id == menu.id)) for menu in menus
    ]


async def _options_of(session: AsyncSession, menu_ids: Collection[int]) -> Sequence[RoleMenuOption]:
    query = (
        select(RoleMenuOption)
        .where(RoleMenuOption.menu_id.in_(menu_ids))
        .order_by(RoleMenuOption.menu_id, RoleMenuOption.position, RoleMenuOption.role_id)
    )
    options = {"populate_existing": True}
    return (await session.scalars(query, execution_options=options)).all()


async def find_offering_menu(session: AsyncSession, guild_id: int, role_id: int) -> str | None:
    """Return the title of a menu of the guild that offers a role, `None` when none does."""
    query = (
        select(RoleMenu.title)
        .join(RoleMenuOption, RoleMenuOption.menu_id == RoleMenu.id)
        .where(RoleMenu.guild_id == guild_id, RoleMenuOption.role_id == role_id)
        .order_by(RoleMenu.id)
        .limit(1)
    )
    return await session.scalar(query)


async def is_title_taken(
    session: AsyncSession, guild_id: int, title_key: str, *, without: int | None = None
) -> bool:
    """Return whether another menu of the guild has the title."""
    query = select(RoleMenu.id).where(
        RoleMenu.guild_id == guild_id, RoleMenu.title_key == title_key, RoleMenu.id != without
    )
    return await session.scalar(query) is not None


async def change_menu(session: AsyncSession, menu_id: int, **values: Any) -> None:
    """Change a menu whose row is held; its revision counts on."""
    values["revision"] = RoleMenu.revision + 1
    await count_changed(session, update(RoleMenu).where(RoleMenu.id == menu_id).values(**values))


async def put_options(
    session: AsyncSession, menu_id: int, options: Sequence[Mapping[str, Any]]
) -> None:
    """Have a menu offer exactly these, in this order; forgets who chose what it offers no more."""
    kept = [one["role_id"] for one in options]
    await session.execute(delete(RoleMenuOption).where(RoleMenuOption.menu_id == menu_id))
    if options:
        rows = [{**one, "menu_id": menu_id, "position": at} for at, one in enumerate(options)]
        await session.execute(insert_for(session, table_of(RoleMenuOption)), rows)
    await session.execute(
        delete(RoleMenuChoice).where(
            RoleMenuChoice.menu_id == menu_id, RoleMenuChoice.role_id.not_in(kept)
        )
    )


async def delete_menu(session: AsyncSession, menu_id: int) -> Sequence[RoleMenuPost]:
    """Delete a menu with all that belongs to it; return where it was posted."""
    posts = await list_posts(session, menu_id=menu_id)
    for entity in (RoleMenuChoice, RoleMenuPost, RoleMenuOption):
        await session.execute(delete(entity).where(entity.menu_id == menu_id))
    await session.execute(delete(RoleMenu).where(RoleMenu.id == menu_id))
    return posts


# --- posts ---------------------------------------------------------------------------------------


async def add_post(session: AsyncSession, menu_id: int, guild_id: int, channel_id: int) -> int:
    """Note that a menu is to be posted, and return the post's id; forgets those that are gone."""
    await session.execute(
        delete(RoleMenuPost).where(RoleMenuPost.menu_id == menu_id, RoleMenuPost.gone.is_(True))
    )
    post = RoleMenuPost(
        menu_id=menu_id, guild_id=guild_id, channel_id=channel_id, gone=False, is_read=True
    )
    session.add(post)
    await session.flush()
    return post.id


async def get_post(session: AsyncSession, post_id: int) -> RoleMenuPost | None:
    """Return a post by its id."""
    return await session.get(RoleMenuPost, post_id, populate_existing=True)


async def list_posts(
    session: AsyncSession, *, menu_id: int | None = None, guild_id: int | None = None
) -> Sequence[RoleMenuPost]:
    """Return posts in the order in which they were made: of a menu, of a guild, or all."""
    values = {"menu_id": menu_id, "guild_id": guild_id}
    filters = [getattr(RoleMenuPost, name) == one for name, one in values.items() if one]
    return (await session.scalars(select(RoleMenuPost).where(*filters).order_by("id"))).all()


async def change_post(session: AsyncSession, post_id: int, **values: Any) -> bool:
    """Change a post; False when there is none any more."""
    statement = update(RoleMenuPost).where(RoleMenuPost.id == post_id).values(**values)
    return await count_changed(session, statement) == 1


async def delete_post(session: AsyncSession, post_id: int) -> None:
    """Forget a post."""
    await session.execute(delete(RoleMenuPost).where(RoleMenuPost.id == post_id))


# --- choices -------------------------------------------------------------------------------------


async def put_choices(session: AsyncSession, choices: Sequence[Mapping[str, Any]]) -> None:
    """Note what a member has chosen; the latest choice about a role takes the earlier one's place.

    Each names every column.
    """
    if not choices:
        return
    insert = insert_for(session, table_of(RoleMenuChoice))
    statement = insert.on_conflict_do_update(
        index_elements=["menu_id", "role_id", "user_id"],
        set_={name: insert.excluded[name] for name in ("held", "decided_at")},
    )
    await session.execute(statement, list(choices))


async def count_held(
    session: AsyncSession, menu_id: int, role_ids: Collection[int], *, without: int
) -> dict[int, int]:
    """Return how many members but one have each of these roles from a menu."""
    query = (
        select(RoleMenuChoice.role_id, func.count())
        .where(
            RoleMenuChoice.menu_id == menu_id,
            RoleMenuChoice.role_id.in_(role_ids),
            RoleMenuChoice.held.is_(True),
            RoleMenuChoice.user_id != without,
        )
        .group_by(RoleMenuChoice.role_id)
    )
    counts: dict[int, int] = dict((await session.execute(query)).all())
    return counts


async def list_choices_since(
    session: AsyncSession, guild_id: int, user_id: int, since: datetime
) -> Sequence[RoleMenuChoice]:
    """Return what a member has chosen in a guild since an instant, the latest last."""
    query = (
        select(RoleMenuChoice)
        .where(
            RoleMenuChoice.guild_id == guild_id,
            RoleMenuChoice.user_id == user_id,
            RoleMenuChoice.decided_at >= since,
        )
        .order_by(RoleMenuChoice.decided_at)
    )
    return (await session.scalars(query)).all()


async def list_held(session: AsyncSession, guild_id: int, user_id: int) -> frozenset[int]:
    """Return the roles of which a member has a place in a guild."""
    query = select(RoleMenuChoice.role_id).where(
        RoleMenuChoice.guild_id == guild_id,
        RoleMenuChoice.user_id == user_id,
        RoleMenuChoice.held.is_(True),
    )
    return frozenset(await session.scalars(query))


async def list_some_holders(
    session: AsyncSession, menu_id: int, role_id: int, limit: int
) -> Sequence[int]:
    """Return some of the members who have a place of a role, others each time."""
    query = (
        select(RoleMenuChoice.user_id)
        .where(
            RoleMenuChoice.menu_id == menu_id,
            RoleMenuChoice.role_id == role_id,
            RoleMenuChoice.held.is_(True),
        )
        .order_by(func.random())
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def list_guilds_with_choices(session: AsyncSession) -> frozenset[int]:
    """Return the guilds in which somebody has chosen something."""
    return frozenset(await session.scalars(select(RoleMenuChoice.guild_id).distinct()))


async def release_choices(
    session: AsyncSession,
    guild_id: int,
    user_id: int,
    *,
    until: datetime,
    role_id: int | None = None,
    having: Collection[int] = (),
) -> int:
    """Free a member's places whose role they don't have any more; return how many.

    Of one role if named, otherwise of all that they are not `having`. What they chose after
    `until`, and what they are still to get, is left.
    """
    wanted = exists().where(
        RoleWish.guild_id == guild_id,
        RoleWish.user_id == user_id,
        RoleWish.role_id == RoleMenuChoice.role_id,
        RoleWish.want.is_(True),
    )
    filters = [
        RoleMenuChoice.guild_id == guild_id,
        RoleMenuChoice.user_id == user_id,
        RoleMenuChoice.held.is_(True),
        RoleMenuChoice.decided_at <= until,
        ~wanted,
    ]
    if role_id is not None:
        filters.append(RoleMenuChoice.role_id == role_id)
    elif having:
        filters.append(RoleMenuChoice.role_id.not_in(having))
    return await count_changed(session, delete(RoleMenuChoice).where(*filters))


async def forget_member(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Free all places of somebody who has left a guild; return how many."""
    statement = delete(RoleMenuChoice).where(
        RoleMenuChoice.guild_id == guild_id, RoleMenuChoice.user_id == user_id
    )
    return await count_changed(session, statement)


async def delete_put_off(session: AsyncSession, before: datetime) -> int:
    """Delete what members put off before an instant; return how many."""
    statement = delete(RoleMenuChoice).where(
        RoleMenuChoice.held.is_(False), RoleMenuChoice.decided_at < before
    )
    return await count_changed(session, statement)
