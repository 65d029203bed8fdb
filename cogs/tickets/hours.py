"""Opening hours: reading and saying them, and time that only passes while the staff are there.

Pure. Hours are wall time in a zone, so a day with a clock change is an hour shorter or longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _, babel_locale
from cogs.tickets.panel_parts import Hours

MIDNIGHT = time(0)
# After a week without an opening there is none, but for one that a clock change swallows.
_DAYS_AHEAD = 16
# Spans that a service level or a deadline may take, in days on the calendar: 90 days of work in
# hours that are one minute a week do not end; nobody waits for them.
_MOST_DAYS = 800

# What people write for the days, Monday first, in either language and short or whole.
_DAY_WORDS: Sequence[Sequence[str]] = (
    ("mo", "mon", "monday", "lu", "lun", "lunes"),
    ("tu", "tue", "tues", "tuesday", "ma", "mar", "martes"),
    ("we", "wed", "wednesday", "mi", "mie", "mié", "miercoles", "miércoles"),
    ("th", "thu", "thur", "thurs", "thursday", "ju", "jue", "jueves"),
    ("fr", "fri", "friday", "vi", "vie", "viernes"),
    ("sa", "sat", "saturday", "sab", "sáb", "sabado", "sábado"),
    ("su", "sun", "sunday", "do", "dom", "domingo"),
)
_DAYS = {word: day for day, words in enumerate(_DAY_WORDS) for word in words}
_DAYS_PART = re.compile(
    r"(?P<first>[^\W\d]+)\.?(?:\s*(?:[-–—]|\bto\b|\ba\b)\s*(?P<last>[^\W\d]+)\.?)?"  # noqa: RUF001
)
_LINE = re.compile(
    r"(?P<days>[^\d:]+?)\s*:?\s+"
    r"(?P<opens>\d{1,2}(?:[:.]\d{2})?)\s*[-–—]\s*(?P<closes>\d{1,2}(?:[:.]\d{2})?)"  # noqa: RUF001
)


# --- in words ------------------------------------------------------------------------------------


def read_hours(text: str) -> tuple[Hours, ...]:
    """Return the spans of lines such as `Mon-Fri 09:00-17:00`; nothing for an empty text.

    Raises `InvalidInput` for a line that can't be read, naming it.
    """
    found: list[Hours] = []
    for line in re.split(r"[\n;]", text):
        if line.strip():
            found += _read_line(line.strip())
    return tuple(sorted(found, key=lambda one: (one.day, one.opens)))


def _read_line(line: str) -> list[Hours]:
    match = _LINE.fullmatch(line.casefold())
    if match is None:
        raise _unreadable(line)
    opens, closes = _read_time(match["opens"]), _read_time(match["closes"])
    days = [day for part in match["days"].split(",") for day in _read_days(part.strip(), line)]
    if opens is None or closes is None:
        raise _unreadable(line)
    if closes != MIDNIGHT and closes <= opens:
        raise InvalidInput(
            _("In {line} the end has to be after the beginning.", line=line[:60]),
            hint=_("For a night, write two lines: Fri 22:00-24:00 and Sat 00:00-06:00."),
        )
    return [Hours(day=day, opens=opens, closes=closes) for day in dict.fromkeys(days)]


def _read_days(part: str, line: str) -> list[int]:
    match = _DAYS_PART.fullmatch(part)
    first = _DAYS.get(match["first"]) if match else None
    last = _DAYS.get(match["last"]) if match and match["last"] else first
    if first is None or last is None:
        raise _unreadable(line)
    return [(first + one) % 7 for one in range((last - first) % 7 + 1)]


def _read_time(text: str) -> time | None:
    hour, _colon, minute = text.replace(".", ":").partition(":")
    if (int(hour), int(minute or 0)) == (24, 0):
        return MIDNIGHT
    if int(hour) > 23 or int(minute or 0) > 59:
        return None
    return time(int(hour), int(minute or 0))


def _unreadable(line: str) -> InvalidInput:
    return InvalidInput(
        _("I can't read these hours: {line}", line=line[:60]),
        hint=_("Write one span a line, such as Mon-Fri 09:00-17:00."),
    )


def write_hours(hours: Sequence[Hours], locale: str | None) -> str:
    """Return the spans as `read_hours` reads them, days with the same times together."""
    names = babel_locale(locale or "en").days["format"]["abbreviated"]
    runs: list[tuple[int, int, Hours]] = []
    for one in sorted(hours, key=lambda it: (it.opens, it.closes, it.day)):
        if runs and runs[-1][1] == one.day - 1 and _times(runs[-1][2]) == _times(one):
            runs[-1] = (runs[-1][0], one.day, one)
        else:
            runs.append((one.day, one.day, one))
    lines: list[str] = []
    for first, last, one in sorted(runs, key=lambda run: (run[0], run[2].opens)):
        days = names[first] if first == last else f"{names[first]}-{names[last]}"
        closes = "24:00" if one.closes == MIDNIGHT else f"{one.closes:%H:%M}"
        lines.append(f"{days.rstrip('.')} {one.opens:%H:%M}-{closes}")
    return "\n".join(lines)


def _times(hours: Hours) -> tuple[time, time]:
    return hours.opens, hours.closes


def say_hours(hours: Sequence[Hours], locale: str | None) -> Message | str:
    """Return the hours for people to read."""
    return write_hours(hours, locale) if hours else _("always")


# --- time ----------------------------------------------------------------------------------------


def is_open(hours: Sequence[Hours], zone: str, instant: datetime) -> bool:
    """Tell whether the staff are there; without hours they always are."""
    if not hours:
        return True
    local = instant.astimezone(ZoneInfo(zone))
    return any(begin <= instant < end for begin, end in _spans(hours, zone, local.date(), 1))


def next_opening(hours: Sequence[Hours], zone: str, instant: datetime) -> datetime | None:
    """Return when the staff are there next: the instant itself while they are."""
    if is_open(hours, zone, instant):
        return instant
    first = instant.astimezone(ZoneInfo(zone)).date()
    begins = (begin for begin, _end in _spans(hours, zone, first, _DAYS_AHEAD) if begin > instant)
    return min(begins, default=None)


def opens_at(hours: Sequence[Hours], zone: str, instant: datetime) -> datetime | None:
    """Return when the staff are there again; `None` while they are, or where they never are."""
    return None if is_open(hours, zone, instant) else next_opening(hours, zone, instant)


def business_time(hours: Sequence[Hours], zone: str, start: datetime, end: datetime) -> timedelta:
    """Return how much of the time between two instants the staff are there."""
    if not hours or end <= start:
        return max(end - start, timedelta())
    first = start.astimezone(ZoneInfo(zone)).date()
    last = end.astimezone(ZoneInfo(zone)).date()
    spans = _spans(hours, zone, first, (last - first).days + 1)
    parts = (min(end, to) - max(start, begin) for begin, to in spans)
    return sum((one for one in parts if one > timedelta()), timedelta())


def add_business_time(
    hours: Sequence[Hours], zone: str, start: datetime, span: timedelta
) -> datetime | None:
    """Return when so much time will have passed in which the staff are there; `None` for never."""
    if not hours:
        return start + span
    rest = span
    first = start.astimezone(ZoneInfo(zone)).date()
    for begin, end in _spans(hours, zone, first, _MOST_DAYS):
        counted = end - max(begin, start)
        if counted <= timedelta():
            continue
        if counted >= rest:
            return end - counted + rest
        rest -= counted
    return None


def _spans(
    hours: Sequence[Hours], zone: str, first: date, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the opening spans of some days from a day on, in UTC, those that overlap made one."""
    held: tuple[datetime, datetime] | None = None
    tz = ZoneInfo(zone)
    for offset in range(days):
        day = first + timedelta(days=offset)
        for one in sorted((it for it in hours if it.day == day.weekday()), key=_times_key):
            until = day + timedelta(days=1) if one.closes == MIDNIGHT else day
            begin = datetime.combine(day, one.opens, tz).astimezone(UTC)
            end = datetime.combine(until, one.closes, tz).astimezone(UTC)
            # A clock that is put forward can leave nothing of a span.
            if end <= begin:
                continue
            if held is not None and begin <= held[1]:
                held = (held[0], max(held[1], end))
                continue
            if held is not None:
                yield held
            held = (begin, end)
    if held is not None:
        yield held


def _times_key(hours: Hours) -> tuple[time, bool, time]:
    return hours.opens, hours.closes == MIDNIGHT, hours.closes
