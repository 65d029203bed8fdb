"""Spans of weekdays as a form takes them: a line for each day, from Monday.

Pure. A value has `day` (0 is Monday), `opens` and `closes` as wall time, as JSON has it; a span
that closes at 00:00 ends with the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import N_, _

DAYS: Sequence[str] = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
_TIME = r"(\d{1,2})(?:[:.h](\d{2})(:\d{2}(?:\.\d{1,6})?)?)?"
_SPAN = re.compile(rf"{_TIME}\s*[-–—]\s*{_TIME}")  # noqa: RUF001
_SHORT = re.compile(r":00(?:\.0+)?Z?$")


def week_text(spans: Sequence[Mapping[str, Any]]) -> str:
    """Return the spans as `read_week` reads them: seven lines."""
    lines = [""] * len(DAYS)
    for one in sorted(spans, key=lambda one: str(one["opens"])):
        closes = "24:00" if _wall(one["closes"]) == "00:00" else _wall(one["closes"])
        lines[one["day"]] += f"{', ' if lines[one['day']] else ''}{_wall(one['opens'])}-{closes}"
    return "\n".join(lines)


def _wall(at: Any) -> str:
    text = str(at)
    return _SHORT.sub("", text) if len(text) > len("00:00") else text


def read_week(text: str) -> list[dict[str, Any]]:
    """Return the spans in seven lines such as `09:00-12:00, 13:00-17:00`, as JSON has them.

    Raises `InvalidInput` for what can't be read, with an error that names the day.
    """
    found: list[dict[str, Any]] = []
    errors: list[FieldError] = []
    for day, line in enumerate(text.split("\n")[: len(DAYS)]):
        for part in filter(None, (one.strip() for one in re.split(r"[,;]", line))):
            opens, closes = _read_span(part)
            if opens is None or closes is None or (closes != "00:00" and closes <= opens):
                example = "09:00-12:00, 13:00-17:30"
                said = _("{day}: write it like {example}.", day=_(DAYS[day]), example=example)
                errors.append(FieldError("", said))
                break
            found.append({"day": day, "opens": opens, "closes": closes})
    if errors:
        raise InvalidInput(errors[0].message, errors=tuple(errors))
    return found


def _read_span(part: str) -> tuple[str | None, str | None]:
    match = _SPAN.fullmatch(part)
    if match is None:
        return None, None
    return _time(*match.group(1, 2, 3)), _time(*match.group(4, 5, 6), is_end=True)


def _time(hour: str, minute: str | None, rest: str | None, *, is_end: bool = False) -> str | None:
    hours, minutes = int(hour), int(minute or 0)
    if is_end and (hours, minutes) == (24, 0) and not rest:
        return "00:00"
    if hours > 23 or minutes > 59 or float((rest or ":0")[1:]) >= 60:
        return None
    return f"{hours:02}:{minutes:02}{rest or ''}"
