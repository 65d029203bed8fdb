"""Role wishes: which roles members are to have or lose, one row per role until that is done.

A claim is a compare-and-set on `claim`, a wish is told from a newer one by its `stamp`. Who wants
what, and how it ends, is decided in `bot.core.roles`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Integer,
    String,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Json, RowId, Snowflake, UtcDateTime, person
from db.guilds import Guild
from db.statements import count_changed, insert_for, table_of

WAITING = "waiting"
# For a member who has not passed membership screening; looked at again when due.
SCREENING = "screening"
# For people to put a permission or a role's place right.
PARKED = "parked"
# For the bot to be back in the guild.
SUSPENDED = "suspended"
OPEN = (WAITING, SCREENING)
_KEY = ("guild_id", "user_id", "role_id")
# "a:b" names an occasion that is part of "a".
PART = ":"
# What a newer wish brings. The claim stays: who makes a call for the older one has to end first,
# or their call could reach Discord after the newer one's.
_RENEWED = (
    "want",
    "source",
    "priority",
    "reason",
    "after_screening",
    "state",
    "due_at",
    "attempts",
    "stamp",
    "park_cause",
    "created_at",
)


class RoleWish(Base):
    """That a member is to have a role (`want`) or not to have it, from `due_at` on.

    `reason` is a text as JSON, for the audit log. `stamp` is another after each change of the wish.
    `occasion` names what wanted it, where that may be withdrawn as a whole.
    """

    __tablename__ = "role_wishes"
    __table_args__ = (
        Index(None, "state", "due_at"),
        # In the order of claims, so that none of those that are due have to be sorted.
        Index(None, "guild_id", "state", "priority", "due_at", "user_id"),
        Index(
            None,
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
    )

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    want: Mapped[bool]
    source: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(Integer)
    reason: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after_screening: Mapped[bool]
    state: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer)
    stamp: Mapped[int] = mapped_column(RowId)
    claim: Mapped[int | None] = mapped_column(RowId)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    park_cause: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    occasion: Mapped[str | None] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class WishBacklog:
    """How many wishes are in each state, and since when the longest-waiting one is due.

    `due` are those of the waiting ones whose time has come.
    """

    waiting: int = 0
    screening: int = 0
    parked: int = 0
    suspended: int = 0
    due: int = 0
    overdue_since: datetime | None = None


# --- wanting -------------------------------------------------------------------------------------


async def put_wishes(session: AsyncSession, wishes: Sequence[Mapping[str, Any]]) -> None:
    """Store wishes, each with every column but `claim` and `lease_until`, in a single execution.

    Where something is wanted of the role already, the newer wish takes its place unless its
    priority is lower. What was wanted on no occasion, or on one that a later occasion is part of,
    is not withdrawn with the later one that wants the same.
    """
    if not wishes:
        return
    insert = insert_for(session, table_of(RoleWish))
    prefix = RoleWish.occasion.concat(PART)
    is_wider = or_(
        RoleWish.occasion.is_(None),
        func.substr(insert.excluded.occasion, 1, func.length(prefix)) == prefix,
    )
    is_same = RoleWish.want == insert.excluded.want
    occasion = case((and_(is_wider, is_same), RoleWish.occasion), else_=insert.excluded.occasion)
    statement = insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: insert.excluded[name] for name in _RENEWED} | {"occasion": occasion},
        where=RoleWish.priority <= insert.excluded.priority,
    )
    # In one order for everybody, so that two transactions can't wait for each other.
    ordered = sorted(wishes, key=lambda wish: tuple(wish[name] for name in _KEY))
    await session.execute(statement, ordered)


async def delete_wishes(
    session: AsyncSession,
    guild_id: int,
    *,
    user_id: int | None = None,
    role_id: int | None = None,
    source: str | None = None,
    but_sources: Collection[str] = (),
) -> int:
    """Forget what is wanted in a guild, of one member, role or source if named; return how many.

    What `but_sources` want stays.
    """
    values = {"user_id": user_id, "role_id": role_id, "source": source}
    filters = [getattr(RoleWish, name) == one for name, one in values.items() if one is not None]
    if but_sources:
        filters.append(RoleWish.source.not_in(but_sources))
    return await count_changed(
        session, delete(RoleWish).where(RoleWish.guild_id == guild_id, *filters)
    )


async def suspend_wishes(session: AsyncSession, guild_id: int, sources: Collection[str]) -> int:
    """Set what these sources want in a guild aside until `take_up_wishes`; return how many.

    A call that is under way may still reach Discord, but can't settle its wish any more.
    """
    statement = update(RoleWish).where(RoleWish.guild_id == guild_id, RoleWish.source.in_(sources))
    unclaimed = {"claim": None, "lease_until": None, "park_cause": None}
    return await count_changed(session, statement.values(state=SUSPENDED, **unclaimed))


async def take_up_wishes(session: AsyncSession, guild_id: int) -> int:
    """Have what is set aside in a guild done in its time or at once; return how many."""
    statement = update(RoleWish).where(RoleWish.guild_id == guild_id, RoleWish.state == SUSPENDED)
    return await count_changed(session, statement.values(state=WAITING, attempts=0))


# --- claiming ------------------------------------------------------------------------------------


async def extend_claim(session: AsyncSession, guild_id: int, claim: int, until: datetime) -> bool:
    """Keep what is claimed until a later instant; False when nothing of it is left."""
    statement = update(RoleWish).where(*_claimed(guild_id, claim)).values(lease_until=until)
    return await count_changed(session, statement) > 0


async def release_claim(
    session: AsyncSession, guild_id: int, claim: int, user_id: int | None = None
) -> None:
    """Give back what is left of a claim, of one member or whole."""
    filters = _claimed(guild_id, claim)
    if user_id is not None:
        filters = (*filters, RoleWish.user_id == user_id)
    await count_changed(
        session, update(RoleWish).where(*filters).values(claim=None, lease_until=None)
    )


# --- settling ------------------------------------------------------------------------------------


async def finish_wishes(session: AsyncSession, wishes: Sequence[RoleWish]) -> frozenset[int]:
    """Remove claimed wishes of one member that came to their end; return the roles of which.

    One that was replaced meanwhile, or whose claim was lost, stays.
    """
    if not wishes:
        return frozenset()
    statement = delete(RoleWish).where(_same(wishes)).returning(RoleWish.role_id)
    rows = await session.scalars(statement, execution_options={"synchronize_session": False})
    return frozenset(rows)


async def change_wishes(session: AsyncSession, wishes: Sequence[RoleWish], **values: Any) -> int:
    """Change claimed wishes of one member that nobody has replaced meanwhile; return how many."""
    if not wishes:
        return 0
    return await count_changed(session, update(RoleWish).where(_same(wishes)).values(**values))


async def park_wishes(
    session: AsyncSession,
    guild_id: int,
    role_id: int | None,
    cause: str,
    *,
    now: datetime,
    claim: int,
) -> int:
    """Park what is due for a role, or in the whole guild, but for what others have claimed."""
    ours = or_(RoleWish.claim == claim, is_free(now))
    filters = [RoleWish.guild_id == guild_id, RoleWish.state.in_(OPEN), ours]
    filters += [RoleWish.due_at <= now]
    if role_id is not None:
        filters += [RoleWish.role_id == role_id]
    parked = {"state": PARKED, "park_cause": cause, "claim": None, "lease_until": None}
    return await count_changed(session, update(RoleWish).where(*filters).values(parked))


async def list_parked(session: AsyncSession, guild_id: int) -> Sequence[tuple[str, int]]:
    """Return for which causes and roles wishes are parked in a guild."""
    query = (
        select(RoleWish.park_cause, RoleWish.role_id)
        .where(RoleWish.guild_id == guild_id, RoleWish.state == PARKED)
        .distinct()
        .order_by(RoleWish.park_cause, RoleWish.role_id)
    )
    return [(cause or "", role_id) for cause, role_id in await session.execute(query)]


async def resume_wishes(session: AsyncSession, guild_id: int, cause: str, role_id: int) -> int:
    """Have what is parked for a cause and role tried again; return how many."""
    statement = (
        update(RoleWish)
        .where(
            RoleWish.guild_id == guild_id,
            RoleWish.role_id == role_id,
            RoleWish.state == PARKED,
            RoleWish.park_cause == cause,
        )
        .values(state=WAITING, park_cause=None, attempts=0)
    )
    return await count_changed(session, statement)


async def pass_screening(
    session: AsyncSession, guild_id: int, user_id: int, *, now: datetime, stamp: int
) -> int:
    """Have what waited for a member's screening done now; return how many.

    Whoever is asking Discord about the member at this moment may get the earlier answer: the new
    stamp keeps them from putting the wish off.
    """
    statement = (
        update(RoleWish)
        .where(
            RoleWish.guild_id == guild_id,
            RoleWish.user_id == user_id,
            RoleWish.after_screening,
            or_(RoleWish.state == SCREENING, RoleWish.claim.is_not(None)),
        )
        .values(state=WAITING, due_at=now, stamp=stamp)
    )
    return await count_changed(session, statement)


# --- looking -------------------------------------------------------------------------------------


async def list_wishes(
    session: AsyncSession, guild_id: int, user_id: int | None = None
) -> Sequence[RoleWish]:
    """Return what is wanted in a guild, or of one member there, by member and role."""
    query = select(RoleWish).where(RoleWish.guild_id == guild_id)
    if user_id is not None:
        query = query.where(RoleWish.user_id == user_id)
    return (await session.scalars(query.order_by(RoleWish.user_id, RoleWish.role_id))).all()


async def list_wanted(
    session: AsyncSession, guild_id: int, user_ids: Collection[int], source: str
) -> Sequence[tuple[int, int]]:
    """Return which members of a guild are yet to get which roles for a reason."""
    query = select(RoleWish.user_id, RoleWish.role_id).where(
        RoleWish.guild_id == guild_id,
        RoleWish.user_id.in_(user_ids),
        RoleWish.source == source,
        RoleWish.want,
    )
    return [(user_id, role_id) for user_id, role_id in await session.execute(query)]


async def list_guilds_in(session: AsyncSession, state: str) -> frozenset[int]:
    """Return the guilds that have wishes in a state."""
    query = select(RoleWish.guild_id).where(RoleWish.state == state).distinct()
    return frozenset(await session.scalars(query))


async def get_backlog(
    session: AsyncSession,
    now: datetime,
    *,
    guild_id: int | None = None,
    source: str | None = None,
) -> WishBacklog:
    """Return how the wishes stand, everywhere or in one guild, of every source or of one."""
    values = {"guild_id": guild_id, "source": source}
    filters = [getattr(RoleWish, name) == one for name, one in values.items() if one is not None]
    query = select(RoleWish.state, func.count()).where(*filters).group_by(RoleWish.state)
    counts: dict[str, int] = dict((await session.execute(query)).all())
    overdue = select(func.count(), func.min(RoleWish.due_at)).where(
        RoleWish.state == WAITING, RoleWish.due_at <= now, *filters
    )
    due, since = (await session.execute(overdue)).one()
    return WishBacklog(**counts, due=due, overdue_since=since)


async def delete_stale(session: AsyncSession, before: datetime) -> int:
    """Delete what has waited for people since before an instant; return how many."""
    stale = delete(RoleWish).where(
        RoleWish.state.in_((PARKED, SCREENING)), RoleWish.created_at < before
    )
    return await count_changed(session, stale)


async def delete_of_left_guilds(session: AsyncSession, left_before: datetime) -> int:
    """Delete what is wanted in guilds that the bot left before an instant; return how many."""
    gone = select(Guild.id).where(Guild.left_at < left_before)
    return await count_changed(session, delete(RoleWish).where(RoleWish.guild_id.in_(gone)))


def is_free(now: datetime) -> ColumnElement[bool]:
    """Return whether nobody makes a call for a wish at this moment."""
    return or_(RoleWish.lease_until.is_(None), RoleWish.lease_until <= now)


def _claimed(guild_id: int, claim: int) -> tuple[ColumnElement[bool], ...]:
    return RoleWish.guild_id == guild_id, RoleWish.claim == claim


def _same(wishes: Sequence[RoleWish]) -> ColumnElement[bool]:
    first = wishes[0]
    unchanged = [
        (RoleWish.role_id == one.role_id) & (RoleWish.stamp == one.stamp) for one in wishes
    ]
    return and_(
        RoleWish.guild_id == first.guild_id,
        RoleWish.user_id == first.user_id,
        RoleWish.claim == first.claim,
        or_(*unchanged),
    )
