"""Reads files with members' experience: CSV and JSON, also as other bots export them. Pure.

CPU work for large files: in a thread.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _
from cogs.levels.rules import MOST_XP, Curve, parse_xp

MOST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 50_000
_MOST_LEVEL = 100_000
# As the exports of MEE6, Amari, Arcane, Polaris and spreadsheets call them, in lower case and
# without signs.
_IDS = ("id", "userid", "user", "member", "memberid", "discordid")
_XP = ("xp", "exp", "experience", "totalxp", "totalexp", "points")
_LEVELS = ("level", "lvl")
_LISTS = ("players", "data", "members", "users", "leaderboard", "rows")
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be imported, with its number in the file."""

    number: int
    user_id: int
    xp: int


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be imported, and why."""

    number: int
    problem: Message


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: each person once, in the file's order, and what is wrong with the rest."""

    lines: tuple[Line, ...]
    bad: tuple[BadLine, ...]


def read_file(data: bytes, curve: Curve) -> Reading:
    """Return what a file says; levels without experience are counted by the curve.

    Raises `InvalidInput` for what is no such file at all.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(_("This file is too large: at most 4 MiB, please."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(
            _("This file is no text in UTF-8."), hint=_("Save it as UTF-8 and try again.")
        ) from None
    rows = _json_rows(text) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text)
    return _collect(rows, curve)


def _collect(rows: Iterable[tuple[int, object]], curve: Curve) -> Reading:
    lines: dict[int, Line] = {}
    bad: list[BadLine] = []
    for number, row in rows:
        if number > MOST_ROWS + 1:
            raise InvalidInput(_("This file has too many lines: at most {most}.", most=MOST_ROWS))
        try:
            line = _read_row(number, row, curve)
        except InvalidInput as error:
            bad.append(BadLine(number, error.message))
            continue
        if (first := lines.setdefault(line.user_id, line)) is not line:
            again = _("The same person stands in line {line} already.", line=first.number)
            bad.append(BadLine(number, again))
    if not lines and not bad:
        raise InvalidInput(_("There is nothing in this file."))
    return Reading(tuple(lines.values()), tuple(bad))


def _read_row(number: int, row: object, curve: Curve) -> Line:
    if not isinstance(row, Mapping):
        raise InvalidInput(_("This is no entry with an ID and experience."))
    values = {_plain(str(name)): value for name, value in row.items() if name is not None}
    user_id = _read_id(_first(values, _IDS))
    xp = _first(values, _XP)
    if xp not in (None, ""):
        return Line(number, user_id, _read_number(xp))
    level = _first(values, _LEVELS)
    if level in (None, ""):
        raise InvalidInput(_("There is neither experience nor a level."))
    value = _read_number(level)
    if value > _MOST_LEVEL:
        raise InvalidInput(_("No level is that high."))
    return Line(number, user_id, min(curve.total(value), MOST_XP))


def _first(values: Mapping[str, object], names: Iterable[str]) -> object:
    return next((values[name] for name in names if name in values), None)


def _plain(name: str) -> str:
    return "".join(one for one in name.casefold() if one.isalnum())


def _read_id(value: object) -> int:
    # Spreadsheets make 1.23E+17 of an id; nothing tells which id that was.
    text = str(value).strip().removeprefix("<@").removeprefix("!").removesuffix(">")
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise InvalidInput(_("“{text}” is no ID of a person.", text=str(value)[:40]))
    if not 0 < int(text) <= _LARGEST_ID:
        raise InvalidInput(_("“{text}” is no ID of a person.", text=text))
    return int(text)


def _read_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InvalidInput(_("“{text}” is no whole number.", text=str(value)[:40]))
    if isinstance(value, float):
        if not value.is_integer():
            # In a text 2.345 may be thousands, in a number it never is.
            raise InvalidInput(_("“{text}” is no whole number.", text=str(value)[:40]))
        value = int(value)
    return parse_xp(str(value), zero=True)


def _json_rows(text: str) -> Iterator[tuple[int, object]]:
    try:
        # A number of a million digits would take minutes to read.
        found: Any = json.loads(text, parse_int=_short_int)
    except (ValueError, RecursionError):
        raise InvalidInput(_("This file begins like JSON but is none.")) from None
    if isinstance(found, dict):
        listed = next((found[name] for name in _LISTS if isinstance(found.get(name), list)), None)
        # Else people by their ids: {"123": 450} or {"123": {"xp": 450}}.
        found = listed if listed is not None else list(map(_by_id, found.items()))
    return enumerate(found, 1) if isinstance(found, list) else iter(())


def _short_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= 40 else digits


def _by_id(item: tuple[str, object]) -> object:
    user_id, value = item
    return {**value, "id": user_id} if isinstance(value, dict) else {"id": user_id, "xp": value}


def _csv_rows(text: str) -> Iterator[tuple[int, object]]:
    """Yield the lines by column; a file without a heading has the id first, then experience."""
    first = text.lstrip().partition("\n")[0]
    separator = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        head: list[str] | None = None
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if head is None:
                head = _heading(row)
                if head is row:
                    continue
            yield reader.line_num, dict(zip(head, row, strict=False))
    except csv.Error:
        raise InvalidInput(_("This file can't be read as CSV.")) from None


def _heading(row: list[str]) -> list[str]:
    names = {_plain(cell) for cell in row}
    return row if not names.isdisjoint(_IDS) else ["id", "xp", "level"]
