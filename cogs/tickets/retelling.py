"""Finds which of the bot's messages in a room say what an event says, so it is shown once; pure.

Nothing links the two: what was read from the channel after an absence has no trace of its delivery.
So the words are compared, and a message serves one event.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cogs.tickets.machine import Action
from cogs.tickets.wording import going_on_line, line_of, request_line
from db.ticket_messages import TicketMessage
from db.tickets import TicketEvent

_CALL = re.compile(r"<@&?\d+> ")
# Discord's clock stamps messages, ours events.
_CLOCK_SKEW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Told:
    """An event that a message tells of, too; with `in_full` the event's line says all of it."""

    message: TicketMessage
    in_full: bool


def find_told(
    events: Sequence[TicketEvent],
    messages: Sequence[TicketMessage],
    *,
    opener_id: int,
    locale: str | None,
) -> dict[int, Told]:
    """Return by the place of an event which message tells of it; `locale` is the room's."""
    waiting: defaultdict[str, deque[TicketMessage]] = defaultdict(deque)
    for one in messages:
        if one.is_bot and one.content:
            for text in _heads_of(one.content):
                waiting[text].append(one)
    taken: set[int] = set()
    found: dict[int, Told] = {}
    for place, event in enumerate(events):
        for number, text in enumerate(_sayings(event, opener_id, locale)):
            message = _take(waiting[text], event, taken)
            if message is not None:
                first = (message.content or "").partition("\n")[0]
                found[place] = Told(message, in_full=number == 0 and first == text)
                break
    return found


def _heads_of(content: str) -> set[str]:
    # A line may begin with who did it: which of the mentions only call is not to be seen.
    rest = content.partition("\n")[0]
    heads = {rest}
    while called := _CALL.match(rest):
        rest = rest[called.end() :]
        heads.add(rest)
    return heads


def _sayings(event: TicketEvent, opener_id: int, locale: str | None) -> Iterator[str]:
    """Yield how an event is told in a room, first as in the transcript."""
    yield line_of(
        event.kind, actor_id=event.actor_id, subject_id=event.subject_id, details=event.details
    ).render(locale)
    if event.kind == Action.REQUEST_CLOSE:
        yield request_line(opener_id, event.actor_id or 0).render(locale)
    elif event.kind == Action.DECLINE_CLOSE:
        yield going_on_line(event.actor_id or 0).render(locale)


def _take(
    waiting: deque[TicketMessage], event: TicketEvent, taken: set[int]
) -> TicketMessage | None:
    while waiting:
        one = waiting[0]
        # What was said before is about something else, and no later event's either.
        if one.message_id in taken or one.created_at < event.at - _CLOCK_SKEW:
            waiting.popleft()
            continue
        taken.add(one.message_id)
        return waiting.popleft()
    return None
