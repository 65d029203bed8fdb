"""What follows from hits: the steps of an escalation, and one harsher answer for many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cogs.automod.rules.values import Action, Severity

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

_FOREVER = timedelta.max
# Of these only the harshest is carried out.
_SANCTIONS = ("timeout", "mute", "kick", "tempban", "ban")
_SEVERITY = {
    "delete": Severity.DELETE,
    "warn": Severity.WARN,
    "add_role": Severity.ROLE,
    "remove_role": Severity.ROLE,
    "timeout": Severity.TIMEOUT,
    "mute": Severity.MUTE,
    "kick": Severity.KICK,
    "tempban": Severity.TEMPBAN,
    "ban": Severity.BAN,
}


def actions_at(rule: Rule, strikes: int) -> tuple[Action, ...]:
    """Return what follows from a hit of a member with so many strikes, this one included."""
    reached = [step.actions for step in rule.escalation if step.after <= strikes]
    return reached[-1] if reached else rule.actions


def merge_actions(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions with every kind once, the harsher of two, and one sanction in all.

    Order: what concerns the message, the member, the channel and the guild, the staff.
    """
    merged: dict[Any, Action] = {}
    sanction: Action | None = None
    for action in actions:
        if action.type in _SANCTIONS:
            sanction = action if sanction is None else _harsher(sanction, action)
            continue
        key = _key(action)
        merged[key] = action if key not in merged else _stronger(merged[key], action)
    found = [*merged.values(), *([sanction] if sanction is not None else [])]
    return tuple(sorted(found, key=lambda action: _ORDER.index(action.type)))


_ORDER = (
    "delete",
    "warn",
    "remove_role",
    "add_role",
    *_SANCTIONS,
    "slowmode",
    "lock",
    "pause_invites",
    "alert",
)


def severity_of(actions: Iterable[Action]) -> Severity:
    """Return the harshest of the actions."""
    found = [_SEVERITY.get(action.type, Severity.NONE) for action in actions]
    return max(found, key=lambda one: one.rank, default=Severity.NONE)


def _key(action: Action) -> Any:
    if action.type in ("add_role", "remove_role"):
        return action.type, action.role_id
    if action.type == "alert":
        return action.type, action.channel_id
    return action.type


def _harsher(one: Action, other: Action) -> Action:
    first, second = _SANCTIONS.index(one.type), _SANCTIONS.index(other.type)
    if first != second:
        return _with_window(one if first > second else other, one, other)
    longer = one if _span(one) >= _span(other) else other
    return _with_window(longer, one, other)


def _with_window(chosen: Action, one: Action, other: Action) -> Action:
    """Give a ban the longer of both windows in which messages are deleted."""
    windows = [
        found for action in (one, other) if (found := getattr(action, "delete_window", None))
    ]
    if not hasattr(chosen, "delete_window") or not windows:
        return chosen
    return chosen.model_copy(update={"delete_window": max(windows)})


def _span(action: Action) -> timedelta:
    if action.type in ("kick", "ban"):
        return timedelta(0)
    return _FOREVER if action.duration is None else action.duration


def _stronger(one: Action, other: Action) -> Action:
    changes: dict[str, Any] = {}
    for name in ("points", "seconds"):
        if hasattr(one, name):
            changes[name] = max(getattr(one, name), getattr(other, name))
    if hasattr(one, "duration"):
        changes["duration"] = (one if _span(one) >= _span(other) else other).duration
    return one.model_copy(update=changes) if changes else one
