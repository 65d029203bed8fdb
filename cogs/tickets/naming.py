"""Names of rooms: what a panel's pattern makes of a ticket, and how often one can be changed.

Discord lets a channel's name be changed twice in ten minutes and answers a third change with a wait
(https://github.com/discord/discord-api-docs/issues/1900). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.core.templates import parse
from cogs.tickets.panel import NAME_VARIABLES

LONGEST_NAME = 100
RENAMES, RENAME_WINDOW = 2, timedelta(minutes=10)
# Line breaks and what only turns or hides text have no place in a name.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


def make_name(pattern: str, number: int, panel: str, opener: str) -> str:
    """Return a room's name; its number is always in it, so that no two are the same."""
    values = {"number": f"{number:04}", "panel": panel, "opener": opener}
    name = parse(pattern, NAME_VARIABLES).render(values)
    if values["number"] not in name:
        name = f"{fit_name(name, LONGEST_NAME - 10)}-{values['number']}"
    return fit_name(name)


def plain_names(number: int) -> tuple[str, ...]:
    """Return what a room is called where Discord refuses its name for a word in it.

    The number alone may be such a word, and is told apart then.
    https://github.com/discord-tickets/bot/issues/262
    """
    return f"ticket-{number:04}", "ticket-" + "-".join(str(number))


def fit_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as Discord takes it: one line of at most 100 characters, never empty."""
    return " ".join(_UNFIT.sub(" ", name).split())[:longest].strip() or "ticket"


def is_empty(name: str) -> bool:
    """Tell whether nothing of a name is left that could be seen."""
    return not _UNFIT.sub(" ", name).strip()


def next_rename(renamed_at: Sequence[float], now: datetime) -> datetime:
    """Return when the next new name may be asked for: now, or when one is ten minutes old."""
    if len(renamed_at) < RENAMES:
        return now
    oldest = datetime.fromtimestamp(sorted(renamed_at)[-RENAMES], UTC)
    return max(now, oldest + RENAME_WINDOW)


def waits_until(renamed_at: Sequence[float], now: datetime) -> datetime | None:
    """Return when a new name is taken, where it has to wait for that."""
    at = next_rename(renamed_at, now)
    return at if at > now else None


def note_rename(renamed_at: Sequence[float], now: datetime) -> list[float]:
    """Return the instants that are still of interest after a rename now."""
    return [*sorted(renamed_at)[-(RENAMES - 1) :], now.timestamp()]
