"""Reads and writes the record of visits in the rules' terms; always in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cogs.welcome.rules import (
    Arrival,
    Kind,
    Past,
    Person,
    State,
    Visit,
    digest_due,
    is_raid,
)
from cogs.welcome.screening import LONGEST_WAIT
from cogs.welcome.settings import WelcomeSettings
from cogs.welcome.wording import shown_name
from db import welcome as table
from db.guilds import list_joined_before

# Longer than any gap after which Discord repeats an event or two processes overlap.
KEPT = timedelta(days=1)
_ARRIVED = (State.GREETED, State.GATHERED)
# Nobody has been told of these.
_UNSEEN = (State.SCREENING, State.GATHERED)


@dataclass(frozen=True, slots=True)
class EndedStay:
    """A stay that is over; `was_seen` is false for someone whose arrival nobody was told of."""

    visit: Visit
    was_seen: bool


async def past_of(
    session: AsyncSession, arrival: Arrival, settings: WelcomeSettings, now: datetime
) -> Past:
    """Return what is on record about someone who joins, and about the joins in the window."""
    guild_id, user_id = arrival.guild_id, arrival.person.id
    last = await table.get_last_visit(session, guild_id, user_id)
    known = await list_joined_before(session, guild_id, [user_id], before=arrival.joined_at)
    recent, since_digest = await count_recent(session, guild_id, settings, now)
    return Past(
        returning=bool(known) or (last is not None and last.joined_at < arrival.joined_at),
        left_at=last.decided_at if last is not None and last.state == State.LEFT else None,
        recent=recent,
        since_digest=since_digest,
    )


async def count_recent(
    session: AsyncSession, guild_id: int, settings: WelcomeSettings, now: datetime
) -> tuple[int, int]:
    """Return how many arrived within the raid window, and how many since the last digest."""
    recent = await count_arrivals(session, guild_id, now - settings.raid_window)
    if not is_raid(settings, recent):
        return recent, recent
    # Windows begin with their first instant, counts after the one that is named.
    before_window = digest_due(settings, now) - settings.raid_window - timedelta.resolution
    return recent, await count_arrivals(session, guild_id, before_window)


async def count_arrivals(session: AsyncSession, guild_id: int, window_start: datetime) -> int:
    """Return how many have arrived in a guild since the beginning of the window.

    Who came and left again within it did arrive; who leaves after a longer stay did not.
    """
    here = await table.count_visits(session, guild_id, states=_ARRIVED, since=window_start)
    gone = await table.count_short_stays(
        session, guild_id, state=State.LEFT, since=window_start, except_kind=Kind.LEAVE
    )
    return here + gone


async def count_departures(session: AsyncSession, guild_id: int, window_start: datetime) -> int:
    """Return how many have left a guild since the beginning of the window."""
    return await table.count_visits(session, guild_id, states=(State.LEFT,), since=window_start)


async def purge_visits(session: AsyncSession, now: datetime) -> int:
    """Forget visits that have served their time, of every guild; return how many."""
    return await table.delete_old_visits(
        session,
        before=now - KEPT,
        waiting=State.SCREENING,
        waiting_before=now - LONGEST_WAIT,
    )


async def record(session: AsyncSession, visit: Visit, state: State, now: datetime) -> bool:
    """Record a visit; False when this one is on record already."""
    return await table.add_visit(
        session,
        guild_id=visit.guild_id,
        user_id=visit.person.id,
        joined_at=visit.joined_at,
        name=shown_name(visit.person)[:100],
        kind=visit.kind,
        state=state,
        now=now,
    )


async def end_stay(
    session: AsyncSession, guild_id: int, person: Person, now: datetime
) -> EndedStay | None:
    """End a person's stay and return it; `None` when that was done already."""
    last = await table.get_last_visit(session, guild_id, person.id)
    if last is None:
        # The join was not seen or is forgotten: a stand-in that every process agrees on.
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        visit = Visit(guild_id, person, day, Kind.LEAVE)
        is_new = await record(session, visit, State.LEFT, now)
        return EndedStay(visit, was_seen=True) if is_new else None
    was_seen = last.state not in _UNSEEN
    if not await table.end_visits(session, guild_id, person.id, state=State.LEFT, now=now):
        return None
    return EndedStay(Visit(guild_id, person, last.joined_at, Kind(last.kind)), was_seen)
