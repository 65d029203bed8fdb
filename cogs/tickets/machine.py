"""What can be done with a ticket in which state, as one table; pure.

The database decides who wins: each action is a compare-and-set on the states that stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a ticket is. While it is opening, closing or reopening, its room is being changed."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    REOPENING = "reopening"
    FAILED = "failed"


class Action(StrEnum):
    """What happens to a ticket; also the kind of the event that tells of it."""

    OPEN = "open"
    ROOM_READY = "room_ready"
    OPENING_FAILED = "opening_failed"
    REQUEST_CLOSE = "request_close"
    DECLINE_CLOSE = "decline_close"
    SCHEDULE_CLOSE = "schedule_close"
    KEEP_OPEN = "keep_open"
    CLOSE = "close"
    ROOM_SHUT = "room_shut"
    ROOM_LOST = "room_lost"
    ROOM_REMOVED = "room_removed"
    REOPEN = "reopen"
    REOPENING_FAILED = "reopening_failed"
    CLAIM = "claim"
    UNCLAIM = "unclaim"
    TRANSFER = "transfer"
    GIVE_TO = "give_to"
    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"
    RENAME = "rename"
    PRIORITY = "priority"
    LABEL = "label"
    NOTE = "note"
    EXEMPT = "exempt"
    REMIND = "remind"
    ESCALATE = "escalate"
    LEAD = "lead"
    WARN_INACTIVE = "warn_inactive"
    RATE = "rate"
    REDACT = "redact"


@dataclass(frozen=True, slots=True)
class Rule:
    """In which states an action can be taken, and the state after it; `None` leaves it."""

    sources: frozenset[Status]
    target: Status | None = None


def _rule(*sources: Status, to: Status | None = None) -> Rule:
    return Rule(frozenset(sources), to)


_S = Status
_ON_OPEN = _rule(_S.OPEN)

TABLE: Mapping[Action, Rule] = {
    Action.OPEN: _rule(to=_S.OPENING),
    Action.ROOM_READY: _rule(_S.OPENING, _S.REOPENING, to=_S.OPEN),
    Action.OPENING_FAILED: _rule(_S.OPENING, to=_S.FAILED),
    Action.REQUEST_CLOSE: _ON_OPEN,
    Action.DECLINE_CLOSE: _ON_OPEN,
    Action.SCHEDULE_CLOSE: _ON_OPEN,
    Action.KEEP_OPEN: _ON_OPEN,
    Action.CLOSE: _rule(_S.OPEN, to=_S.CLOSING),
    Action.ROOM_SHUT: _rule(_S.CLOSING, to=_S.CLOSED),
    # Somebody deleted the channel by hand: the record and what was written stay.
    Action.ROOM_LOST: _rule(_S.OPEN, _S.CLOSING, to=_S.CLOSED),
    Action.ROOM_REMOVED: _rule(_S.CLOSED),
    Action.REOPEN: _rule(_S.CLOSED, to=_S.REOPENING),
    Action.REOPENING_FAILED: _rule(_S.REOPENING, to=_S.CLOSED),
    Action.CLAIM: _ON_OPEN,
    Action.UNCLAIM: _ON_OPEN,
    Action.TRANSFER: _ON_OPEN,
    Action.GIVE_TO: _ON_OPEN,
    Action.ADD: _ON_OPEN,
    Action.REMOVE: _ON_OPEN,
    Action.MOVE: _ON_OPEN,
    Action.RENAME: _ON_OPEN,
    Action.PRIORITY: _ON_OPEN,
    Action.LABEL: _rule(_S.OPEN, _S.CLOSED),
    Action.NOTE: _rule(_S.OPEN, _S.CLOSING, _S.CLOSED),
    Action.EXEMPT: _ON_OPEN,
    Action.REMIND: _ON_OPEN,
    Action.ESCALATE: _ON_OPEN,
    Action.LEAD: _ON_OPEN,
    Action.WARN_INACTIVE: _ON_OPEN,
    Action.RATE: _rule(_S.CLOSED),
    Action.REDACT: _rule(*_S),
}

# A ticket in one of these counts for the limits.
UNFINISHED = frozenset({_S.OPENING, _S.OPEN, _S.CLOSING, _S.REOPENING})


def can(action: Action, status: str) -> bool:
    """Tell whether an action can be taken on a ticket in that state."""
    return status in TABLE[action].sources
