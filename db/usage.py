"""Which commands are used, by how many, and how they went; never with what arguments.

Single uses are kept for a while, then rolled up into one row per day, guild and command, so that
the totals outlive them. A use is in one of the two, never in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Index,
    Integer,
    Select,
    String,
    case,
    delete,
    func,
    insert,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from db.base import NOBODY, Base, Erasure, RowId, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for

_DIRECT = 0
# Outcomes of commands that were refused: they never ran, so they are no action of their user.
NOT_RUN = frozenset({"denied", "cooldown"})


class CommandUse(Base):
    """One use of a command; `day` is its date in UTC, `guild_id` is 0 in direct messages."""

    __tablename__ = "command_usage"
    __table_args__ = (Index(None, "created_at"), Index(None, "day"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(
        Snowflake, index=True, info=person(Erasure(replacement=NOBODY))
    )
    command: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(32))
    duration_ms: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(Date)


class CommandUsageDay(Base):
    """All uses of one command in one guild on one day (UTC) that went the same way."""

    __tablename__ = "command_usage_daily"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    command: Mapped[str] = mapped_column(String(100), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    users: Mapped[int] = mapped_column(Integer)


class ActivityDay(Base):
    """One day (UTC) over all guilds: people are counted once however much they did."""

    __tablename__ = "activity_daily"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    actions: Mapped[int] = mapped_column(Integer)
    users: Mapped[int] = mapped_column(Integer)
    guilds: Mapped[int] = mapped_column(Integer)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One use of a command, as it is written down; no argument values."""

    user_id: int
    command: str
    kind: str
    outcome: str
    duration_ms: int
    created_at: datetime
    guild_id: int | None = None


@dataclass(frozen=True, slots=True)
class CommandCount:
    """How often a command was used."""

    command: str
    count: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How much happened in the last 24 hours and the last 7 days."""

    daily_actions: int
    weekly_actions: int
    daily_active_users: int
    daily_active_guilds: int


async def add_usage_batch(session: AsyncSession, records: Sequence[UsageRecord]) -> None:
    """Write uses down, many at a time."""
    if records:
        await session.execute(insert(CommandUse), [_row_of(record) for record in records])


async def roll_up(session: AsyncSession, *, before: date) -> int:
    """Replace the single uses of days before a day by daily totals; return how many.

    Numbers of the last 24 hours and 7 days stay exact as long as at least 8 days are kept.
    """
    old = CommandUse.day < before
    await session.execute(_add_command_days(session, old))
    await session.execute(_add_activity_days(session, old))
    return await count_changed(session, delete(CommandUse).where(old))


async def get_top_commands(
    session: AsyncSession, *, since: datetime, limit: int = 10, guild_id: int | None = None
) -> list[CommandCount]:
    """Return the commands that ran most since an instant, most used first.

    Days that are rolled up count from the one after the instant's.
    """
    uses = _uses_since(since, guild_id).subquery()
    total = func.sum(uses.c.count)
    query = select(uses.c.command, total).group_by(uses.c.command)
    query = query.order_by(total.desc(), uses.c.command).limit(limit)
    rows = await session.execute(query)
    return [CommandCount(command, int(count)) for command, count in rows]


async def get_activity(session: AsyncSession, now: datetime) -> Activity:
    """Return the activity up to `now`, over all guilds; what was refused is none."""
    recent = _ran(CommandUse) & (CommandUse.created_at > now - timedelta(hours=24))
    guild = func.nullif(CommandUse.guild_id, _DIRECT)
    user = func.nullif(CommandUse.user_id, NOBODY)
    query = select(func.count(), func.count(user.distinct()), func.count(guild.distinct()))
    actions, users, guilds = (await session.execute(query.where(recent))).one()
    week = _uses_since(now - timedelta(days=7), None).subquery()
    weekly = await session.scalar(select(func.sum(week.c.count)))
    return Activity(actions, int(weekly or 0), users, guilds)


async def list_activity_days(session: AsyncSession, *, since: date) -> list[ActivityDay]:
    """Return the rolled-up days from a day on, oldest first."""
    query = select(ActivityDay).where(ActivityDay.day >= since).order_by(ActivityDay.day)
    return list((await session.scalars(query)).all())


async def delete_days_before(session: AsyncSession, before: date) -> int:
    """Delete rolled-up days before a day, with all they count; return how many rows."""
    removed = 0
    for table in (CommandUsageDay, ActivityDay):
        removed += await count_changed(session, delete(table).where(table.day < before))
    return removed


def _row_of(record: UsageRecord) -> dict[str, object]:
    day = record.created_at.astimezone(UTC).date()
    return asdict(record) | {"guild_id": record.guild_id or _DIRECT, "day": day}


def _uses_since(since: datetime, guild_id: int | None) -> CompoundSelect[str, int]:
    single = select(CommandUse.command, func.count().label("count")).where(
        CommandUse.created_at > since, _ran(CommandUse)
    )
    rolled: Select[str, int] = select(CommandUsageDay.command, CommandUsageDay.count)
    rolled = rolled.where(CommandUsageDay.day > since.astimezone(UTC).date(), _ran(CommandUsageDay))
    if guild_id is not None:
        single = single.where(CommandUse.guild_id == guild_id)
        rolled = rolled.where(CommandUsageDay.guild_id == guild_id)
    return union_all(single.group_by(CommandUse.command), rolled)


def _add_command_days(session: AsyncSession, which: ColumnElement[bool]) -> Insert:
    key = (CommandUse.day, CommandUse.guild_id, CommandUse.command, CommandUse.outcome)
    totals = (func.count(), func.count(CommandUse.user_id.distinct()))
    insert = insert_for(session, CommandUsageDay).from_select(
        ["day", "guild_id", "command", "outcome", "count", "users"],
        select(*key, *totals).where(which).group_by(*key),
    )
    return insert.on_conflict_do_update(
        index_elements=["day", "guild_id", "command", "outcome"],
        set_={
            "count": CommandUsageDay.count + insert.excluded.count,
            "users": _larger(CommandUsageDay.users, insert.excluded.users),
        },
    )


def _add_activity_days(session: AsyncSession, which: ColumnElement[bool]) -> Insert:
    users = func.count(CommandUse.user_id.distinct())
    guilds = func.count(func.nullif(CommandUse.guild_id, _DIRECT).distinct())
    insert = insert_for(session, ActivityDay).from_select(
        ["day", "actions", "users", "guilds"],
        select(CommandUse.day, func.count(), users, guilds)
        .where(which, _ran(CommandUse))
        .group_by(CommandUse.day),
    )
    return insert.on_conflict_do_update(
        index_elements=["day"],
        set_={
            "actions": ActivityDay.actions + insert.excluded.actions,
            "users": _larger(ActivityDay.users, insert.excluded.users),
            "guilds": _larger(ActivityDay.guilds, insert.excluded.guilds),
        },
    )


def _ran(table: type[CommandUse | CommandUsageDay]) -> ColumnElement[bool]:
    return table.outcome.not_in(NOT_RUN)


def _larger(stored: InstrumentedAttribute[int], added: ColumnElement[int]) -> ColumnElement[int]:
    # A use that comes late is of somebody who may have been counted: no sum would be right.
    return case((added > stored, added), else_=stored)
