"""Custom commands: what a guild's own commands answer, how they stand with Discord, and cooldowns.

The row of `custom_command_guilds` is locked first by whoever changes a guild's commands, so that
names and numbers can be checked against all of them; what makes a name good is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    String,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for, table_of


class CustomCommand(Base):
    """One command of a guild; `response` is what it answers, `revision` grows with each change."""

    __tablename__ = "custom_commands"
    __table_args__ = (UniqueConstraint("guild_id", "name"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(32))
    response: Mapped[dict[str, Any]] = mapped_column(Json)
    description: Mapped[str] = mapped_column(String(100))
    cooldown: Mapped[int] = mapped_column(Integer)
    aliases: Mapped[list[str]] = mapped_column(Json)
    enabled: Mapped[bool] = mapped_column(Boolean)
    restricted_channels: Mapped[list[str]] = mapped_column(Json)
    restricted_roles: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    revision: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomCommandGuild(Base):
    """How a guild's commands stand with Discord.

    `registered` is the mark of what is registered there, NULL before anything is. `creations`
    counts the commands created since `creations_since`: Discord allows so many a day.
    """

    __tablename__ = "custom_command_guilds"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer)
    registered: Mapped[str | None] = mapped_column(String(64))
    creations: Mapped[int] = mapped_column(Integer)
    creations_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomCommandCooldown(Base):
    """When a member may use a command again."""

    __tablename__ = "custom_command_cooldowns"
    __table_args__ = (Index(None, "ready_at"),)

    command_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    ready_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def lock_guild(session: AsyncSession, guild_id: int) -> None:
    """Keep every other transaction from changing the guild's commands until this one ends."""
    statement = insert_for(session, CustomCommandGuild).values(
        guild_id=guild_id, revision=1, creations=0
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["guild_id"], set_={"revision": CustomCommandGuild.revision + 1}
        )
    )


async def list_commands(session: AsyncSession, guild_id: int) -> Sequence[CustomCommand]:
    """Return a guild's commands by name."""
    query = (
        select(CustomCommand).where(CustomCommand.guild_id == guild_id).order_by(CustomCommand.name)
    )
    return (await session.scalars(query)).all()


async def list_commands_of_guilds(
    session: AsyncSession, guild_ids: Collection[int]
) -> Sequence[CustomCommand]:
    """Return the commands of several guilds, by name."""
    query = (
        select(CustomCommand)
        .where(CustomCommand.guild_id.in_(guild_ids))
        .order_by(CustomCommand.name)
    )
    return (await session.scalars(query)).all()


async def add_command(session: AsyncSession, values: Mapping[str, Any]) -> CustomCommand:
    """Add a command; the guild has to be locked and the name to be free."""
    row = CustomCommand(revision=1, uses=0, last_used_at=None, **values)
    session.add(row)
    await session.flush()
    return row


async def change_command(
    session: AsyncSession, guild_id: int, command_id: int, revision: int, values: Mapping[str, Any]
) -> CustomCommand | None:
    """Change a command that is as it was seen; `None` when it was changed or removed meanwhile."""
    statement = (
        update(CustomCommand)
        .where(
            CustomCommand.id == command_id,
            CustomCommand.guild_id == guild_id,
            CustomCommand.revision == revision,
        )
        .values(revision=revision + 1, **values)
        .returning(CustomCommand)
    )
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def remove_command(session: AsyncSession, guild_id: int, command_id: int) -> bool:
    """Remove a command with its cooldowns; false when it was gone already."""
    await session.execute(
        delete(CustomCommandCooldown).where(CustomCommandCooldown.command_id == command_id)
    )
    statement = delete(CustomCommand).where(
        CustomCommand.id == command_id, CustomCommand.guild_id == guild_id
    )
    return bool(await count_changed(session, statement))


# --- with Discord -----------------------------------------------------------------------------


async def get_registered(
    session: AsyncSession, guild_ids: Collection[int]
) -> dict[int, str | None]:
    """Return the mark of what is registered, by guild, for those that have, or had, commands."""
    query = select(CustomCommandGuild.guild_id, CustomCommandGuild.registered).where(
        CustomCommandGuild.guild_id.in_(guild_ids)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def set_registered(session: AsyncSession, guild_id: int, mark: str | None) -> None:
    """Note what is registered with Discord; `None` when that is not known any more."""
    await session.execute(
        update(CustomCommandGuild)
        .where(CustomCommandGuild.guild_id == guild_id)
        .values(registered=mark)
    )


async def claim_creation(
    session: AsyncSession, guild_id: int, *, now: datetime, window_start: datetime, limit: int
) -> bool:
    """Count one command that is about to be created; false when the limit is reached.

    The count begins anew with the first creation after a window that began at `window_start` or
    before is over.
    """
    since = CustomCommandGuild.creations_since
    is_over = or_(since.is_(None), since <= window_start)
    statement = (
        update(CustomCommandGuild)
        .where(
            CustomCommandGuild.guild_id == guild_id,
            or_(is_over, CustomCommandGuild.creations < limit),
        )
        .values(
            creations=case((is_over, 1), else_=CustomCommandGuild.creations + 1),
            creations_since=case((is_over, now), else_=since),
        )
    )
    return bool(await count_changed(session, statement))


# --- use --------------------------------------------------------------------------------------


async def claim_use(
    session: AsyncSession, command_id: int, user_id: int, *, now: datetime, ready_at: datetime
) -> datetime | None:
    """Begin a member's cooldown until `ready_at`; returns when theirs ends if it still runs."""
    statement = (
        insert_for(session, CustomCommandCooldown)
        .values(command_id=command_id, user_id=user_id, ready_at=ready_at)
        .on_conflict_do_update(
            index_elements=["command_id", "user_id"],
            set_={"ready_at": ready_at},
            where=CustomCommandCooldown.ready_at <= now,
        )
    )
    if await count_changed(session, statement):
        return None
    query = select(CustomCommandCooldown.ready_at).where(
        CustomCommandCooldown.command_id == command_id, CustomCommandCooldown.user_id == user_id
    )
    return await session.scalar(query)


async def add_uses(session: AsyncSession, uses: Mapping[int, tuple[int, datetime]]) -> None:
    """Add to how often commands, by id, were used, and when last."""
    table = table_of(CustomCommand)
    statement = (
        table.update()
        .where(table.c.id == bindparam("command"))
        .values(uses=table.c.uses + bindparam("count"), last_used_at=bindparam("at"))
    )
    # In one order, so that two processes never wait for each other.
    rows = [{"command": one, "count": count, "at": at} for one, (count, at) in sorted(uses.items())]
    await session.execute(statement, rows)


async def delete_cooldowns(session: AsyncSession, now: datetime) -> int:
    """Delete the cooldowns that are over."""
    return await count_changed(
        session, delete(CustomCommandCooldown).where(CustomCommandCooldown.ready_at <= now)
    )
