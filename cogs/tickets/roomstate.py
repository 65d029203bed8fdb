"""What is noted of a ticket's room, and what a change of it means; pure.

The note is JSON: `name`, `parents`, `viewers`, `locked`, `roles` (null while nobody was let in),
`entering` and `calling` (members and roles that may come into a thread yet: to let them in was
begun, or a message calls them), `panel` (whose rules made it so), `calls` (how often roles were
called after the first message), `crowd` (who is in a thread by which roles; null until that was
looked at).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.core.outbox import Calls
from cogs.tickets.machine import Status
from cogs.tickets.naming import next_rename
from cogs.tickets.panel import Room
from cogs.tickets.ports import Admitted, Crowd, RoomPlan
from db.tickets import Ticket

State = dict[str, Any]
# A room that people have to put something right for is tried again that often.
AGAIN = timedelta(minutes=10)
# Who was called into a thread is in it by then.
CROWD_AFTER = timedelta(minutes=1)
# How long somebody waits for a room while Discord does not answer.
_LONGEST_WAIT = timedelta(minutes=5)
_ADMISSION = ("viewers", "roles", "locked", "entering", "calling")
# What a message that calls somebody takes to be sent, as a rule.
_SENT_BY = timedelta(seconds=2)


def state_of(ticket: Ticket, plan: RoomPlan, *, made: bool = False) -> State:
    """Return what is noted of a room that is as planned; one just `made` has nobody in it yet."""
    known = ticket.room_state or {}
    roles = plan.staff_roles
    if plan.locked and (before := admitted_by(known).roles) is not None:
        # Nobody is called to a room that is locked: who is new is called when it is opened again.
        roles &= before
    state = {
        "name": plan.name,
        "parents": _texts(plan.parent_ids),
        "viewers": _texts(sorted(plan.viewers)),
        "roles": _texts(sorted(roles)),
        "entering": [],
        "calling": [],
        "locked": plan.locked,
        "panel": str(ticket.panel_id),
        "calls": known.get("calls", 0),
        "crowd": known.get("crowd"),
    }
    if not made:
        return state
    entering = state["viewers"] if plan.is_thread else []
    return state | {"viewers": [], "roles": None, "entering": entering}


def admits_others(was: Mapping[str, Any], wanted: State) -> bool:
    """Tell whether other people are to be in the room than are, or others to be told of it."""
    moved = was.get("panel", wanted["panel"]) != wanted["panel"]
    # Notes of earlier versions have nobody who may come in yet.
    known = {"entering": [], "calling": []} | dict(was)
    return moved or any(known.get(part) != wanted[part] for part in _ADMISSION)


def entering(was: Mapping[str, Any], plan: RoomPlan) -> State | None:
    """Return what to note before members are let into a thread, or None when there are none.

    Should that be broken off and they are not to be there any more, they are known by it.
    """
    before = admitted_by(was)
    fresh = plan.viewers - before.viewers
    if fresh <= before.entering:
        return None
    return {**was, "entering": _texts(sorted(before.entering | fresh))}


def not_to_be_called(was: Mapping[str, Any], plan: RoomPlan, removed: Collection[int]) -> Calls:
    """Return who is not to be in a thread any more: to call them lets them in again.

    `removed` are those who were ever taken out of the ticket: also before they had been let in.
    """
    before = admitted_by(was)
    users = before.viewers.union(before.entering, removed) - plan.viewers
    return Calls(users, former_roles(was, plan))


def former_roles(was: Mapping[str, Any], plan: RoomPlan) -> frozenset[int]:
    """Return the roles that were let in and are not to be there any more."""
    return (admitted_by(was).roles or frozenset()) - plan.staff_roles


def awaiting(state: State, late: Calls) -> State:
    """Return the note with those who may come in yet, since a message on its way calls them."""
    return state | {
        "entering": _texts(sorted(late.users)),
        "calling": _texts(sorted(late.roles)),
    }


def admitted_by(state: Mapping[str, Any]) -> Admitted:
    """Return who was let in, by what is noted of a room."""
    roles = state.get("roles")
    return Admitted(
        frozenset(map(int, state.get("viewers", ()))),
        None if roles is None else frozenset(map(int, (*roles, *state.get("calling", ())))),
        frozenset(map(int, state.get("entering", ()))),
    )


def crowd_of(state: Mapping[str, Any]) -> Crowd:
    """Return who was in a thread by which roles, by what is noted of it."""
    known = state.get("crowd") or {}
    return {int(user_id): frozenset(map(int, roles)) for user_id, roles in known.items()}


def note_of(crowd: Crowd) -> dict[str, list[str]]:
    """Return a crowd as it is noted."""
    return {str(user_id): _texts(sorted(crowd[user_id])) for user_id in sorted(crowd)}


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


def waits_too_long(ticket: Ticket, since: datetime, now: datetime) -> bool:
    """Tell whether somebody waits for a room for so long that an end in words is better.

    `since` is when this process began: while it was not there nobody has asked Discord.
    """
    waited = now - max(ticket.created_at, since)
    return ticket.status == Status.OPENING and waited > _LONGEST_WAIT


def is_to_be_removed(ticket: Ticket, now: datetime) -> bool:
    """Tell whether a room goes: of a ticket given up, or a channel kept for long enough."""
    if ticket.status == Status.FAILED:
        return True
    is_due = ticket.remove_at is not None and ticket.remove_at <= now
    return is_due and ticket.status == Status.CLOSED and ticket.mode == Room.CHANNEL


def next_run(ticket: Ticket, now: datetime) -> datetime | None:
    """Return when the room has to be looked at again: for a name that waits, or its removal."""
    if ticket.channel_id is None:
        return None
    state = ticket.room_state or {}
    if ticket.status == Status.OPEN:
        is_renamed = state.get("name") == ticket.name
        found = [] if is_renamed else [next_rename(ticket.renamed_at, now)]
        if ticket.mode == Room.THREAD and state.get("crowd") is None:
            found.append(now + CROWD_AFTER)
        if state.get("entering") or state.get("calling"):
            found.append(now + _SENT_BY)
        return min(found, default=None)
    if ticket.status == Status.CLOSED:
        if not state.get("locked"):
            return now + AGAIN
        return ticket.remove_at if ticket.mode == Room.CHANNEL else None
    return None


def _texts(ids: Any) -> list[str]:
    return [str(one) for one in ids]
