"""What is noted of a ticket's room, and what a change of it means; pure.

The note is JSON: `name`, `parents`, `viewers`, `locked`, `roles` (null while nobody was let in),
`panel` (whose rules made it so), `calls` (how often roles were called after the first message).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cogs.tickets.machine import Status
from cogs.tickets.naming import next_rename
from cogs.tickets.panel import Room
from cogs.tickets.ports import Admitted, RoomPlan
from db.tickets import Ticket

State = dict[str, Any]
# A room that people have to put something right for is tried again that often.
AGAIN = timedelta(minutes=10)
_ADMISSION = ("viewers", "roles", "locked")


def state_of(ticket: Ticket, plan: RoomPlan, *, made: bool = False) -> State:
    """Return what is noted of a room that is as planned; one just `made` has nobody in it yet."""
    state = {
        "name": plan.name,
        "parents": _texts(plan.parent_ids),
        "viewers": _texts(sorted(plan.viewers)),
        "roles": _texts(sorted(plan.staff_roles)),
        "locked": plan.locked,
        "panel": str(ticket.panel_id),
        "calls": (ticket.room_state or {}).get("calls", 0),
    }
    return state | {"viewers": [], "roles": None} if made else state


def admits_others(was: Mapping[str, Any], wanted: State) -> bool:
    """Tell whether other people are to be in the room than are, or others to be told of it."""
    moved = was.get("panel", wanted["panel"]) != wanted["panel"]
    return moved or any(was.get(part) != wanted[part] for part in _ADMISSION)


def admitted_by(state: Mapping[str, Any]) -> Admitted:
    """Return who was let in, by what is noted of a room."""
    roles = state.get("roles")
    return Admitted(
        frozenset(map(int, state.get("viewers", ()))),
        None if roles is None else frozenset(map(int, roles)),
    )


def roles_to_call(ticket: Ticket, plan: RoomPlan, was: Mapping[str, Any]) -> frozenset[int]:
    """Return the roles to mention once the room is as planned; `was` is what was noted before.

    A thread lets roles in by being mentioned. In a channel a role is called that was made the
    ticket's own, and in both whoever is told of tickets of a panel that this one came to.
    """
    before = admitted_by(was).roles
    # While nobody was let in, the first message is still to come, and calls everybody.
    if before is None or plan.locked:
        return frozenset()
    fresh = plan.staff_roles - before
    if ticket.mode != Room.THREAD:
        fresh &= frozenset(map(int, ticket.staff_roles))
    has_moved = was.get("panel", str(ticket.panel_id)) != str(ticket.panel_id)
    return fresh | plan.told_roles if has_moved else fresh


def next_run(ticket: Ticket, now: datetime) -> datetime | None:
    """Return when the room has to be looked at again: for a name that waits, or its removal."""
    if ticket.channel_id is None:
        return None
    state = ticket.room_state or {}
    if ticket.status == Status.OPEN:
        return next_rename(ticket.renamed_at, now) if state.get("name") != ticket.name else None
    if ticket.status == Status.CLOSED:
        if not state.get("locked"):
            return now + AGAIN
        return ticket.remove_at if ticket.mode == Room.CHANNEL else None
    return None


def _texts(ids: Any) -> list[str]:
    return [str(one) for one in ids]
