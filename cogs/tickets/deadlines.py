"""What is due for a ticket that nobody touches: reminders, calls, warnings, its end; pure.

A ticket waits for the staff from the opener's first unanswered message on. Time in which the staff
are not there does not count for the service level; for the opener's silence it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cogs.tickets.hours import add_business_time
from cogs.tickets.machine import Action
from cogs.tickets.panel import Panel
from db.tickets import Ticket

# The steps of the service level, by how many were taken before.
STEPS = (Action.REMIND, Action.ESCALATE, Action.LEAD)
_LONGEST_WARNING, _SHORTEST_WARNING = timedelta(days=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Deadline:
    """That something is to be done at an instant."""

    action: Action
    at: datetime


def next_deadline(ticket: Ticket, panel: Panel, zone: str) -> Deadline | None:
    """Return what is due first for an open ticket, in the past where that was missed."""
    found = [*_of_service(ticket, panel, zone), *_of_silence(ticket, panel)]
    if ticket.close_at is not None:
        found.append(Deadline(Action.CLOSE, ticket.close_at))
    return min(found, key=lambda one: one.at, default=None)


def _of_service(ticket: Ticket, panel: Panel, zone: str) -> Iterator[Deadline]:
    """Yield the next step of the service level."""
    if ticket.waiting_since is None:
        return
    service = panel.service
    spans = (service.remind_after, service.escalate_after, service.lead_after)
    for level, (action, span) in enumerate(zip(STEPS, spans, strict=True)):
        if span is None or level < ticket.level:
            continue
        at = add_business_time(panel.hours, zone, ticket.waiting_since, span)
        if at is not None:
            yield Deadline(action, at)
        return


def _of_silence(ticket: Ticket, panel: Panel) -> Iterator[Deadline]:
    """Yield the end that silence leads to, or the warning before it."""
    closes_at = find_silent_end(ticket, panel)
    if closes_at is None:
        return
    notice = min((closes_at - _last_word(ticket)) / 4, _LONGEST_WARNING)
    if ticket.warned_at is None:
        yield Deadline(Action.WARN_INACTIVE, closes_at - notice)
    else:
        # Who could not be warned in time is still given a while.
        yield Deadline(
            Action.CLOSE, end_after_warning(ticket, panel, ticket.warned_at) or closes_at
        )


def end_after_warning(ticket: Ticket, panel: Panel, warned_at: datetime) -> datetime | None:
    """Return when silence closes a ticket of which people are warned at an instant."""
    closes_at = find_silent_end(ticket, panel)
    if closes_at is None:
        return None
    notice = min((closes_at - _last_word(ticket)) / 4, _LONGEST_WARNING)
    return max(closes_at, warned_at + min(notice, _SHORTEST_WARNING))


def find_silent_end(ticket: Ticket, panel: Panel) -> datetime | None:
    """Return when silence closes a ticket; `None` when it does not."""
    if ticket.exempt:
        return None
    ends = (_end_of_silence(ticket, panel), _end_without_answer(ticket, panel))
    return min((one for one in ends if one is not None), default=None)


def is_opener_silent(ticket: Ticket, panel: Panel) -> bool:
    """Tell whether silence closes a ticket because its opener leaves the staff's answer alone."""
    unanswered, silent = _end_without_answer(ticket, panel), _end_of_silence(ticket, panel)
    return unanswered is not None and (silent is None or unanswered <= silent)


def _end_of_silence(ticket: Ticket, panel: Panel) -> datetime | None:
    after = panel.closing.inactive_after
    return _last_word(ticket) + after if after is not None else None


def _end_without_answer(ticket: Ticket, panel: Panel) -> datetime | None:
    after, answered, heard = (
        panel.closing.unanswered_after,
        ticket.staff_wrote_at,
        ticket.opener_wrote_at,
    )
    if after is None or answered is None or (heard is not None and heard >= answered):
        return None
    # Who was added may speak for the opener.
    since = max(answered, ticket.reopened_at or answered, ticket.guest_wrote_at or answered)
    return since + after


def _last_word(ticket: Ticket) -> datetime:
    # Silence before it was opened again is no silence of now.
    said = (
        ticket.created_at,
        ticket.reopened_at,
        ticket.opener_wrote_at,
        ticket.staff_wrote_at,
        ticket.guest_wrote_at,
    )
    return max(one for one in said if one is not None)
