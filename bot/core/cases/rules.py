"""The rules of cases: what an order may say, what each kind holds or lifts, when what is due.

Pure: the present is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.cases.values import (
    LONGEST_TIMEOUT,
    MAX_DELETE_WINDOW,
    MAX_REASON,
    CaseKind,
    CaseState,
    Order,
    SanctionKind,
)
from bot.core.durations import LONGEST, Span
from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.core.preflight import Action

HOLDS = {
    CaseKind.TIMEOUT: SanctionKind.TIMEOUT,
    CaseKind.MUTE: SanctionKind.MUTE,
    CaseKind.BAN: SanctionKind.BAN,
    CaseKind.TEMPBAN: SanctionKind.BAN,
}
LIFTS = {
    CaseKind.UNTIMEOUT: SanctionKind.TIMEOUT,
    CaseKind.UNMUTE: SanctionKind.MUTE,
    CaseKind.UNBAN: SanctionKind.BAN,
}
RECORDS = frozenset({CaseKind.NOTE, CaseKind.WARN})
# The states of cases whose points count; what has ended by time still happened.
COUNTING = frozenset({CaseState.PLANNED, CaseState.APPLIED, CaseState.ENDED})
# Afterwards nobody can write to the member any more.
FAREWELLS = frozenset({CaseKind.KICK, CaseKind.SOFTBAN, CaseKind.BAN, CaseKind.TEMPBAN})
# What is over with the call; the member may come back at any time.
REMOVALS = frozenset({CaseKind.KICK, CaseKind.SOFTBAN})
NEED_DURATION = frozenset({CaseKind.TIMEOUT, CaseKind.TEMPBAN})
NEED_ROLE = frozenset({CaseKind.ADD_ROLE, CaseKind.REMOVE_ROLE})
ACTIONS = {
    CaseKind.TIMEOUT: Action.TIMEOUT,
    CaseKind.UNTIMEOUT: Action.TIMEOUT,
    CaseKind.MUTE: Action.ADD_ROLE,
    CaseKind.UNMUTE: Action.REMOVE_ROLE,
    CaseKind.KICK: Action.KICK,
    CaseKind.SOFTBAN: Action.BAN,
    CaseKind.BAN: Action.BAN,
    CaseKind.TEMPBAN: Action.BAN,
    CaseKind.UNBAN: Action.UNBAN,
    CaseKind.ADD_ROLE: Action.ADD_ROLE,
    CaseKind.REMOVE_ROLE: Action.REMOVE_ROLE,
}
LIFTING_ACTIONS = {
    SanctionKind.TIMEOUT: Action.TIMEOUT,
    SanctionKind.MUTE: Action.REMOVE_ROLE,
    SanctionKind.BAN: Action.UNBAN,
}
SHORTEST = timedelta(seconds=10)
# Discord's limit is measured by its own clock; ours may be behind.
TIMEOUT_STEP = LONGEST_TIMEOUT - timedelta(minutes=1)
# A timeout that goes on is renewed with this much of it left.
RENEWAL_MARGIN = timedelta(days=7)
# https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object
MAX_AUDIT_REASON = 512
_MARKER = re.compile(r"\[cases? \d+(?:-\d+)?\]\s*\Z")


def check_order(order: Order) -> Order:
    """Return the order with its reason trimmed; raises `InvalidInput` for one that can't be."""
    reason = check_reason(order.reason)
    if order.duration is None and order.kind in NEED_DURATION:
        raise InvalidInput(
            _("This needs a duration."), hint=_("For example 30m, 1h 30m or 2 days.")
        )
    if order.duration is not None:
        check_duration(order.duration)
        if order.kind is CaseKind.BAN:
            order = replace(order, kind=CaseKind.TEMPBAN)
    if not timedelta() <= order.delete_window <= MAX_DELETE_WINDOW:
        raise InvalidInput(
            _("Messages of the last {longest} at most can be deleted.", longest=_week())
        )
    if order.role_id is None and order.kind in NEED_ROLE:
        raise InvalidInput(_("Choose a role."))
    if order.points is not None and not 0 <= order.points <= 1000:
        raise InvalidInput(_("A case gives 0 to 1000 points."))
    return replace(order, reason=reason)


def check_reason(reason: str | None) -> str | None:
    """Return the reason without space around it, `None` for an empty one."""
    trimmed = (reason or "").strip()
    if len(trimmed) > MAX_REASON:
        raise InvalidInput(
            _(
                "A reason has at most {limit} characters; this one has {count}.",
                limit=MAX_REASON,
                count=len(trimmed),
            )
        )
    return trimmed or None


def check_duration(duration: timedelta) -> None:
    """Raise `InvalidInput` for a duration that nobody can mean."""
    if duration < SHORTEST:
        raise InvalidInput(_("At least {shortest}, please.", shortest=Span(SHORTEST)))
    if duration > LONGEST:
        raise InvalidInput(_("At most {longest}, please.", longest=Span(LONGEST)))


def _week() -> Span:
    return Span(MAX_DELETE_WINDOW)


def audit_reason(reason: str | None, numbers: Collection[int]) -> str:
    """Return the reason for Discord's audit log, ending in the marker of own actions."""
    marker = f"[{'case' if len(numbers) == 1 else 'cases'} {_ranges(sorted(numbers))}]"
    text = " ".join((reason or "").split())
    room = MAX_AUDIT_REASON - len(marker) - 1
    if len(text) > room:
        text = text[: room - 1] + "…"
    return f"{text} {marker}".strip()


def _ranges(numbers: list[int]) -> str:
    # Cases made together have numbers in a row; where another came between, the ends still say it.
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"


def is_own_reason(text: str | None) -> bool:
    """Tell whether an audit log reason is one that `audit_reason` made."""
    return text is not None and _MARKER.search(text) is not None


def timeout_until(ends_at: datetime | None, now: datetime) -> datetime:
    """Return until when Discord is told to time a member out: the end, or as far as it goes."""
    furthest = now + TIMEOUT_STEP
    return furthest if ends_at is None else min(ends_at, furthest)


def next_look(kind: SanctionKind, ends_at: datetime | None, now: datetime) -> datetime | None:
    """Return when something is to be done about a sanction that holds, `None` for never.

    That is its end, or, for a timeout that outlasts what Discord grants, its renewal.
    """
    if kind is SanctionKind.TIMEOUT and (ends_at is None or ends_at > now + TIMEOUT_STEP):
        return now + TIMEOUT_STEP - RENEWAL_MARGIN
    return ends_at
