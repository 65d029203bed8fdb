"""How far each guild's audit log on Discord has been read."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Snowflake
from db.statements import insert_for


class AuditMark(Base):
    """The latest entry of a guild that was seen, or an id of the time when looking began."""

    __tablename__ = "moderation_audit_marks"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(Snowflake)


async def list_marks(session: AsyncSession, guild_ids: Collection[int]) -> dict[int, int]:
    """Return the marks of those of the guilds that have one."""
    query = select(AuditMark).where(AuditMark.guild_id.in_(guild_ids))
    return {row.guild_id: row.entry_id for row in (await session.scalars(query)).all()}


async def put_marks(session: AsyncSession, marks: Mapping[int, int]) -> None:
    """Move marks forward; one that is further already stays."""
    if not marks:
        return
    rows = [{"guild_id": guild_id, "entry_id": entry_id} for guild_id, entry_id in marks.items()]
    insert = insert_for(session, AuditMark)
    later = insert.excluded.entry_id
    statement = insert.on_conflict_do_update(
        index_elements=["guild_id"],
        set_={"entry_id": later},
        where=AuditMark.entry_id < later,
    )
    await session.execute(statement, rows)
