"""A form's controls, made from the descriptions of fields: the same that the panel is made from.

Pure: what is shown for which field, and what was entered compared with what was there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Literal

from bot.core.durations import Span
from bot.core.fields import MAX_ITEMS, FieldInfo, Widget
from bot.core.fields.bodies import row_fields
from bot.core.fields.text import shorten
from bot.core.fields.values import suggest_time_zones
from bot.core.i18n import Message, _, ngettext
from bot.core.week import DAYS
from web.dashboard.options import Option, OptionGroup, groups_of
from web.dashboard.people import PEOPLE
from web.dashboard.texts import (
    ADD,
    FRESH,
    RAISE,
    REMOVE,
    Row,
    Text,
    Texts,
    line_in,
    most_rows,
    rows_in,
    texts_at_first,
)
from web.dashboard.values import Reader

Kind = Literal["toggle", "select", "checks", "text", "area", "colour", "rows", "week"]
_COUNTED = (Widget.CHANNELS, Widget.ROLES, Widget.MEMBERS, Widget.LINES)
_SELECTED = (
    Widget.CHANNEL,
    Widget.ROLE,
    Widget.CHOICE,
    Widget.LANGUAGE,
    Widget.TOGGLE,
    Widget.ITEM,
)
_LONG = (
    Widget.PARAGRAPH,
    Widget.TEMPLATE,
    Widget.TEMPLATES,
    Widget.DOCUMENT,
    Widget.LINES,
)
_ALL_ZONES = 1000
# A row of so many inputs is shown at once; others unfold.
_SHORT = 5
# What tells rows apart, where they have it.
_LABELS = ("label", "title", "name", "value")
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Control:
    """One field as the template draws it; `text` is what stands in it, `error` what is wrong."""

    name: str
    kind: Kind
    title: str
    hints: tuple[str, ...]
    text: str
    error: str = ""
    groups: tuple[OptionGroup, ...] = ()
    variables: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    rows: int = 4
    numeric: bool = False
    required: bool = False
    entries: tuple[str, ...] = ()
    rows_of: tuple[RowOfControls, ...] = ()
    # What the button for another row sends, "" where there is no place for one.
    more: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    # How one of the people is chosen whom a typed name may mean.
    picks: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Controls that belong together, under a heading or none."""

    title: str
    controls: tuple[Control, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class RowOfControls:
    """One entry of a list: its heading, its parts, and what was last done with it.

    A `long` one shows its parts when it is `open`. `raising` is what the button sends that puts it
    before the one above, "" for the first.
    """

    name: str
    number: str
    heading: str
    sections: tuple[Section, ...]
    error: str
    long: bool
    open: bool
    turned: bool
    fresh: bool
    remove: str
    raising: str


@dataclass(frozen=True, slots=True)
class _Page:
    errors: Mapping[str, str]
    reader: Reader


def sections_of(
    fields: Iterable[FieldInfo],
    texts: Texts,
    errors: Mapping[str, str],
    reader: Reader,
    place: str = "",
) -> list[Section]:
    """Return the form, field by field, with these texts in it; `place` leads to a row's fields."""
    return [
        Section(
            reader.say(group) if group else "",
            tuple(_control(one, texts[one.name], errors, reader, place) for one in part),
            reader.say(note) if note else "",
        )
        for (group, note), part in groupby(fields, key=lambda field: (field.group, field.note))
    ]


def marked_in(sections: Iterable[Section], within: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names and titles of what is wrong, from the form's top down."""
    for control in (one for section in sections for one in section.controls):
        if control.error:
            yield control.name, f"{within}{control.title}"
        for row in control.rows_of:
            if row.error:
                yield row.name, f"{within}{row.heading}"
            yield from marked_in(row.sections, f"{within}{row.heading}: ")


def _control(
    field: FieldInfo, text: Text, errors: Mapping[str, str], reader: Reader, place: str
) -> Control:
    name = f"{place}{field.name}"
    title, hints = reader.say(field.title), tuple(reader.say(one) for one in _hints(field, reader))
    error, line = errors.get(name, ""), line_in(text)
    if inner := row_fields(field):
        rows = _offered(field, inner, rows_in(text), place)
        return Control(
            name,
            "rows",
            title,
            hints,
            "",
            error,
            rows_of=tuple(
                _row(title, (name, n), one, inner, _Page(errors, reader))
                for n, one in enumerate(rows)
            ),
            more=f"{ADD}:{name}" if len(rows) < most_rows(field) else "",
        )
    return Control(
        name=name,
        kind=_kind(field, line),
        title=title,
        hints=hints,
        text=line,
        error=error,
        groups=groups_of(field, line, reader) or _offers(name, reader),
        variables=field.form.variables,
        suggestions=_suggestions(field),
        rows=min(14, max(5 if field.form.widget is Widget.TEMPLATES else 3, line.count("\n") + 2)),
        numeric=field.form.widget is Widget.NUMBER,
        required=field.required and not _may_be_empty(field),
        entries=_people(line, reader)
        if field.form.widget in PEOPLE
        else _entries(field, line, reader),
        picks="checkbox" if field.form.widget is Widget.MEMBERS else "radio",
        lines=_lines(line, reader) if field.form.widget is Widget.WEEK else (),
    )


def _offered(
    field: FieldInfo, inner: Sequence[FieldInfo], rows: tuple[Row, ...], place: str
) -> tuple[Row, ...]:
    """Return the rows with an empty one, where that is short and the form shows no other yet."""
    if place or _is_long(inner) or len(rows) >= most_rows(field) or any(one.fresh for one in rows):
        return rows
    return (*rows, Row(texts_at_first(inner), fresh=True))


def _row(
    heading: str, place: tuple[str, int], row: Row, inner: Sequence[FieldInfo], page: _Page
) -> RowOfControls:
    list_name, n = place
    name = f"{list_name}.{n}"
    # Of a row that may be left as it is, nothing is needed.
    fields = [replace(one, required=False) for one in inner] if row.fresh else inner
    sections = tuple(sections_of(fields, row.texts, page.errors, page.reader, f"{name}."))
    error = page.errors.get(name, "")
    named = [*_LABELS, *(one.name for one in inner if one.form.widget is Widget.TEXT)]
    label = next(filter(None, (line_in(row.texts.get(one, "")) for one in named)), "")
    nested = [it for text in row.texts.values() for it in rows_in(text)]
    return RowOfControls(
        name=name,
        number=f"{n}{FRESH if row.fresh else ''}",
        heading=f"{heading} {n + 1}" + (f": {shorten(label, _LONGEST_LABEL)}" if label else ""),
        sections=sections,
        error=error,
        long=_is_long(inner),
        open=row.turned or bool(error) or any(marked_in(sections)),
        turned=row.turned and not any(one.turned for one in nested),
        fresh=row.fresh,
        remove=f"{name}{REMOVE}",
        raising=f"{RAISE}:{name}" if n and not row.fresh else "",
    )


def _is_long(inner: Sequence[FieldInfo]) -> bool:
    return len(inner) > _SHORT or any(row_fields(one) for one in inner)


def _lines(text: str, reader: Reader) -> tuple[tuple[str, str], ...]:
    typed = text.split("\n")
    return tuple(
        (_capital(reader.say(day)), typed[n] if n < len(typed) else "")
        for n, day in enumerate(DAYS)
    )


def _offers(name: str, reader: Reader) -> tuple[OptionGroup, ...]:
    """Return whom to choose from where a name was typed that may be several people's."""
    return tuple(
        OptionGroup(
            reader.say(_("Whom does “{text}” mean?", text=one.text)),
            tuple(Option(f"{user_id} {one.text}", label) for user_id, label in one.people),
        )
        for one in reader.offers.get(name, ())
    )


def _people(text: str, reader: Reader) -> tuple[str, ...]:
    """Return what those are called whose ids stand in a text, of whom that is known."""
    ids = [int(one) for one in text.split() if one.isascii() and one.isdecimal()]
    known = [(one, reader.member(one)) for one in ids[:MAX_ITEMS]]
    return tuple(shown for one, shown in known if shown != str(one))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _may_be_empty(field: FieldInfo) -> bool:
    """Return whether nothing typed or chosen is a value, too."""
    return field.optional or field.loose or field.form.widget in (Widget.TOGGLE, *_COUNTED)


def _entries(field: FieldInfo, text: str, reader: Reader) -> tuple[str, ...]:
    if field.form.widget in PEOPLE:
        return _people(text, reader)
    if field.form.in_words is None:
        return ()
    try:
        return reader.entries(field, json.loads(text))
    except (ValueError, RecursionError):  # being told beside it
        return ()


_KINDS: Mapping[Widget, Kind] = {
    **dict.fromkeys(_SELECTED, "select"),
    Widget.CHANNELS: "checks",
    Widget.ROLES: "checks",
    Widget.WEEK: "week",
}


def _kind(field: FieldInfo, text: str) -> Kind:
    widget = field.form.widget
    if widget is Widget.TOGGLE and not field.optional:
        return "toggle"
    if (kind := _KINDS.get(widget)) is not None:
        return kind
    if widget is Widget.COLOUR and not field.optional and text.startswith("#"):
        return "colour"
    # An input of one line would drop the breaks of a text that has some.
    return "area" if widget in _LONG or "\n" in text else "text"


# What is said besides the description of what is edited in this way.
_MANNERS = {
    Widget.TEMPLATES: _("A line of three dashes (---) separates several texts."),
    Widget.DOCUMENT: _("Written as JSON, as the API takes it."),
    Widget.MEMBER: _("The name of a member, or the ID."),
    Widget.MEMBERS: _("Names or IDs of members, with commas between them."),
    Widget.LINES: _("One on each line."),
    Widget.WEEK: _("Such as 09:00-12:00, 13:00-17:30; closed on days without a time."),
}


def _hints(field: FieldInfo, reader: Reader) -> list[Message]:
    hints = [_(field.description)] if field.description else []
    if (manner := _MANNERS.get(field.form.widget)) is not None and not row_fields(field):
        hints.append(manner)
    if field.form.widget is Widget.INSTANT:
        hints.append(_("Written like {example}, in the zone {zone}.", **_example(reader)))
    # One that is always there is picked.
    if field.form.widget is Widget.COLOUR and field.optional:
        hints.append(_("Write it like #5865f2, or a name such as blue."))
    if (bounds := _bounds(field)) is not None:
        hints.append(bounds)
    return hints


def _example(reader: Reader) -> dict[str, str]:
    return {"example": "2030-12-24 18:00", "zone": str(reader.zone)}


def _bounds(field: FieldInfo) -> Message | None:
    form, limits = field.form, field.constraints
    if form.widget is Widget.DURATION:
        shortest, longest = timedelta(seconds=form.minimum), timedelta(seconds=form.maximum)
        return _(
            "From {shortest} to {longest}, such as 1h 30m.",
            shortest=Span(shortest),
            longest=Span(longest),
        )
    if row_fields(field):
        return ngettext("At most {count}.", "At most {count}.", most_rows(field))
    if form.widget is Widget.COLOUR:
        # No number is typed, though JSON has one.
        return None
    if limits.minimum is not None:
        return _range(limits.minimum, limits.maximum)
    if form.widget in _COUNTED:
        return ngettext("At most {count}.", "At most {count}.", form.maximum)
    return _length(field)


def _range(minimum: float, maximum: float | None) -> Message:
    least = _number(minimum)
    if maximum is None:
        return _("At least {bound}, please.", bound=least)
    return _("From {least} to {most}.", least=least, most=_number(maximum))


def _length(field: FieldInfo) -> Message | None:
    form, limits = field.form, field.constraints
    length = form.max_length if form.widget in _LONG and form.variables else limits.max_length
    if length is None:
        return None
    if form.widget is Widget.TEMPLATES:
        return _(
            "At most {texts} texts of {count} characters each.", texts=form.maximum, count=length
        )
    return ngettext("At most {count} character.", "At most {count} characters.", length)


def _number(bound: float) -> str:
    return f"{bound:g}" if abs(bound) < 1e6 else f"{bound:.0f}"


def _suggestions(field: FieldInfo) -> tuple[str, ...]:
    if field.form.widget is not Widget.TIMEZONE:
        return ()
    return tuple(suggest_time_zones("", _ALL_ZONES))
