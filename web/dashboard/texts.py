"""What stands in a form, as it is typed: a text for each field, and rows of them for each list.

Pure. A list of models has a row for each entry, with a number by which its inputs are named:
`legs.0.port`. A fresh row is offered to be typed into; left as it is, there is no entry of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.errors import InvalidInput
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.bodies import row_fields
from bot.core.fields.text import edit_text
from bot.core.i18n import _
from bot.core.week import week_text
from web.dashboard.formdata import Sent
from web.dashboard.values import UTC, in_zone

SEVERAL = (Widget.CHANNELS, Widget.ROLES)
# What is sent beside the fields; no name of a field has such a mark.
TURN, REMOVE, FRESH = "!turn", "!remove", "+"
ADD, RAISE = "add", "raise"
_LONGEST_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it stands in the form; a fresh one was not there before, a turned one moved."""

    texts: Texts
    number: int = 0
    fresh: bool = False
    turned: bool = False


Text = str | tuple[Row, ...]
Texts = Mapping[str, Text]


def rows_in(text: Text) -> tuple[Row, ...]:
    """Return the rows of a list's text."""
    return text if isinstance(text, tuple) else ()


def line_in(text: Text) -> str:
    """Return the text of what is no list."""
    return text if isinstance(text, str) else ""


def is_blank(text: Text) -> bool:
    """Return whether nothing at all is typed."""
    return not (text if isinstance(text, tuple) else text.strip())


# --- out of values ----------------------------------------------------------------------------


def texts_of(
    fields: Iterable[FieldInfo], values: Mapping[str, Any], zone: ZoneInfo = UTC
) -> dict[str, Text]:
    """Return what stands in an untouched form, by field; instants as wall time in the zone."""
    return {one.name: _text_of(one, values[one.name], zone) for one in fields}


def _text_of(field: FieldInfo, value: Any, zone: ZoneInfo) -> Text:
    if inner := row_fields(field):
        entries = value if isinstance(value, list) else []
        shown = [{one.name: value_in(entry, one.name) for one in inner} for entry in entries]
        return tuple(Row(texts_of(inner, one, zone), n) for n, one in enumerate(shown))
    return "" if value is None else _line_of(field, value, zone)


def _line_of(field: FieldInfo, value: Any, zone: ZoneInfo) -> str:
    match field.form.widget:
        case Widget.DOCUMENT:
            text = json.dumps(value, indent=2, ensure_ascii=False)
        case Widget.LINES:
            text = "\n".join(value)
        case Widget.WEEK:
            text = week_text(value)
        case Widget.INSTANT:
            text = wall_text(value, zone)
        case Widget.COLOUR if field.integral:
            text = f"#{value:06x}"
        case _:
            text = edit_text(field, value)
    return text


def value_in(body: Mapping[str, Any], name: str) -> Any:
    """Return the JSON value that a dotted name leads to, `None` where there is none."""
    value: Any = body
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def wall_text(instant: str, zone: ZoneInfo) -> str:
    """Return an instant of a JSON value as the wall time in a zone: `2026-12-24 18:00`."""
    wall = in_zone(datetime.fromisoformat(instant), zone).replace(tzinfo=None)
    return wall.isoformat(sep=" ", timespec="seconds" if wall.second else "minutes")


def texts_at_first(fields: Iterable[FieldInfo], zone: ZoneInfo = UTC) -> dict[str, Text]:
    """Return what stands in the form of something new: the defaults."""
    known = tuple(fields)
    return texts_of(known, {one.name: one.default for one in known}, zone)


# --- out of what was sent ---------------------------------------------------------------------


def entered_in(fields: Iterable[FieldInfo], sent: Sent, place: str = "") -> dict[str, Text]:
    """Return what was entered, by field; a field that was not sent is not in it.

    Raises `InvalidInput` for a list that is none of rows: an empty one would be saved for it.
    """
    entered: dict[str, Text] = {}
    for field in fields:
        if not (values := sent.get(f"{place}{field.name}")):
            continue
        if inner := row_fields(field):
            entered[field.name] = _rows_sent(field, inner, sent, f"{place}{field.name}")
        elif field.form.widget in SEVERAL:
            # A hidden value stands before boxes that may be unchecked, so that the field is sent.
            entered[field.name] = " ".join(filter(None, values))
        elif field.form.widget is Widget.WEEK:
            entered[field.name] = "\n".join(one.replace("\n", " ").strip() for one in values)
        else:
            entered[field.name] = values[-1]
    return entered


def _rows_sent(
    field: FieldInfo, inner: Sequence[FieldInfo], sent: Sent, name: str
) -> tuple[Row, ...]:
    """Return the rows that are not to be removed; one too many at most, which is then refused."""
    blank, rows = texts_at_first(inner), list[Row]()
    for value in dict.fromkeys(filter(None, sent[name])):
        number = value.removesuffix(FRESH)
        if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
            raise InvalidInput(_("The request can't be understood."))
        if f"{name}.{number}{REMOVE}" in sent or len(rows) > most_rows(field):
            continue
        texts = {**blank, **entered_in(inner, sent, f"{name}.{number}.")}
        rows.append(Row(texts, int(number), fresh=value.endswith(FRESH)))
    return tuple(rows)


def most_rows(field: FieldInfo) -> int:
    """Return how many entries a list can have."""
    return field.constraints.max_items or 0


def turned(fields: Iterable[FieldInfo], texts: Texts, sent: Sent) -> Texts | None:
    """Return the form as a button of it wants it: with one more row, or one raised.

    `None` when another button was pressed: then the form is to be saved.
    """
    what, _colon, path = (sent.get(TURN) or [""])[-1].partition(":")
    return _turned(fields, texts, what, path.split(".")) if what in (ADD, RAISE) else None


def _turned(fields: Iterable[FieldInfo], texts: Texts, what: str, path: Sequence[str]) -> Texts:
    for field in fields:
        name = field.name.split(".")
        if list(path[: len(name)]) == name and (inner := row_fields(field)):
            rest, rows = path[len(name) :], rows_in(texts.get(field.name, ()))
            return {**texts, field.name: _turned_rows(field, inner, rows, what, rest)}
    return texts


def _turned_rows(
    field: FieldInfo,
    inner: Sequence[FieldInfo],
    rows: tuple[Row, ...],
    what: str,
    path: Sequence[str],
) -> tuple[Row, ...]:
    if not path and what == ADD:
        more = Row(texts_at_first(inner), fresh=True, turned=True)
        return (*rows, more) if len(rows) < most_rows(field) else rows
    place = next((n for n, one in enumerate(rows) if [str(one.number)] == list(path[:1])), None)
    if place is None:
        return rows
    found, others = rows[place], [*rows[:place], *rows[place + 1 :]]
    if len(path) > 1:
        texts = _turned(inner, found.texts, what, path[1:])
        others.insert(place, replace(found, texts=texts, turned=True))
    elif what == RAISE:
        others.insert(max(0, place - 1), replace(found, turned=True))
    else:
        return rows
    return tuple(others)


# --- compared ---------------------------------------------------------------------------------


def without_blank(fields: Iterable[FieldInfo], texts: Texts) -> dict[str, Text]:
    """Return the texts without the fresh rows into which nothing was typed."""
    known = {one.name: one for one in fields}
    return {
        name: _typed_rows(known[name], text) if isinstance(text, tuple) else text
        for name, text in texts.items()
    }


def _typed_rows(field: FieldInfo, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    inner = row_fields(field)
    blank = essences(inner, texts_at_first(inner))
    return tuple(
        replace(one, texts=without_blank(inner, one.texts))
        for one in rows
        if not one.fresh or essences(inner, one.texts) != blank
    )


def essences(fields: Iterable[FieldInfo], texts: Texts) -> dict[str, Any]:
    """Return by field what makes a text differ from another one."""
    return {one.name: essence(one, texts[one.name]) for one in fields}


def essence(field: FieldInfo, text: Text) -> Any:
    """Return what makes a text differ from another one of the same field, as JSON has it."""
    if isinstance(text, tuple):
        inner = row_fields(field)
        return [essences(inner, one.texts) for one in _typed_rows(field, text)]
    if field.form.widget is Widget.WEEK:
        return [one.strip() for one in text.rstrip().split("\n")]
    return sorted(set(text.split())) if field.form.widget in SEVERAL else text.strip()


def edited_in(fields: Sequence[FieldInfo], entered: Texts, before: Texts) -> dict[str, Text]:
    """Return what the person changed: of what was entered, all that is not what was shown."""
    by_name = {one.name: one for one in fields}
    return {
        name: text
        for name, text in entered.items()
        if essence(by_name[name], text) != essence(by_name[name], before[name])
    }
