"""What hosts typed into forms and chose there, read back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.durations import parse_duration
from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.forms import Values
from cogs.giveaways.access import Interaction
from cogs.giveaways.plan import Plan
from cogs.giveaways.rules import OLDEST

# Thousands as both languages set them off: "1,000" and "1.000", but no half of anything.
_GROUPED = re.compile(r"\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3})+)", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,50}", re.ASCII)

Edit = Callable[[Interaction, Plan, Values], Awaitable["Change"]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a form wants changed: the plan, and the end where it names one.

    `ends` is how that was written.
    """

    plan: Plan
    ends_at: datetime | None = None
    ends: str = ""


def ids_in(values: Values, name: str) -> tuple[int, ...]:
    """Return the ids that were chosen from a menu."""
    return tuple(int(one) for one in values[name])


def roles_in(interaction: Interaction, values: Values, name: str) -> tuple[int, ...]:
    """Return the roles that were chosen; raises `InvalidInput` for the one that everybody has."""
    chosen = ids_in(values, name)
    if interaction.guild_id in chosen:
        raise InvalidInput(_("Everybody has @everyone: name another role."))
    return chosen


def number_in(values: Values, name: str) -> int | None:
    """Return a whole number that was typed, however large, `None` for nothing.

    What fits is said by the rules of plans. Raises `InvalidInput`.
    """
    text = str(values[name]).strip()
    if not text:
        return None
    plain = re.sub("[.,]", "", text) if _GROUPED.fullmatch(text) else text
    if _WHOLE.fullmatch(plain) is None:
        raise InvalidInput(_("“{text}” is no whole number.", text=text[:50]))
    return int(plain)


def duration_in(values: Values, name: str, maximum: timedelta = OLDEST) -> timedelta | None:
    """Return a duration that was typed, `None` for nothing; raises `InvalidInput`."""
    text = str(values[name]).strip()
    return parse_duration(text, maximum=maximum) if text and text != "0" else None
