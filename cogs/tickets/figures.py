"""Figures on tickets: how many, how soon answered and settled, how well, by whom and when; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

from db.base import NOBODY
from db.ticket_quality import Opened, Rated

MOST_STAFF = 10


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody of the staff has done: tickets seen to, median first answer, mean stars.

    They have seen to those that are theirs, and to those that they answered first.
    """

    user_id: int
    tickets: int
    first_answer: timedelta | None
    stars: float | None


@dataclass(frozen=True, slots=True)
class Late:
    """How often an answer came so late that the staff were reminded, others called, or the lead."""

    reminded: int = 0
    escalated: int = 0
    led: int = 0


NEVER_LATE = Late()


@dataclass(frozen=True, slots=True)
class Figures:
    """A guild's figures; times are medians, `hours` counts openings by hour of the day.

    `is_cut` says that there were more tickets than are counted.
    """

    opened: int
    closed: int
    unanswered: int
    first_answer: timedelta | None
    resolution: timedelta | None
    stars: float | None
    ratings: int
    staff: Sequence[Share]
    hours: Sequence[int]
    late: Late = NEVER_LATE
    is_cut: bool = False


def count_up(
    tickets: Sequence[Opened],
    ratings: Sequence[Rated],
    zone: str,
    *,
    late: Late = NEVER_LATE,
    is_cut: bool = False,
) -> Figures:
    """Return the figures of tickets and ratings; hours are those of the zone."""
    closed = [one for one in tickets if one.status == "closed" and one.closed_at is not None]
    return Figures(
        opened=len(tickets),
        closed=len(closed),
        unanswered=sum(one.status == "open" and one.first_reply_at is None for one in tickets),
        first_answer=_middle(_first_answer(one) for one in tickets),
        resolution=_middle(
            one.closed_at - one.created_at if one.closed_at else None for one in closed
        ),
        stars=fmean(one.stars for one in ratings) if ratings else None,
        ratings=len(ratings),
        staff=_by_staff(tickets, ratings),
        hours=_by_hour(tickets, zone),
        late=late,
        is_cut=is_cut,
    )


def _first_answer(ticket: Opened) -> timedelta | None:
    if ticket.first_reply_at is None:
        return None
    return max(ticket.first_reply_at - ticket.created_at, timedelta())


def _middle(spans: Iterable[timedelta | None]) -> timedelta | None:
    seconds = [one.total_seconds() for one in spans if one is not None]
    return timedelta(seconds=median(seconds)) if seconds else None


def _by_staff(tickets: Sequence[Opened], ratings: Sequence[Rated]) -> list[Share]:
    held: defaultdict[int, list[Opened]] = defaultdict(list)
    for one in tickets:
        # Both may be the same; of whom data was erased is nobody.
        for user_id in {one.claimed_by or NOBODY, one.answered_by or NOBODY} - {NOBODY}:
            held[user_id].append(one)
    stars = {one.ticket_id: one.stars for one in ratings}
    shares = [
        Share(
            user_id,
            len(own),
            # Somebody else's answer says nothing of how soon they write.
            _middle(_first_answer(one) for one in own if _answerer(one) == user_id),
            fmean(given) if (given := [stars[one.id] for one in own if one.id in stars]) else None,
        )
        for user_id, own in held.items()
    ]
    return sorted(shares, key=lambda one: (-one.tickets, one.user_id))[:MOST_STAFF]


def _answerer(ticket: Opened) -> int | None:
    """Return who answered first: whose ticket it is, where no message says more."""
    return ticket.claimed_by if ticket.answered_by is None else ticket.answered_by


def _by_hour(tickets: Sequence[Opened], zone: str) -> list[int]:
    local = ZoneInfo(zone)
    counts = Counter(one.created_at.astimezone(local).hour for one in tickets)
    return [counts[hour] for hour in range(24)]
