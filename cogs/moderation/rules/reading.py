"""Reads what moderators type into options, and offers what they may mean.

Pure; ids, durations, reasons, periods.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.durations import compact_duration, format_duration, parse_duration
from bot.core.errors import InvalidInput
from bot.core.fields.text import shorten
from bot.core.i18n import _

# Limits of Discord's autocompletion.
MAX_OFFERS = 25
MAX_TEXT = 100
MOST_PEOPLE = 1000

# Discord's ids have had 17 digits since 2015 and will have 20 at most.
_ID = re.compile(r"(?<!\d)\d{17,20}(?!\d)")
_MESSAGE = re.compile(r"(?:https://\S+/channels/\d+/\d+/)?(\d{17,20})/?")
_BARE_NUMBER = re.compile(r"\d{1,4}")
_FOR_GOOD = frozenset(
    {"permanent", "forever", "never", "for good", "permanente", "siempre", "para siempre"}
)
_COMMON = tuple(
    timedelta(minutes=minutes)
    for minutes in (10, 30, 60, 3 * 60, 12 * 60, 1440, 3 * 1440, 7 * 1440, 14 * 1440, 28 * 1440)
)
_UNITS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1))
_TEMPLATE = re.compile(r"#(\d{1,2})\Z")


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice of an autocompletion."""

    name: str
    value: str


def duration_offers(typed: str, locale: str | None, *, endless: bool = False) -> list[Offer]:
    """Return durations that fit what was typed: itself, a number in each unit, or common ones."""
    text = typed.strip()
    spans: Sequence[timedelta] = _COMMON
    if _BARE_NUMBER.fullmatch(text) and int(text):
        spans = [int(text) * unit for unit in _UNITS]
    elif text:
        try:
            spans = [parse_duration(text)]
        except InvalidInput:
            spans = []
    offers = [
        Offer(format_duration(one, locale)[:MAX_TEXT], compact_duration(one)) for one in spans
    ]
    if endless and not text:
        offers.append(Offer(_("For good").render(locale), "permanent"))
    return offers[:MAX_OFFERS]


def read_duration(typed: str | None) -> timedelta | None:
    """Return the duration that was typed, `None` for none or for good; raises `InvalidInput`."""
    if typed is None or not typed.strip() or typed.strip().casefold() in _FOR_GOOD:
        return None
    return parse_duration(typed)


def reason_offers(typed: str, templates: Sequence[str]) -> list[Offer]:
    """Return the templates that hold what was typed; a long one's value is its number."""
    wanted = typed.strip().casefold()
    return [
        Offer(shorten(text, MAX_TEXT), text if len(text) <= MAX_TEXT else f"#{number}")
        for number, text in enumerate(templates, 1)
        if wanted in text.casefold()
    ][:MAX_OFFERS]


def read_reason(
    typed: str | None, templates: Sequence[str], default: str | None = None
) -> str | None:
    """Return the reason that was meant: a template by its number, the text, or the default."""
    text = (typed or "").strip()
    if (found := _TEMPLATE.match(text)) and 1 <= int(found[1]) <= len(templates):
        return templates[int(found[1]) - 1]
    return text or default


def read_people(text: str) -> tuple[int, ...]:
    """Return the ids in a text, mentions or plain, each once; raises `InvalidInput` for too many.

    Whatever stands between them is passed over, so that a list from anywhere can be pasted.
    """
    people = tuple(dict.fromkeys(int(one) for one in _ID.findall(text)))
    if not people:
        raise InvalidInput(
            _("I found nobody in that."), hint=_("Give ids or mentions, separated by spaces.")
        )
    if len(people) > MOST_PEOPLE:
        raise InvalidInput(
            _(
                "That is {count} people; {limit} at most at once.",
                count=len(people),
                limit=MOST_PEOPLE,
            )
        )
    return people


def read_message_id(text: str | None) -> int | None:
    """Return the id in a message's link, or the id itself; raises `InvalidInput` for others."""
    if text is None or not text.strip():
        return None
    found = _MESSAGE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            _("That is no message."),
            hint=_("Give a message's link or id: right-click it and choose Copy Message Link."),
        )
    return int(found[1])
