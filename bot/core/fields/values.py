"""Readers for the form types: each turns what code, JSON or a person's text gives into the value.

Each raises `InvalidInput` in words that a person can act on. Pure but for the time zone database.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, TypeVar
from zoneinfo import available_timezones

from pydantic_core import PydanticCustomError

from bot.core.durations import check_bounds, parse_duration
from bot.core.errors import InvalidInput
from bot.core.i18n import LANGUAGES, Message, _
from bot.core.templates import parse

T = TypeVar("T")

CHANNEL_MENTION = re.compile(r"<#(\d{1,20})>")
ROLE_MENTION = re.compile(r"<@&(\d{1,20})>")
MEMBER_MENTION = re.compile(r"<@!?(\d{1,20})>")
# A line of its own between the variants of a text, where they are edited as one text.
VARIANT_LINE = "---"
# Ids are stored as signed 64-bit integers.
_LARGEST_ID = 2**63 - 1
_DASHES = re.compile(r"^\s*---\s*$", re.MULTILINE)
_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")

# The colours that Discord's own role picker offers, by the names people call them.
COLOURS = {
    "black": 0x000000,
    "blue": 0x3498DB,
    "blurple": 0x5865F2,
    "gold": 0xF1C40F,
    "green": 0x2ECC71,
    "grey": 0x95A5A6,
    "orange": 0xE67E22,
    "pink": 0xE91E63,
    "purple": 0x9B59B6,
    "red": 0xE74C3C,
    "teal": 0x1ABC9C,
    "white": 0xFFFFFF,
    "yellow": 0xFEE75C,
}
_SPANISH_COLOURS = {
    "negro": "black",
    "azul": "blue",
    "dorado": "gold",
    "verde": "green",
    "gris": "grey",
    "gray": "grey",
    "naranja": "orange",
    "rosa": "pink",
    "morado": "purple",
    "rojo": "red",
    "turquesa": "teal",
    "blanco": "white",
    "amarillo": "yellow",
}


def checked(read: Callable[..., T], form: Any, value: Any) -> T:
    """Run a reader inside pydantic, carrying its message along untranslated."""
    try:
        return read(form, value)
    except InvalidInput as error:
        message = error.message
        if error.hint is not None:
            message = _("{problem} {hint}", problem=error.message, hint=error.hint)
        raise PydanticCustomError(
            "refused", "{text}", {"text": str(message), "message": message}
        ) from error


def read_id(value: Any, mention: re.Pattern[str]) -> int:
    """Return the id in an int, a text of digits or a mention of the right kind."""
    if isinstance(value, str):
        text = value.strip()
        if found := mention.fullmatch(text):
            text = found[1]
        if not (text.isascii() and text.isdecimal() and len(text) <= 20):
            raise _not_an_id(value, mention)
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST_ID:
        raise _not_an_id(value, mention)
    return value


def read_ids(value: Any, mention: re.Pattern[str], maximum: int) -> tuple[int, ...]:
    """Return the ids in a list, or in a text of ids and mentions, each once and in their order."""
    if isinstance(value, str):
        value = re.split(r"[\s,;]+", value.replace("><", "> <").strip())
        value = [part for part in value if part]
    if not isinstance(value, list | tuple):
        raise InvalidInput(_("This has to be a list."))
    ids = tuple(dict.fromkeys(read_id(one, mention) for one in value))
    _check_count(len(ids), maximum)
    return ids


def read_duration(value: Any, minimum: timedelta, maximum: timedelta) -> timedelta:
    """Return the duration in a timedelta, a whole number of seconds or a text like "1h 30m"."""
    if isinstance(value, str):
        return parse_duration(value, minimum=minimum, maximum=maximum)
    if isinstance(value, int) and not isinstance(value, bool):
        # Beyond these seconds a timedelta overflows, and every maximum lies below them.
        value = timedelta(seconds=min(max(value, -(10**9)), 10**9))
    if not isinstance(value, timedelta):
        raise InvalidInput(_("This has to be a duration, such as 1h 30m."))
    if value.microseconds:
        raise InvalidInput(_("Durations are counted in whole seconds."))
    check_bounds(value, minimum, maximum)
    return value


def read_colour(value: Any) -> int:
    """Return the colour in an int from 0 to 0xFFFFFF, a text like "#5865f2" or a name."""
    if isinstance(value, str):
        text = value.strip().casefold()
        text = _SPANISH_COLOURS.get(text, text)
        if text in COLOURS:
            return COLOURS[text]
        if found := _HEX.fullmatch(text):
            digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
            return int(digits, 16)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFF:
        return value
    raise InvalidInput(
        _("This is not a colour."), hint=_("Write it like #5865f2, or a name such as blue.")
    )


def read_template(value: Any, variables: Collection[str], max_length: int) -> str:
    """Return the text when it is a template with only these variables; raises `InvalidInput`."""
    if not isinstance(value, str):
        raise InvalidInput(_("This has to be a text."))
    if not value.strip():
        raise InvalidInput(_("Write something here: the message can't be empty."))
    if len(value) > max_length:
        raise InvalidInput(
            _(
                "This has {length} characters; at most {maximum} fit.",
                length=len(value),
                maximum=max_length,
            )
        )
    parse(value, variables)
    return value


def read_templates(
    value: Any, variables: Collection[str], max_length: int, maximum: int
) -> tuple[str, ...]:
    """Return the templates in a list, or in a text that separates them by lines of three dashes."""
    if isinstance(value, str):
        typed, value = value, split_variants(value)
        if typed.strip() and not value:
            raise InvalidInput(
                _("There is no text between the lines of dashes."),
                hint=_("Leave the field empty to clear it."),
            )
    if not isinstance(value, list | tuple):
        raise InvalidInput(_("This has to be a list."))
    if len(value) > maximum:
        raise InvalidInput(
            _("At most {maximum} texts fit; these are {count}.", maximum=maximum, count=len(value))
        )
    return tuple(_read_variant(n, one, variables, max_length) for n, one in enumerate(value, 1))


def split_variants(text: str) -> list[str]:
    """Return the texts that lines of three dashes separate, without empty ones."""
    return [part.strip() for part in _DASHES.split(text) if part.strip()]


def _read_variant(number: int, value: Any, variables: Collection[str], max_length: int) -> str:
    try:
        text = read_template(value, variables, max_length).strip()
    except InvalidInput as error:
        problem = _("Text {number}: {problem}", number=number, problem=error.message)
        raise InvalidInput(problem, hint=error.hint) from error
    if _DASHES.search(text):
        raise InvalidInput(_("A line of three dashes separates texts and can't be part of one."))
    return text


def read_language(value: Any) -> str:
    """Return the code of a language that there is a catalogue for, from its code or name."""
    wanted = str(value).strip().casefold()
    for code, name in LANGUAGES.items():
        if wanted in (code, name.casefold(), _ENGLISH_NAMES[code]):
            return code
    names = ", ".join(f"{name} ({code})" for code, name in LANGUAGES.items())
    raise InvalidInput(
        _("I don't speak that language."), hint=_("Choose one of {names}.", names=names)
    )


_ENGLISH_NAMES = {"en": "english", "es": "spanish"}


def read_time_zone(value: Any) -> str:
    """Return the IANA name of a time zone, whatever its case; suggests zones for what is none."""
    wanted = str(value).strip().casefold().replace(" ", "_")
    if found := _zones().get(wanted):
        return found
    suggestions = suggest_time_zones(wanted, 3)
    if suggestions:
        hint: Message = _("Did you mean {names}?", names=", ".join(suggestions))
    else:
        hint = _("Write it like Europe/Madrid or America/Mexico_City.")
    raise InvalidInput(_("There is no time zone of that name."), hint=hint)


def suggest_time_zones(text: str, limit: int) -> list[str]:
    """Return the zones that contain the text, else the most similar ones."""
    wanted = text.strip().casefold().replace(" ", "_")
    zones = _zones()
    found = sorted(
        (zone for name, zone in zones.items() if wanted in name),
        # Cities first: "UTC" and the like are aliases that few look for.
        key=lambda zone: ("/" not in zone and wanted != zone.casefold(), zone),
    )
    if not found:
        by_city = {name.rsplit("/", 1)[-1]: zone for name, zone in zones.items()}
        close = difflib.get_close_matches(wanted, by_city, n=limit, cutoff=0.7)
        found = [by_city[city] for city in close]
    return found[:limit]


@functools.cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones()) if name[0].isupper()}


def _check_count(count: int, maximum: int) -> None:
    if count > maximum:
        raise InvalidInput(
            _("At most {maximum} fit; these are {count}.", maximum=maximum, count=count)
        )


def _not_an_id(value: Any, mention: re.Pattern[str]) -> InvalidInput:
    shown = str(value)[:40]
    if mention is CHANNEL_MENTION:
        return InvalidInput(
            _("“{text}” is not a channel.", text=shown),
            hint=_("Pick one from the list, mention it, or paste its ID."),
        )
    if mention is MEMBER_MENTION:
        return InvalidInput(
            _("“{text}” is not a member.", text=shown),
            hint=_("Pick one from the list, mention it, or paste its ID."),
        )
    return InvalidInput(
        _("“{text}” is not a role.", text=shown),
        hint=_("Pick one from the list, mention it, or paste its ID."),
    )
