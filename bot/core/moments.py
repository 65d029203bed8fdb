"""Instants as people write them: "in 3 days", "friday at 8pm", "24.12. 20:00", "mañana a las 18".

Wall time is read in the zone of whoever is meant, usually the guild's. What is understood has to be
shown back: a date in words is never beyond doubt. Pure but for the zone database; dates in words
are read by dateparser, which takes 20 MB and is loaded with the first of them.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.durations import LONGEST, Span, parse_duration
from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.core.jobs.recurrence import find_zone

LONGEST_TEXT = 100

# A timestamp as Discord shows it in the reader's own zone: <t:1700000000:R>.
_TIMESTAMP = re.compile(r"<t:(\d{1,12})(?::[a-z])?>")
_IN = re.compile(r"^(?:\+|(?:in|en|dentro de)\s)\s*")
# "-3h" is no hour of the clock; a minus is also typed as a dash.
_AGO = re.compile(r"(?:[-\u2013\u2212]\s*|hace\s+)(.+)|(.+?)\s+ago")
# "1/2" is the first of February to one half of the world and the second of January to the other.
_EITHER_WAY = re.compile(r"(?<!\d)(?:0?[1-9]|1[0-2])[/-](?:0?[1-9]|1[0-2])(?!\d|[:.]\d\d\b)")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# What the library does not understand, in words that it does.
_REPLACED = (
    (re.compile(r"\bpasado mañana\b"), "en 2 días"),
    (re.compile(r"\b(?:the )?day after tomorrow\b"), "in 2 days"),
    (re.compile(r"\b(?:at|a las?)\s+(\d{1,2})(?![\d:.]|\s*[ap]\.?m)(?:\s*h\b)?"), r"\1:00"),
    (re.compile(r"\b([01]?\d|2[0-3])\s*h\b"), r"\1:00"),
    (re.compile(r"\ba las?\b"), " "),
    (re.compile(r"^(?:(?:el|on|the|this|este|próximo|proximo)\s+)+"), ""),
    (re.compile(r"^next\s+(?!week|month|year)"), ""),
    (re.compile(r"\b(?:el|the|on)\b"), " "),
)
_ANY = datetime(2000, 1, 1, tzinfo=UTC)
_DATE_ORDER = {"PREFER_DATES_FROM": "future", "DATE_ORDER": "DMY"}


async def parse_moment(
    text: str,
    *,
    now: datetime,
    timezone: str,
    longest: timedelta = LONGEST,
    since: datetime | None = None,
) -> datetime:
    """Return the instant that an English or Spanish text names, in UTC and in whole seconds.

    With `since` it is the end of what begins then, and has to come after it: a duration counts from
    there, words are read as of `now`, and as of there where they would name a time before it.

    A duration counts from `now`; a time of day without a date is its next occurrence; a wall time
    that a clock change leaves out is as much later as the clock is put forward, and one that
    occurs twice is the first. Raises `InvalidInput` for a text that names no instant, one that can
    be read in two ways, one that is over, and one that is further away than `longest`.
    """
    wanted = " ".join(text.casefold().split())
    start = now if since is None else max(since, now)
    moment = _read_plainly(wanted, start)
    if moment is None:
        _refuse_unclear(text, wanted)
        zone = find_zone(timezone)
        for base in dict.fromkeys((now, start)):
            # The first one loads the library, and each takes a millisecond.
            moment = await asyncio.to_thread(_read_words, wanted, base.astimezone(zone), zone)
            if moment is not None and moment > start:
                break
    if moment is None:
        raise _unreadable(text)
    if now < moment <= start:
        raise InvalidInput(
            _("That is before it begins: {when}.", when=f"<t:{int(moment.timestamp())}:F>"),
            hint=_("Write a later end, or how long it lasts, such as 2 days."),
        )
    return _within(moment, start, longest)


def is_by_clock(text: str) -> bool:
    """Tell whether a text names an instant rather than how long it is until then."""
    wanted = " ".join(text.casefold().split())
    return bool(_TIMESTAMP.fullmatch(wanted)) or _read_plainly(wanted, _ANY) is None


def local_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of a naive wall time in a zone; see `parse_moment` for changes.

    A wall time in the gap has the offset from before it (PEP 495), which puts it after the gap.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _read_plainly(wanted: str, now: datetime) -> datetime | None:
    """Return the instant of a timestamp or a duration."""
    if found := _TIMESTAMP.fullmatch(wanted):
        return datetime.fromtimestamp(min(int(found[1]), 253_402_300_799), UTC)
    ago = _AGO.fullmatch(wanted)
    span = ago[1] or ago[2] if ago else _IN.sub("", wanted)
    try:
        # What is beyond all bounds is read, too, to be told that it is too far away.
        duration = parse_duration(span, maximum=LONGEST + timedelta(seconds=1))
        return now - duration if ago else now + duration
    except InvalidInput:
        return None


def _refuse_unclear(text: str, wanted: str) -> None:
    if len(text) > LONGEST_TEXT or not wanted or not re.search(r"[^\W\d_]|[:./-]", wanted):
        raise _unreadable(text)
    if not _ISO_DATE.search(wanted) and _EITHER_WAY.search(wanted):
        raise InvalidInput(
            _("“{text}” can be read as two different days.", text=text.strip()),
            hint=_("Write the month as a word or the date as 2027-02-01."),
        )


def _read_words(wanted: str, local: datetime, zone: ZoneInfo) -> datetime | None:
    """Return what the library makes of it; `local` is the present on the wall."""
    import dateparser

    for pattern, instead in _REPLACED:
        wanted = pattern.sub(instead, wanted)
    base = local.replace(tzinfo=None, microsecond=0)
    try:
        read = dateparser.parse(
            " ".join(wanted.split()),
            languages=["en", "es"],
            settings={**_DATE_ORDER, "RELATIVE_BASE": base},  # pyright: ignore[reportArgumentType]
        )
        if read is None:
            return None
        # Aware only where the text names a zone itself.
        return read.astimezone(UTC) if read.tzinfo else local_instant(read, zone)
    except (ValueError, OverflowError):
        # A year that no clock has.
        return None


def _within(moment: datetime, now: datetime, longest: timedelta) -> datetime:
    if moment <= now:
        raise InvalidInput(
            _("That is over already: it was {when}.", when=f"<t:{int(moment.timestamp())}:F>"),
            hint=_("Write a time in the future, such as tomorrow 18:00."),
        )
    if moment - now > longest:
        raise InvalidInput(
            _(
                "That is too far away: at most {longest} from now, please.",
                longest=Span(longest),
            )
        )
    return moment.replace(microsecond=0)


def _unreadable(text: str) -> InvalidInput:
    return InvalidInput(
        _("“{text}” is no time that I understand.", text=text.strip()[:50]),
        hint=_("Write for example 2 days, tomorrow 18:00, friday 8pm or 2027-02-01 20:00."),
    )
