"""How long giveaways stay after their end, and what is left where the bot is gone for as long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaway_hosting import count_entries_of
from db.giveaway_items import GiveawayItemUse
from db.giveaways import (
    CANCELLED,
    ENDED,
    OPEN_STATUSES,
    PENDING,
    Giveaway,
    GiveawayBlock,
    GiveawayEntry,
    GiveawayMessages,
    GiveawayNumber,
    GiveawayPrize,
    GiveawayRound,
    GiveawaySeries,
    GiveawayTemplate,
    GiveawayWinner,
)
from db.guilds import Guild

# What one transaction deletes: so many giveaways, and of those with many entries fewer.
_MOST, _MOST_ENTRIES = 50, 20_000


async def map_oldest(session: AsyncSession, before: datetime) -> Mapping[int, datetime]:
    """Return when the oldest giveaway or series that was over before an instant was, by guild."""
    over = union(
        select(Giveaway.guild_id, Giveaway.ended_at.label("at")).where(
            Giveaway.status.in_((ENDED, CANCELLED)), Giveaway.ended_at < before
        ),
        select(GiveawaySeries.guild_id, GiveawaySeries.stopped_at.label("at")).where(
            GiveawaySeries.stopped_at < before
        ),
    ).subquery()
    query = select(over.c.guild_id, func.min(over.c.at)).group_by(over.c.guild_id)
    return {row[0]: row[1] for row in await session.execute(query)}


async def map_left(session: AsyncSession, before: datetime) -> Mapping[int, datetime]:
    """Return when the bot left the guilds that it left before an instant and that have anything."""
    kept = union(select(GiveawayNumber.guild_id), select(GiveawayBlock.guild_id)).subquery()
    query = select(Guild.id, Guild.left_at).where(
        Guild.left_at < before, Guild.id.in_(select(kept.c.guild_id))
    )
    return {guild: at for guild, at in await session.execute(query) if at is not None}


async def hold_expired(
    session: AsyncSession, guild_id: int, before: datetime, *, left_before: datetime
) -> Sequence[UUID]:
    """Return some giveaways of a guild that ended before an instant, kept from everybody else.

    One with a claim that has been open since then stays. If the bot left the guild before
    `left_before`, those that are open or have such a claim are meant, too. Nothing is returned
    when all are gone.
    """
    has_claim = (
        select(GiveawayWinner.id)
        .where(
            GiveawayWinner.giveaway_id == Giveaway.id,
            GiveawayWinner.state == PENDING,
            GiveawayWinner.claim_until >= before,
        )
        .exists()
    )
    is_over = and_(Giveaway.status.in_((ENDED, CANCELLED)), Giveaway.ended_at < before)
    is_given_up = and_(
        or_(Giveaway.status.in_(OPEN_STATUSES), is_over), _has_left(guild_id, left_before)
    )
    meant = or_(and_(is_over, ~has_claim), is_given_up)
    query = select(Giveaway.id).where(Giveaway.guild_id == guild_id, meant)
    ids = (await session.scalars(query.order_by(Giveaway.number).limit(_MOST))).all()
    entries, total = await count_entries_of(session, ids), 0
    found: list[UUID] = []
    for one in ids:
        total += entries.get(one, 0)
        if found and total > _MOST_ENTRIES:
            break
        found.append(one)
    await _hold(session, found)
    return found


async def _hold(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Lock rows in the order of everybody who changes several of them."""
    rounds = select(GiveawayRound.round).where(GiveawayRound.giveaway_id.in_(ids))
    giveaways = select(Giveaway.id).where(Giveaway.id.in_(ids))
    for query in (
        rounds.order_by(GiveawayRound.giveaway_id, GiveawayRound.round),
        giveaways.order_by(Giveaway.id),
    ):
        await session.execute(query.with_for_update())


async def delete_giveaways(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Delete giveaways with all that belongs to them."""
    for entity in (
        GiveawayPrize,
        GiveawayWinner,
        GiveawayRound,
        GiveawayEntry,
        GiveawayItemUse,
        GiveawayMessages,
    ):
        await session.execute(delete(entity).where(entity.giveaway_id.in_(ids)))
    await session.execute(delete(Giveaway).where(Giveaway.id.in_(ids)))


async def delete_series(
    session: AsyncSession, guild_id: int, before: datetime, *, left_before: datetime
) -> Sequence[GiveawaySeries]:
    """Delete a guild's series that stopped before an instant, all if the bot left it before.

    Return them as they were.
    """
    meant = or_(GiveawaySeries.stopped_at < before, _has_left(guild_id, left_before))
    statement = delete(GiveawaySeries).where(GiveawaySeries.guild_id == guild_id, meant)
    rows = await session.scalars(
        statement.returning(GiveawaySeries), execution_options={"synchronize_session": False}
    )
    return rows.all()


async def delete_rest(session: AsyncSession, guild_id: int, before: datetime) -> None:
    """Delete templates and blocks of a guild that the bot left before an instant.

    Its giveaways are gone by then: their numbers begin anew.
    """
    for entity in (GiveawayTemplate, GiveawayBlock, GiveawayNumber):
        await session.execute(
            delete(entity).where(entity.guild_id == guild_id, _has_left(guild_id, before))
        )


def _has_left(guild_id: int, before: datetime) -> ColumnElement[bool]:
    # Asked where it counts: the bot may have been added again since the guild was listed.
    return select(Guild.id).where(Guild.id == guild_id, Guild.left_at < before).exists()
