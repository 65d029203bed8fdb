"""Giveaways as hosts see them: made, changed, paused, cancelled; templates and series."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import (
    ACTIVE,
    OPEN_STATUSES,
    PAUSED,
    PENDING,
    SCHEDULED,
    WON,
    Giveaway,
    GiveawayEntry,
    GiveawayNumber,
    GiveawayRound,
    GiveawaySeries,
    GiveawayTemplate,
    GiveawayWinner,
    search_key_of,
)
from db.statements import count_changed, insert_for

# What its column holds; PostgreSQL refuses to compare it with more.
_LARGEST_NUMBER = 2**31 - 1
_ANEW: Mapping[str, Any] = {"synchronize_session": False, "populate_existing": True}

# --- making --------------------------------------------------------------------------------------


async def next_number(session: AsyncSession, guild_id: int) -> int:
    """Return a number that no other giveaway of the guild has or will have.

    Until the transaction ends, others of the same guild wait here, so that what follows can count.
    """
    statement = (
        insert_for(session, GiveawayNumber)
        .values(guild_id=guild_id, last=1)
        .on_conflict_do_update(index_elements=["guild_id"], set_={"last": GiveawayNumber.last + 1})
        .returning(GiveawayNumber.last)
    )
    number = await session.scalar(statement, execution_options={"populate_existing": True})
    return int(number or 1)


async def hold_guild(session: AsyncSession, guild_id: int) -> None:
    """Keep others from adding to the guild's giveaways, series and templates until this ends."""
    statement = insert_for(session, GiveawayNumber).values(guild_id=guild_id, last=0)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["guild_id"], set_={"last": GiveawayNumber.last}
        )
    )


async def add_giveaway(session: AsyncSession, values: Mapping[str, Any]) -> Giveaway:
    """Add a giveaway; `values` name every column that has no default."""
    giveaway = Giveaway(**values)
    session.add(giveaway)
    await session.flush()
    return giveaway


async def count_open(session: AsyncSession, guild_id: int) -> int:
    """Return how many giveaways of the guild are to come or go on."""
    query = select(func.count()).where(
        Giveaway.guild_id == guild_id, Giveaway.status.in_(OPEN_STATUSES)
    )
    return await session.scalar(query) or 0


async def count_active(session: AsyncSession) -> int:
    """Return how many giveaways go on in all guilds."""
    query = select(func.count()).where(Giveaway.status.in_((ACTIVE, PAUSED)))
    return await session.scalar(query) or 0


# --- changing ------------------------------------------------------------------------------------


async def change_giveaway(
    session: AsyncSession,
    giveaway_id: UUID,
    statuses: Collection[str],
    *,
    seen: int | None = None,
    now: datetime | None = None,
    **values: Any,
) -> Giveaway | None:
    """Change a giveaway that is in one of the states; else `None`, and nothing changes.

    A new prize comes with its title. With `seen` it also has to have this revision still, and with
    `now` not be past its end.
    """
    statement = update(Giveaway).where(Giveaway.id == giveaway_id, Giveaway.status.in_(statuses))
    if now is not None:
        goes_on = or_(Giveaway.ends_at.is_(None), Giveaway.ends_at > now)
        statement = statement.where(or_(Giveaway.status != ACTIVE, goes_on))
    if seen is not None:
        statement = statement.where(Giveaway.revision == seen)
    if "prize" in values:
        values["search_key"] = search_key_of(values["title"], values["prize"])
    statement = statement.values(revision=Giveaway.revision + 1, **values).returning(Giveaway)
    return await session.scalar(statement, execution_options=_ANEW)


async def begin_due(session: AsyncSession, giveaway_id: UUID, now: datetime) -> Giveaway | None:
    """Begin a giveaway whose start has come; `None` when it has not, or it is not scheduled."""
    statement = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.status == SCHEDULED, Giveaway.starts_at <= now)
        .values(status=ACTIVE, revision=Giveaway.revision + 1)
        .returning(Giveaway)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return await session.scalar(statement)


async def note_message(session: AsyncSession, giveaway_id: UUID, message_id: int) -> bool:
    """Note which message shows a giveaway; False when one is noted already."""
    statement = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.message_id.is_(None))
        .values(message_id=message_id)
    )
    return await count_changed(session, statement) == 1


async def forget_message(session: AsyncSession, giveaway_id: UUID, message_id: int) -> bool:
    """Note that the message is gone; False when another shows the giveaway by now."""
    statement = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.message_id == message_id)
        .values(message_id=None, revision=Giveaway.revision + 1)
    )
    return await count_changed(session, statement) == 1


# --- looking -------------------------------------------------------------------------------------


async def get_giveaway(session: AsyncSession, giveaway_id: UUID) -> Giveaway | None:
    """Return a giveaway."""
    return await session.get(Giveaway, giveaway_id, populate_existing=True)


async def count_entries(session: AsyncSession, giveaway_id: UUID) -> int:
    """Return how many entries there are.

    That of a person who is erased while it is open counts until it is drawn from.
    """
    query = select(func.count()).where(GiveawayEntry.giveaway_id == giveaway_id)
    return await session.scalar(query) or 0


async def count_entries_of(
    session: AsyncSession, giveaway_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Return how many people have entered each; those without entries are left out.

    Only what has not been drawn is counted: a list of others can be of millions of entries.
    """
    drawn = select(GiveawayRound.giveaway_id, GiveawayRound.entry_count).where(
        GiveawayRound.giveaway_id.in_(giveaway_ids), GiveawayRound.round == 0
    )
    found = {row[0]: row[1] for row in await session.execute(drawn)} if giveaway_ids else {}
    if rest := [one for one in giveaway_ids if one not in found]:
        query = (
            select(GiveawayEntry.giveaway_id, func.count())
            .where(GiveawayEntry.giveaway_id.in_(rest))
            .group_by(GiveawayEntry.giveaway_id)
        )
        found |= {row[0]: row[1] for row in await session.execute(query)}
    return {one: count for one, count in found.items() if count}


async def list_winner_ids(session: AsyncSession, giveaway_id: UUID) -> list[int]:
    """Return who has won, or may yet claim, in the order of drawing."""
    return (await list_winner_ids_of(session, [giveaway_id])).get(giveaway_id, [])


async def get_first_round(session: AsyncSession, giveaway_id: UUID) -> GiveawayRound | None:
    """Return the first draw, once the entries are closed."""
    return await session.get(GiveawayRound, (giveaway_id, 0), populate_existing=True)


async def list_winner_ids_of(
    session: AsyncSession, giveaway_ids: Collection[UUID]
) -> dict[UUID, list[int]]:
    """Return who has won, or may yet claim, in each; those without winners are left out."""
    query = (
        select(GiveawayWinner.giveaway_id, GiveawayWinner.user_id)
        .where(
            GiveawayWinner.giveaway_id.in_(giveaway_ids),
            GiveawayWinner.state.in_((PENDING, WON)),
        )
        .order_by(GiveawayWinner.round, GiveawayWinner.position)
    )
    found: dict[UUID, list[int]] = {}
    for giveaway_id, user_id in await session.execute(query):
        if user_id is not None:
            found.setdefault(giveaway_id, []).append(user_id)
    return found


async def get_by_number(session: AsyncSession, guild_id: int, number: int) -> Giveaway | None:
    """Return a guild's giveaway by its number."""
    if number > _LARGEST_NUMBER:
        return None
    query = select(Giveaway).where(Giveaway.guild_id == guild_id, Giveaway.number == number)
    return await session.scalar(query)


async def list_newest(
    session: AsyncSession, guild_id: int, *, before: int | None = None, limit: int
) -> Sequence[Giveaway]:
    """Return a guild's giveaways in every state, the newest first, from below a number on."""
    query = (
        select(Giveaway)
        .where(Giveaway.guild_id == guild_id)
        .order_by(Giveaway.number.desc())
        .limit(limit)
    )
    if before is not None and before <= _LARGEST_NUMBER:
        query = query.where(Giveaway.number < before)
    return (await session.scalars(query)).all()


async def list_of_guild(
    session: AsyncSession, guild_id: int, statuses: Collection[str], *, limit: int = 200
) -> Sequence[Giveaway]:
    """Return a guild's giveaways in these states, those that end soonest first."""
    query = (
        select(Giveaway)
        .where(Giveaway.guild_id == guild_id, Giveaway.status.in_(statuses))
        .order_by(Giveaway.ends_at.is_(None), Giveaway.ends_at, Giveaway.number)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def list_shown(session: AsyncSession) -> Sequence[Giveaway]:
    """Return the open giveaways of all guilds that have a message."""
    query = select(Giveaway).where(
        Giveaway.message_id.is_not(None), Giveaway.status.in_(OPEN_STATUSES)
    )
    return (await session.scalars(query)).all()


# --- templates -----------------------------------------------------------------------------------


async def put_template(session: AsyncSession, values: Mapping[str, Any]) -> GiveawayTemplate:
    """Store a template; one of the same name is replaced."""
    statement = insert_for(session, GiveawayTemplate).values(revision=1, **values)
    changed = {name: values[name] for name in ("name", "plan", "created_by", "created_at")}
    changed["revision"] = GiveawayTemplate.revision + 1
    statement = statement.on_conflict_do_update(
        index_elements=["guild_id", "name_key"], set_=changed
    )
    found = await session.scalars(
        statement.returning(GiveawayTemplate), execution_options={"populate_existing": True}
    )
    return found.one()


async def get_template(
    session: AsyncSession, guild_id: int, name_key: str
) -> GiveawayTemplate | None:
    """Return the template of that name."""
    query = select(GiveawayTemplate).where(
        GiveawayTemplate.guild_id == guild_id, GiveawayTemplate.name_key == name_key
    )
    return await session.scalar(query, execution_options={"populate_existing": True})


async def list_templates(session: AsyncSession, guild_id: int) -> Sequence[GiveawayTemplate]:
    """Return a guild's templates by name."""
    query = (
        select(GiveawayTemplate)
        .where(GiveawayTemplate.guild_id == guild_id)
        .order_by(GiveawayTemplate.name_key)
    )
    return (await session.scalars(query)).all()


async def change_template(
    session: AsyncSession, seen: GiveawayTemplate, values: Mapping[str, Any]
) -> GiveawayTemplate | None:
    """Change a template that is as it was seen; else `None`, and nothing changes."""
    statement = (
        update(GiveawayTemplate)
        .where(GiveawayTemplate.id == seen.id, GiveawayTemplate.revision == seen.revision)
        .values(revision=GiveawayTemplate.revision + 1, **values)
        .returning(GiveawayTemplate)
    )
    return await session.scalar(statement, execution_options=_ANEW)


async def delete_template(session: AsyncSession, seen: GiveawayTemplate, *, exactly: bool) -> bool:
    """Delete a template, `exactly` one that is as it was seen; False when there is none."""
    statement = delete(GiveawayTemplate).where(GiveawayTemplate.id == seen.id)
    if exactly:
        statement = statement.where(GiveawayTemplate.revision == seen.revision)
    return await count_changed(session, statement) == 1


# --- series --------------------------------------------------------------------------------------


async def add_series(session: AsyncSession, values: Mapping[str, Any]) -> GiveawaySeries:
    """Add a series."""
    series = GiveawaySeries(**values)
    session.add(series)
    await session.flush()
    return series


async def get_series(session: AsyncSession, series_id: int) -> GiveawaySeries | None:
    """Return a series."""
    return await session.get(GiveawaySeries, series_id, populate_existing=True)


async def list_series(session: AsyncSession, guild_id: int) -> Sequence[GiveawaySeries]:
    """Return the series of a guild that go on."""
    query = (
        select(GiveawaySeries)
        .where(GiveawaySeries.guild_id == guild_id, GiveawaySeries.stopped_at.is_(None))
        .order_by(GiveawaySeries.id)
    )
    return (await session.scalars(query)).all()


async def change_series(
    session: AsyncSession,
    seen: GiveawaySeries,
    values: Mapping[str, Any],
    *,
    exactly: bool = True,
) -> GiveawaySeries | None:
    """Change a series that goes on, `exactly` one that is as it was seen; else `None`."""
    statement = update(GiveawaySeries).where(
        GiveawaySeries.id == seen.id, GiveawaySeries.stopped_at.is_(None)
    )
    if exactly:
        statement = statement.where(GiveawaySeries.revision == seen.revision)
    statement = statement.values(revision=GiveawaySeries.revision + 1, **values)
    return await session.scalar(statement.returning(GiveawaySeries), execution_options=_ANEW)


async def count_occurrence(session: AsyncSession, series_id: int) -> GiveawaySeries | None:
    """Note that a series comes again, as a change of it, and return it; `None` if it stopped."""
    statement = (
        update(GiveawaySeries)
        .where(GiveawaySeries.id == series_id, GiveawaySeries.stopped_at.is_(None))
        .values(revision=GiveawaySeries.revision + 1)
        .returning(GiveawaySeries)
    )
    return await session.scalar(statement, execution_options=_ANEW)


async def stop_series(session: AsyncSession, guild_id: int, series_id: int, now: datetime) -> bool:
    """Stop a series of the guild; False when there is none that goes on."""
    statement = (
        update(GiveawaySeries)
        .where(
            GiveawaySeries.id == series_id,
            GiveawaySeries.guild_id == guild_id,
            GiveawaySeries.stopped_at.is_(None),
        )
        .values(stopped_at=now)
    )
    return await count_changed(session, statement) == 1
