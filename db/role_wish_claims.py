"""Claims of role wishes: what is due next, in which guilds, and the most urgent members of one.

Everything is looked up in an index by guild, state and priority, so that it costs the same however
many wishes wait.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    CTE,
    ColumnElement,
    Subquery,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.leases import Shards, is_guild_of_shards
from db.role_wishes import OPEN, RoleWish, is_free
from db.statements import table_of

# Those that wishes can have; see `bot.core.roles.rules`, which says of what.
PRIORITIES = (50, 40, 30, 20, 10)


async def get_next_due(
    session: AsyncSession, *, without: Collection[int], shards: Shards | None
) -> datetime | None:
    """Return when a wish of a guild that is not excluded can next be claimed."""
    heads = _heads(RoleWish.lease_until.is_(None), without, shards)
    free = select(func.min(heads.c.due_at))
    # What is leased is open: parking ends a lease.
    held = select(func.min(RoleWish.lease_until)).where(
        RoleWish.lease_until.is_not(None), *_of(table_of(RoleWish).c.guild_id, without, shards)
    )
    instants = [await session.scalar(query) for query in (free, held)]
    return min((one for one in instants if one is not None), default=None)


async def list_due_guilds(
    session: AsyncSession,
    *,
    now: datetime,
    limit: int,
    without: Collection[int],
    shards: Shards | None,
) -> Sequence[int]:
    """Return guilds with due wishes, those of the highest priority and longest wait first."""
    heads = _heads(is_free(now), without, shards)
    query = (
        select(heads.c.guild_id)
        .where(heads.c.due_at <= now)
        .group_by(heads.c.guild_id)
        .order_by(func.max(heads.c.priority).desc(), func.min(heads.c.due_at), heads.c.guild_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


def _heads(free: ColumnElement[bool], without: Collection[int], shards: Shards | None) -> Subquery:
    """Return of each guild, state and priority when the first free wish is due, or NULL.

    Each is looked up in the index: what a guild has waiting behind it is not looked at.
    """
    guilds = select(func.min(RoleWish.guild_id).label("guild_id")).cte("guilds", recursive=True)
    after = select(func.min(RoleWish.guild_id)).where(RoleWish.guild_id > guilds.c.guild_id)
    guilds = guilds.union_all(select(after.scalar_subquery()).where(guilds.c.guild_id.is_not(None)))
    slots = union_all(
        *(
            select(literal(state).label("state"), literal(priority).label("priority"))
            for state in OPEN
            for priority in PRIORITIES
        )
    ).subquery("slots")
    first = (
        select(RoleWish.due_at)
        .where(
            RoleWish.guild_id == guilds.c.guild_id,
            RoleWish.state == slots.c.state,
            RoleWish.priority == slots.c.priority,
            free,
        )
        # By the whole index, or SQLite takes the one of all guilds.
        .order_by(RoleWish.due_at, RoleWish.user_id)
        .limit(1)
        .correlate(guilds, slots)
    )
    return (
        select(guilds.c.guild_id, slots.c.priority, first.scalar_subquery().label("due_at"))
        .select_from(guilds.join(slots, true()))
        .where(guilds.c.guild_id.is_not(None), *_of(guilds.c.guild_id, without, shards))
        .subquery("heads")
    )


async def claim_wishes(
    session: AsyncSession,
    guild_id: int,
    *,
    now: datetime,
    claim: int,
    lease_until: datetime,
    limit: int,
) -> Sequence[RoleWish]:
    """Claim the due wishes of the members of the `limit` most urgent ones, in a single statement.

    A member comes with all that is due of them, or not at all while somebody else is at work on
    them. The wishes come back by member, most urgent first.
    """
    chosen = _most_urgent(guild_id, now, limit)
    statement = (
        update(RoleWish)
        .where(
            RoleWish.guild_id == guild_id,
            RoleWish.user_id.in_(select(chosen.c.user_id)),
            # As a negation, or SQLite reads all that is due instead of looking up the members.
            not_(or_(RoleWish.state.not_in(OPEN), RoleWish.due_at > now, not_(is_free(now)))),
        )
        .values(claim=claim, lease_until=lease_until, attempts=RoleWish.attempts + 1)
        .returning(RoleWish)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = (await session.scalars(statement)).all()
    urgency: dict[int, tuple[int, datetime]] = {}
    for row in rows:
        first = urgency.get(row.user_id, (0, row.due_at))
        urgency[row.user_id] = min(first, (-row.priority, row.due_at))
    return sorted(
        rows, key=lambda row: (*urgency[row.user_id], row.user_id, -row.priority, row.role_id)
    )


def _most_urgent(guild_id: int, now: datetime, limit: int) -> CTE:
    """Return the members with the most urgent wishes, but those whom somebody is at work on."""
    due = and_(RoleWish.guild_id == guild_id, *_is_due(now))
    other = aliased(RoleWish)
    in_hand = exists().where(
        other.guild_id == guild_id, other.user_id == RoleWish.user_id, other.lease_until > now
    )
    # The first of each state and priority, which the index has in their order.
    firsts = [
        select(RoleWish.user_id, RoleWish.priority, RoleWish.due_at)
        .where(RoleWish.state == state, RoleWish.priority == priority, due, ~in_hand)
        .order_by(RoleWish.due_at, RoleWish.user_id)
        .limit(limit)
        .subquery()
        for state in OPEN
        for priority in PRIORITIES
    ]
    urgent = union_all(*map(select, firsts)).subquery("urgent")
    return (
        select(urgent.c.user_id)
        .order_by(urgent.c.priority.desc(), urgent.c.due_at, urgent.c.user_id)
        .limit(limit)
        .cte("chosen")
    )


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return RoleWish.state.in_(OPEN), RoleWish.due_at <= now, is_free(now)


def _of(
    guild_id: ColumnElement[int], without: Collection[int], shards: Shards | None
) -> list[ColumnElement[bool]]:
    excluded = [guild_id.not_in(sorted(without))] if without else []
    return [*excluded, *is_guild_of_shards(guild_id, shards)]
