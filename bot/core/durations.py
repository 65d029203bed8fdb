"""Durations as people write and read them, in English and Spanish: "1h 30m", "2 días".

Pure; settings fields, commands and the dashboard all read and write durations through here.
"""

from __future__ import annotations

import re
from datetime import timedelta

from babel.lists import format_list
from babel.units import format_unit

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _, babel_locale

LONGEST = timedelta(days=3650)

# A month is taken as 30 days and a year as 365: a duration has no calendar to count by.
_SECONDS_BY_WORDS = {
    "s sec secs second seconds seg segs segundo segundos": 1,
    "m min mins minute minutes minuto minutos": 60,
    "h hr hrs hour hours hora horas": 3600,
    "d day days día días dia dias": 86_400,
    "w wk wks week weeks sem semana semanas": 604_800,
    "mo month months mes meses": 2_592_000,
    "y yr yrs year years año años ano anos": 31_536_000,
}
_SECONDS = {word: size for words, size in _SECONDS_BY_WORDS.items() for word in words.split()}

# Nine digits are 31 years in seconds: more is refused before it can overflow anything.
_PART = re.compile(r"(\d{1,9}(?:[.,]\d{1,3})?)\s*([a-zñí]+)\.?\s*(?:,\s*)?(?:(?:and|y)\b\s*)?")
_SHOWN = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def parse_duration(
    text: str, *, minimum: timedelta = timedelta(0), maximum: timedelta = LONGEST
) -> timedelta:
    """Return the duration that an English or Spanish text names, in whole seconds.

    Numbers need a unit, because a bare "10" means minutes to one person and seconds to the next;
    only "0" stands alone. Raises `InvalidInput` for other texts and outside the bounds.
    """
    rest = text.strip().casefold()
    seconds = 0.0
    if rest != "0":
        if not rest or rest.isdecimal():
            raise _unreadable(text)
        while rest:
            part = _PART.match(rest)
            if part is None or part[2] not in _SECONDS:
                raise _unreadable(text)
            seconds += float(part[1].replace(",", ".")) * _SECONDS[part[2]]
            rest = rest[part.end() :]
    # A sum beyond what a timedelta holds is beyond every maximum, too.
    duration = timedelta(seconds=round(min(seconds, LONGEST.total_seconds() + 1)))
    check_bounds(duration, minimum, maximum)
    return duration


def check_bounds(duration: timedelta, minimum: timedelta, maximum: timedelta) -> None:
    """Raise `InvalidInput` unless the duration lies within the bounds, both included."""
    if duration < minimum:
        raise InvalidInput(_("At least {shortest}, please.", shortest=Span(minimum)))
    if duration > maximum:
        raise InvalidInput(_("At most {longest}, please.", longest=Span(maximum)))


def format_duration(duration: timedelta, locale: str | None) -> str:
    """Return the duration in the reader's words, such as "1 hour and 30 minutes"."""
    language = babel_locale(locale)
    parts = [
        format_unit(amount, f"duration-{unit}", length="long", format="0", locale=language)
        for unit, amount in _split(duration)
    ]
    # CLDR's "unit" lists are incomplete in Babel for half of Discord's locales.
    return format_list(parts, style="standard", locale=language)


def compact_duration(duration: timedelta) -> str:
    """Return the duration as "1h 30m", which `parse_duration` reads in every language."""
    return " ".join(f"{amount}{unit[0]}" for unit, amount in _split(duration))


class Span(Message):
    """A duration inside a message, put into words once the reader's locale is known."""

    def __init__(self, duration: timedelta) -> None:
        super().__init__("", {"duration": duration})

    def render(self, locale: str | None) -> str:
        """Return the duration in words."""
        return format_duration(self.values["duration"], locale)


def _split(duration: timedelta) -> list[tuple[str, int]]:
    rest = max(0, round(duration.total_seconds()))
    parts = []
    for unit, size in _SHOWN:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append((unit, amount))
    return parts or [("second", 0)]


def _unreadable(text: str) -> InvalidInput:
    return InvalidInput(
        _("“{text}” is not a duration.", text=text.strip()[:50]),
        hint=_("Write a number and a unit, for example 30m, 1h 30m or 2 days."),
    )
