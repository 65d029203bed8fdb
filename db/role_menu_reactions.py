"""Reactions on menus that were dealt with, so that those made while the bot was away stand out."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, RowId, Snowflake, person
from db.role_menus import RoleMenuPost
from db.statements import count_changed, insert_for, table_of


class MenuReaction(Base):
    """That a member's reaction for a role of a posted menu is there, and was dealt with."""

    __tablename__ = "role_menu_reactions"

    post_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )


async def mark(
    session: AsyncSession, post_id: int, role_id: int, user_ids: Collection[int]
) -> None:
    """Note that these members' reactions are there and dealt with."""
    if user_ids:
        rows = [{"post_id": post_id, "role_id": role_id, "user_id": one} for one in user_ids]
        statement = insert_for(session, table_of(MenuReaction)).on_conflict_do_nothing()
        await session.execute(statement, sorted(rows, key=lambda row: row["user_id"]))


async def unmark(session: AsyncSession, post_id: int, role_id: int, user_id: int) -> None:
    """Note that a member's reaction is not there any more."""
    statement = delete(MenuReaction).where(
        MenuReaction.post_id == post_id,
        MenuReaction.role_id == role_id,
        MenuReaction.user_id == user_id,
    )
    await count_changed(session, statement)


async def list_marked(
    session: AsyncSession, post_id: int, role_id: int, *, after: int, until: int | None
) -> frozenset[int]:
    """Return whose reactions were dealt with, of members with ids after one and up to another."""
    query = select(MenuReaction.user_id).where(
        MenuReaction.post_id == post_id,
        MenuReaction.role_id == role_id,
        MenuReaction.user_id > after,
    )
    if until is not None:
        query = query.where(MenuReaction.user_id <= until)
    return frozenset(await session.scalars(query))


async def delete_strays(session: AsyncSession) -> None:
    """Forget reactions on messages that are not shown any more."""
    shown = select(RoleMenuPost.id).where(RoleMenuPost.gone.is_(False))
    await count_changed(session, delete(MenuReaction).where(MenuReaction.post_id.not_in(shown)))
