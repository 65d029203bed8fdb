"""A form's controls, made from the descriptions of fields: the same that the panel is made from.

Pure: what is shown for which field, and what was entered compared with what was there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.core.contracts import ChannelSummary
from bot.core.durations import Span
from bot.core.errors import FieldError, InvalidInput
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import choice_title, edit_text, read_text
from bot.core.fields.values import suggest_time_zones
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import missing_permissions
from web.dashboard.formdata import Sent
from web.dashboard.values import UTC, Reader, channel_label, in_zone

Kind = Literal["toggle", "select", "checks", "text", "area", "colour"]
_SEVERAL = (Widget.CHANNELS, Widget.ROLES)
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


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options under a heading, such as the channels of a category; "" stands for no heading."""

    label: str
    options: tuple[Option, ...]


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


@dataclass(frozen=True, slots=True)
class Section:
    """Controls that belong together, under a heading or none."""

    title: str
    controls: tuple[Control, ...]
    note: str = ""


def sections_of(
    fields: Iterable[FieldInfo],
    texts: Mapping[str, str],
    errors: Mapping[str, str],
    reader: Reader,
) -> list[Section]:
    """Return the form, field by field, with these texts in it."""
    return [
        Section(
            reader.say(group) if group else "",
            tuple(_control(one, texts[one.name], errors.get(one.name, ""), reader) for one in part),
            reader.say(note) if note else "",
        )
        for (group, note), part in groupby(fields, key=lambda field: (field.group, field.note))
    ]


def texts_of(
    fields: Iterable[FieldInfo], values: Mapping[str, Any], zone: ZoneInfo = UTC
) -> dict[str, str]:
    """Return what stands in an untouched form, by field; instants as wall time in the zone."""
    return {one.name: _text_of(one, values[one.name], zone) for one in fields}


def _text_of(field: FieldInfo, value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    match field.form.widget:
        case Widget.DOCUMENT:
            return json.dumps(value, indent=2, ensure_ascii=False)
        case Widget.LINES:
            return "\n".join(value)
        case Widget.INSTANT:
            return wall_text(value, zone)
        case Widget.COLOUR if field.integral:
            return f"#{value:06x}"
        case _:
            return edit_text(field, value)


def wall_text(instant: str, zone: ZoneInfo) -> str:
    """Return an instant of a JSON value as the wall time in a zone: `2026-12-24 18:00`."""
    wall = in_zone(datetime.fromisoformat(instant), zone).replace(tzinfo=None)
    return wall.isoformat(sep=" ", timespec="seconds" if wall.second else "minutes")


def entered_in(fields: Iterable[FieldInfo], sent: Sent) -> dict[str, str]:
    """Return what was entered, by field; a field that was not sent is not in it."""
    entered: dict[str, str] = {}
    for field in fields:
        if values := sent.get(field.name):
            # A hidden value stands before boxes that may be unchecked, so that the field is sent.
            several = field.form.widget in _SEVERAL
            entered[field.name] = " ".join(filter(None, values)) if several else values[-1]
    return entered


def edited_in(
    fields: Sequence[FieldInfo], entered: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, str]:
    """Return what the person changed: of what was entered, all that is not what was shown."""
    by_name = {one.name: one for one in fields}
    return {
        name: text
        for name, text in entered.items()
        if essence(by_name[name], text) != essence(by_name[name], before[name])
    }


def changes_of(
    fields: Iterable[FieldInfo], edited: Mapping[str, str], locale: str
) -> dict[str, Any]:
    """Return what the settings store takes for what a person edited.

    Raises `InvalidInput` for a document that is no JSON.
    """
    return {one.name: _read(one, edited[one.name], locale) for one in fields if one.name in edited}


def _read(field: FieldInfo, text: str, locale: str) -> Any:
    if field.form.widget is not Widget.DOCUMENT:
        return read_text(field, text, locale)
    return read_document(field, text)


def read_document(field: FieldInfo, text: str) -> Any:
    """Return what was typed as JSON; raises `InvalidInput` with the line that is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        message = _("This is no JSON: look at line {line}.", line=line)
        raise InvalidInput(message, errors=(FieldError(f"/{field.name}", message),)) from error


def essence(field: FieldInfo, text: str) -> Collection[str]:
    """Return what makes a text differ from another one of the same field."""
    return frozenset(text.split()) if field.form.widget in _SEVERAL else text.strip()


def _control(field: FieldInfo, text: str, error: str, reader: Reader) -> Control:
    return Control(
        name=field.name,
        kind=_kind(field, text),
        title=reader.say(field.title),
        hints=tuple(reader.say(one) for one in _hints(field, reader)),
        text=text,
        error=error,
        groups=_groups(field, text, reader),
        variables=field.form.variables,
        suggestions=_suggestions(field),
        rows=min(14, max(5 if field.form.widget is Widget.TEMPLATES else 3, text.count("\n") + 2)),
        numeric=field.form.widget is Widget.NUMBER,
        required=field.required and not _may_be_empty(field),
        entries=_entries(field, text, reader),
    )


def _may_be_empty(field: FieldInfo) -> bool:
    """Return whether nothing typed or chosen is a value, too."""
    return field.optional or field.loose or field.form.widget in (Widget.TOGGLE, *_COUNTED)


def _entries(field: FieldInfo, text: str, reader: Reader) -> tuple[str, ...]:
    if field.form.in_words is None:
        return ()
    try:
        return reader.entries(field, json.loads(text))
    except (ValueError, RecursionError):  # being told beside it
        return ()


def _kind(field: FieldInfo, text: str) -> Kind:
    match field.form.widget:
        case Widget.TOGGLE if not field.optional:
            return "toggle"
        case widget if widget in _SELECTED:
            return "select"
        case Widget.CHANNELS | Widget.ROLES:
            return "checks"
        case Widget.COLOUR if not field.optional and text.startswith("#"):
            return "colour"
        # An input of one line would drop the breaks of a text that has some.
        case widget if widget in _LONG or "\n" in text:
            return "area"
        case _:
            return "text"


# What is said besides the description of what is edited in this way.
_MANNERS = {
    Widget.TEMPLATES: _("A line of three dashes (---) separates several texts."),
    Widget.DOCUMENT: _("Written as JSON, as the API takes it."),
    Widget.MEMBER: _("The ID of a member."),
    Widget.MEMBERS: _("Ids of members, with spaces between them."),
    Widget.LINES: _("One on each line."),
}


def _hints(field: FieldInfo, reader: Reader) -> list[Message]:
    hints = [_(field.description)] if field.description else []
    if (manner := _MANNERS.get(field.form.widget)) is not None:
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


def _groups(field: FieldInfo, text: str, reader: Reader) -> tuple[OptionGroup, ...]:
    match field.form.widget:
        case Widget.CHANNEL | Widget.CHANNELS:
            groups = _channels(field, reader)
            known = _with_lost(groups, text, reader.channel)
        case Widget.ROLE | Widget.ROLES:
            groups = _roles(field, reader)
            known = _with_lost(groups, text, reader.role)
        case Widget.CHOICE | Widget.LANGUAGE:
            choices = (
                Option(one.value, reader.say(choice_title(field, one.value)))
                for one in field.choices
            )
            known = [OptionGroup("", tuple(choices))]
        case Widget.ITEM:
            items = reader.kept.get(field.form.resource, {}).items()
            known = [OptionGroup("", tuple(Option(*one) for one in items))]
            if text and text not in dict(items):
                known = [OptionGroup("", (Option(text, text),)), *known]
        case Widget.TOGGLE if field.optional:
            words = (Option("true", reader.say(_("yes"))), Option("false", reader.say(_("no"))))
            known = [OptionGroup("", words)]
        case _:
            return ()
    if field.form.widget not in _SEVERAL and (field.optional or field.loose or not text):
        known = [OptionGroup("", (Option("", reader.say(_("not set"))),)), *known]
    chosen = frozenset(text.split()) if field.form.widget in _SEVERAL else {text}
    return tuple(_with_choice(one, chosen) for one in known)


def _with_choice(group: OptionGroup, chosen: Iterable[str]) -> OptionGroup:
    options = (Option(one.value, one.label, one.value in chosen) for one in group.options)
    return OptionGroup(group.label, tuple(options))


def _with_lost(
    groups: list[OptionGroup], text: str, name_of: Callable[[int], str]
) -> list[OptionGroup]:
    """Keep what is chosen and no longer exists, so that saving something else does not drop it."""
    present = {option.value for group in groups for option in group.options}
    lost = [one for one in text.split() if one not in present and one.isdecimal()]
    if not lost:
        return groups
    return [OptionGroup("", tuple(Option(one, name_of(int(one))) for one in lost)), *groups]


def _channels(field: FieldInfo, reader: Reader) -> list[OptionGroup]:
    channels = reader.state.channels(reader.guild_id)
    names = {one.id: one.name for one in channels if one.kind == "category"}
    groups: dict[str, list[Option]] = {}
    for one in channels:
        if not field.form.kinds or one.kind in field.form.kinds:
            heading = names.get(one.parent_id, "") if one.parent_id else ""
            groups.setdefault(heading, []).append(_channel_option(field, one, reader))
    return [OptionGroup(heading, tuple(options)) for heading, options in groups.items()]


def _channel_option(field: FieldInfo, channel: ChannelSummary, reader: Reader) -> Option:
    label = channel_label(channel.name, channel.kind)
    if missing_permissions(field.form.needs, channel.bot_permissions, channel) is not None:
        label = reader.say(_("{name} (I lack permissions there)", name=label))
    return Option(str(channel.id), label)


def _roles(field: FieldInfo, reader: Reader) -> list[OptionGroup]:
    options = []
    for one in reader.state.roles(reader.guild_id):
        label = f"@{one.name}"
        if field.form.assignable and not one.assignable:
            label = reader.say(_("{name} (I can't give it)", name=label))
        options.append(Option(str(one.id), label))
    return [OptionGroup("", tuple(options))] if options else []
