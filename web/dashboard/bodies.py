"""What is typed into the form of a body, as the API would be sent it, and what is wrong with it.

Pure. Nothing is judged here but whether a text can be read; the rest is up to the body's model and
to the service that takes it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from bot.core.durations import parse_duration
from bot.core.errors import FieldError, InvalidInput
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.bodies import describe_body, row_fields
from bot.core.fields.text import read_text
from bot.core.fields.values import read_colour, split_variants
from bot.core.i18n import _
from bot.core.moments import local_instant
from bot.core.settings.validation import from_field_errors, pointer_to
from bot.core.week import read_week
from web.api.body import validate
from web.dashboard.people import People
from web.dashboard.texts import (
    Row,
    Text,
    Texts,
    essence,
    is_blank,
    line_in,
    rows_in,
    texts_of,
    value_in,
)
from web.dashboard.values import Reader

B = TypeVar("B", bound=BaseModel)

_LISTS = (
    Widget.CHANNELS,
    Widget.ROLES,
    Widget.MEMBERS,
    Widget.LINES,
    Widget.TEMPLATES,
    Widget.WEEK,
)
_IDS = (Widget.CHANNELS, Widget.ROLES, Widget.MEMBERS)
_WORDS = (Widget.TEXT, Widget.PARAGRAPH, Widget.TEMPLATE)
# Where nothing was typed, the model says whether something is needed.
_NOT_SENT = object()


def texts_in(fields: Iterable[FieldInfo], body: Mapping[str, Any], reader: Reader) -> Texts:
    """Return what stands in the form for a body as JSON, by field."""
    known = tuple(fields)
    return texts_of(known, {one.name: value_in(body, one.name) for one in known}, reader.zone)


def body_of(
    model: type[B],
    base: Mapping[str, Any],
    people: People,
    edited: Iterable[str],
) -> B:
    """Return the body that is `base` but for the edited fields, of which these are the texts.

    Raises `InvalidInput` with an error for each field that can't be read, or that the model
    refuses, and for each name of which it is not certain whose it is.
    """
    fields = describe_body(model)
    data = copy.deepcopy(dict(base))
    names = frozenset(edited)
    errors = _unsure_of(people, names)
    errors += _gather(data, fields, people.texts, names, people.reader)
    titles = titles_of(fields)
    choices = {one.name: [choice.title for choice in one.choices] for one in fields if one.choices}
    try:
        body = validate(model, data, titles, choices)
    except InvalidInput as error:
        # What can't be read was not put in, so that it is needed is no second error of it.
        unread = {one.pointer for one in errors}
        errors += [one for one in error.errors if one.pointer not in unread]
        raise from_field_errors(errors, titles) from error
    if errors:
        raise from_field_errors(errors, titles)
    return body


def changes_of(fields: Iterable[FieldInfo], people: People) -> dict[str, Any]:
    """Return what the settings store takes for what a person edited.

    But for documents, the store's model reads the texts itself. Raises `InvalidInput` for what is
    typed into a document and can't be read, and for names of which it is not certain whose.
    """
    known, changes = tuple(fields), dict[str, Any]()
    edited, reader = people.texts, people.reader
    errors = _unsure_of(people, edited)
    for one in known:
        if one.name not in edited:
            continue
        if one.form.widget is Widget.DOCUMENT:
            errors += _gather(changes, (one,), edited, frozenset([one.name]), reader)
        else:
            changes[one.name] = read_text(one, line_in(edited[one.name]), reader.locale)
    if errors:
        raise from_field_errors(errors, titles_of(known))
    return changes


def _unsure_of(people: People, names: Iterable[str]) -> list[FieldError]:
    """Return what is not certain of those who are named in some fields, or in their rows."""
    places = [f"{pointer_to(one.split('.'))}/" for one in names]
    return [one for one in people.wrong if f"{one.pointer}/".startswith(tuple(places))]


def _gather(
    data: dict[str, Any],
    fields: Sequence[FieldInfo],
    texts: Texts,
    names: frozenset[str],
    reader: Reader,
) -> list[FieldError]:
    """Put what is read of some fields into the data; return what can't be read, which is not."""
    errors: list[FieldError] = []
    for field in fields:
        if field.name not in names:
            continue
        _begin_group(data, field, fields)
        place = pointer_to(field.name.split("."))
        if inner := row_fields(field):
            value, wrong = _read_rows(inner, rows_in(texts[field.name]), reader)
            _put(data, field.name, value)
            errors += [FieldError(f"{place}{one.pointer}", one.message) for one in wrong]
            continue
        try:
            _put(data, field.name, _read(field, line_in(texts[field.name]), reader))
        except InvalidInput as error:
            said = error.errors if field.form.widget is Widget.WEEK else ()
            errors += [FieldError(place, one.message) for one in said or (error,)]
    _leave_out_empty(data, fields, texts, names)
    return errors


def _read_rows(
    inner: Sequence[FieldInfo], rows: Sequence[Row], reader: Reader
) -> tuple[list[dict[str, Any]], list[FieldError]]:
    names = frozenset(one.name for one in inner)
    entries: list[dict[str, Any]] = []
    errors: list[FieldError] = []
    for number, row in enumerate(rows):
        entry: dict[str, Any] = {}
        wrong = _gather(entry, inner, row.texts, names, reader)
        errors += [FieldError(f"/{number}{one.pointer}", one.message) for one in wrong]
        entries.append(entry)
    return entries, errors


def titles_of(fields: Iterable[FieldInfo]) -> dict[str, str]:
    """Return what fields and the models that some stand in are called, by their names."""
    known = tuple(fields)
    groups = {one.name.partition(".")[0]: one.group for one in known if one.group}
    return groups | {one.name: one.title for one in known}


def _begin_group(data: dict[str, Any], field: FieldInfo, fields: Sequence[FieldInfo]) -> None:
    """Have the model that a field stands in hold what the form shows of the others."""
    group, dot, _name = field.name.partition(".")
    if dot and not isinstance(data.get(group), dict):
        data[group] = {
            one.name.partition(".")[2]: one.default
            for one in fields
            if one.name.startswith(f"{group}.")
            and (one.default is not None or (one.optional and not one.loose))
        }


def _put(data: dict[str, Any], name: str, value: Any) -> None:
    group, dot, last = name.partition(".")
    place, last = (data[group], last) if dot else (data, group)
    if value is _NOT_SENT:
        place.pop(last, None)
    else:
        place[last] = value


def _leave_out_empty(
    data: dict[str, Any], fields: Sequence[FieldInfo], texts: Texts, edited: frozenset[str]
) -> None:
    """Send none of a model that there may be none of and into which nothing is typed."""
    groups: dict[str, list[str]] = {}
    for one in fields:
        if one.loose:
            groups.setdefault(one.name.partition(".")[0], []).append(one.name)
    for group, names in groups.items():
        if edited.intersection(names) and all(is_blank(texts.get(one, "")) for one in names):
            data[group] = None


def _read(field: FieldInfo, text: str, reader: Reader) -> Any:
    typed, form = text.strip(), field.form
    if not typed:
        value = _nothing_in(field)
    elif form.plain or field.integral:
        value = _read_plain(field, text, reader)
    else:
        match form.widget:
            case Widget.DOCUMENT:
                value = read_document(typed)
            case Widget.INSTANT:
                value = _read_instant(typed, reader)
            case Widget.LINES:
                value = [line.strip() for line in typed.splitlines() if line.strip()]
            case Widget.NUMBER:
                value = _read_number(field, typed, reader.locale)
            case _:
                value = read_text(field, text, reader.locale)
    return value


def _read_plain(field: FieldInfo, text: str, reader: Reader) -> Any:
    """Return what JSON has for a text whose form would make more of it than that."""
    form, typed = field.form, text.strip()
    match form.widget:
        case Widget.TEMPLATES:
            value = split_variants(typed)
        case Widget.WEEK:
            value = read_week(text)
        case widget if widget in _IDS:
            value = re.split(r"[\s,;]+", typed)
        case Widget.DURATION:
            shortest, longest = timedelta(seconds=form.minimum), timedelta(seconds=form.maximum)
            span = parse_duration(typed, minimum=shortest, maximum=longest)
            value = round(span.total_seconds())
        case Widget.COLOUR:
            value = read_colour(typed)
        case Widget.NUMBER:
            value = _read_number(field, typed, reader.locale)
        case _:
            value = typed
    return value


def _nothing_in(field: FieldInfo) -> Any:
    if field.loose:
        return _NOT_SENT
    if field.optional:
        return None
    if field.form.widget in _LISTS:
        return []
    if field.form.widget in _WORDS and not field.required:
        return ""
    return _NOT_SENT


def read_document(text: str) -> Any:
    """Return what was typed as JSON; raises `InvalidInput` with the line that is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise InvalidInput(_("This is no JSON: look at line {line}.", line=line)) from error


def _read_instant(typed: str, reader: Reader) -> str:
    try:
        read = datetime.fromisoformat(typed)
        aware = read if read.tzinfo else local_instant(read, reader.zone)
        return aware.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise InvalidInput(
            _("This is no instant: write it like {example}.", example="2030-12-24 18:00")
        ) from None


def _read_number(field: FieldInfo, typed: str, locale: str) -> Any:
    plain = read_text(field, typed, locale)
    try:
        return int(plain) if field.integral else float(plain)
    except (TypeError, ValueError):  # cleared by a word, or left for the model to refuse
        return plain


# --- what was edited --------------------------------------------------------------------------


def marks_of(fields: Iterable[FieldInfo], texts: Texts) -> str:
    """Return what the form carries along to tell later what was edited in it."""
    return json.dumps({one.name: _mark(one, texts[one.name]) for one in fields})


def typed_anew(fields: Iterable[FieldInfo], texts: Texts, before: Texts) -> list[str]:
    """Return the fields of something new that are sent: those that differ, or have no default."""
    return [
        one.name
        for one in fields
        if essence(one, texts[one.name]) != essence(one, before[one.name])
        or (one.required and not one.loose)
    ]


def read_marks(text: str) -> Mapping[str, str]:
    """Return the marks that a form was sent with; none of a form that is not ours."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def differing(fields: Iterable[FieldInfo], texts: Texts, marks: Mapping[str, str]) -> list[str]:
    """Return the fields whose text is not the one that was marked; the unmarked ones, too."""
    return [
        one.name
        for one in fields
        if one.name in texts and _mark(one, texts[one.name]) != marks.get(one.name)
    ]


def _mark(field: FieldInfo, text: Text) -> str:
    told = json.dumps(essence(field, text), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


# --- what is wrong ----------------------------------------------------------------------------


def errors_in(
    error: InvalidInput, fields: Iterable[FieldInfo], reader: Reader
) -> tuple[dict[str, str], list[str]]:
    """Return what is wrong by field, and what is wrong with no field of the form."""
    known = tuple(fields)
    titles = titles_of(known)
    beside: dict[str, list[str]] = {}
    others: list[str] = []
    for one in error.errors:
        parts = [_unescaped(part) for part in one.pointer.split("/")[1:]]
        said = reader.plain(reader.say(one.message))
        name, place = _place_of(known, parts, reader)
        if name:
            beside.setdefault(name, []).append(f"{place}: {said}" if place else said)
        else:
            title = titles.get(parts[0]) if parts else None
            others.append(f"{reader.say(title)}: {said}" if title else said)
    return {name: " ".join(dict.fromkeys(said)) for name, said in beside.items()}, others


def _place_of(fields: Iterable[FieldInfo], parts: Sequence[str], reader: Reader) -> tuple[str, str]:
    """Return the field, or the row, that a place in a body is of, and where in it, in words."""
    by_name = {one.name: one for one in fields}
    for length in range(len(parts), 0, -1):
        name, rest = ".".join(parts[:length]), parts[length:]
        if (field := by_name.get(name)) is None:
            continue
        inner = row_fields(field)
        if not inner or not rest or not rest[0].isdecimal():
            return name, _place(field, rest)
        row = f"{name}.{rest[0]}"
        within, place = _place_of(inner, rest[1:], reader)
        if within:
            return f"{row}.{within}", place
        title = titles_of(inner).get(rest[1]) if len(rest) > 1 else None
        return row, reader.say(title) if title else "/".join(rest[1:])
    return "", ""


def _place(field: FieldInfo, rest: Sequence[str]) -> str:
    """Return where in a field something is wrong: people count from one, but in JSON."""
    if field.form.widget in _LISTS and len(rest) == 1 and rest[0].isdecimal():
        return str(int(rest[0]) + 1)
    return "" if field.form.widget is Widget.WEEK else "/".join(rest)


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
