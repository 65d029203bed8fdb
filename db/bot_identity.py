"""Which bot a database belongs to: one row, written by the first bot that logs in with it."""

from __future__ import annotations

from sqlalchemy import Integer, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Snowflake
from db.statements import count_changed, insert_for

_ONLY = 1


class BotIdentity(Base):
    """The account of the bot whose guilds, jobs and settings are here."""

    __tablename__ = "bot_identity"

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    bot_id: Mapped[int] = mapped_column(Snowflake)


async def claim_database(session: AsyncSession, bot_id: int) -> int:
    """Return the bot that the database belongs to, which is this one where there was none."""
    insert = insert_for(session, BotIdentity).values(slot=_ONLY, bot_id=bot_id)
    await session.execute(insert.on_conflict_do_nothing(index_elements=["slot"]))
    return (await get_owner(session)) or bot_id


async def get_owner(session: AsyncSession) -> int | None:
    """Return the bot that the database belongs to, `None` before one has logged in."""
    return await session.scalar(select(BotIdentity.bot_id))


async def release_database(session: AsyncSession) -> bool:
    """Let the next bot that logs in have the database; False when it belonged to none."""
    return await count_changed(session, delete(BotIdentity)) > 0
