"""Bodies: models of what is sent and answered, described as the fields of a form.

Unlike settings they may lack defaults, descriptions and form types; what can't be drawn otherwise
is a document. The markers here are for ids, durations and colours that stay what JSON has.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo as Declared

from bot.core.contracts import ChannelKind
from bot.core.durations import LONGEST
from bot.core.fields import (
    MAX_ITEMS,
    FieldInfo,
    Form,
    Widget,
    choices_in,
    constraints_in,
    duration,
    form_in,
    form_of,
    without_null,
)
from bot.core.fields.entries import entries_in, is_list, model_in

# A text that may be longer is typed into an area.
_LONGEST_LINE = 300
_DOCUMENT = Form(Widget.DOCUMENT)
# Lists in lists in lists; what goes deeper is no form any more.
_DEEPEST = 3
_UNDRAWN_IN_LOOSE = (Widget.TOGGLE, Widget.DOCUMENT)


def channel_text(*, kinds: tuple[ChannelKind, ...] = ("text", "news")) -> Form:
    """Make the form of a `str` that names a channel."""
    return Form(Widget.CHANNEL, kinds=kinds, plain=True)


def channel_texts(
    *, kinds: tuple[ChannelKind, ...] = ("text", "news"), max_items: int = MAX_ITEMS
) -> Form:
    """Make the form of a list of `str` that names several channels."""
    return Form(Widget.CHANNELS, kinds=kinds, maximum=max_items, plain=True)


def role_text(*, assignable: bool = False) -> Form:
    """Make the form of a `str` that names a role."""
    return Form(Widget.ROLE, assignable=assignable, plain=True)


def role_texts(*, assignable: bool = False, max_items: int = MAX_ITEMS) -> Form:
    """Make the form of a list of `str` that names several roles."""
    return Form(Widget.ROLES, assignable=assignable, maximum=max_items, plain=True)


def member_text() -> Form:
    """Make the form of a `str` that names a member."""
    return Form(Widget.MEMBER, plain=True)


def member_texts(*, max_items: int = MAX_ITEMS) -> Form:
    """Make the form of a list of `str` that names several members."""
    return Form(Widget.MEMBERS, maximum=max_items, plain=True)


def item_text(resource: str) -> Form:
    """Make the form of a `str` that names one of what a feature keeps, by that resource's name."""
    return Form(Widget.ITEM, resource=resource, plain=True)


def seconds(*, minimum: timedelta = timedelta(0), maximum: timedelta = LONGEST) -> Form:
    """Make the form of an `int` that counts seconds."""
    return replace(duration(minimum=minimum, maximum=maximum), plain=True)


def colour_number() -> Form:
    """Make the form of an `int` that is a colour, 0xRRGGBB."""
    return Form(Widget.COLOUR, plain=True)


def week() -> Form:
    """Make the form of a list of spans of weekdays: `day` (0 is Monday), `opens` and `closes`."""
    return Form(Widget.WEEK, plain=True)


def variants() -> Form:
    """Make the form of a list of `str` of several lines each, such as answers to choose from."""
    return Form(Widget.TEMPLATES, plain=True)


@dataclass(frozen=True, slots=True)
class _Within:
    """The model that a field stands in: nothing of it for what is sent itself."""

    place: str = ""
    title: str | None = None
    note: str = ""
    loose: bool = False


@functools.lru_cache(maxsize=256)
def describe_body(model: type[BaseModel]) -> tuple[FieldInfo, ...]:
    """Return the model's fields in their order, as a form or a page presents them.

    The fields of a model inside it come one by one, `requirements.level`, in a group of its title;
    what is deeper than that is a document, and so is a list of models (see `row_fields`).
    """
    schema = model.model_json_schema()
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    return tuple(_fields(model, _resolved(schema, definitions), definitions, _Within()))


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    return definitions[reference.rsplit("/", 1)[-1]] if reference else schema


def _fields(
    model: type[BaseModel],
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    within: _Within,
) -> Iterator[FieldInfo]:
    # Left as they are declared: a default need not be what a person may send.
    defaults = model.model_construct().model_dump(mode="json", warnings=False)
    for name, declared in model.model_fields.items():
        core, optional = without_null(schema["properties"][declared.alias or name], definitions)
        inner = model_in(declared.annotation)
        if inner is not None and not within.place and form_of(declared) is None:
            place = _Within(
                f"{name}.",
                declared.title or readable(name),
                declared.description or "",
                loose=optional,
            )
            parts = tuple(_fields(inner, core, definitions, place))
            if not optional or all(one.form.widget not in _UNDRAWN_IN_LOOSE for one in parts):
                yield from (_with_default(one, defaults.get(name)) for one in parts)
                continue
        yield _field(name, declared, core, within, optional=optional, default=defaults.get(name))


def _with_default(field: FieldInfo, values: Any) -> FieldInfo:
    if field.loose:
        return replace(field, default=None)
    name = field.name.partition(".")[2]
    known = isinstance(values, dict) and name in values
    return replace(field, default=values[name]) if known else field


def _field(
    name: str,
    declared: Declared,
    core: Mapping[str, Any],
    within: _Within,
    *,
    optional: bool,
    default: Any,
) -> FieldInfo:
    form = form_of(declared) or _form_for(core)
    return FieldInfo(
        name=f"{within.place}{name}",
        title=declared.title or readable(name),
        description=declared.description or "",
        group=within.title,
        form=form,
        default=default,
        constraints=constraints_in(core),
        choices=choices_in(core, form),
        optional=optional,
        integral=core.get("type") == "integer",
        required=declared.is_required(),
        loose=within.loose,
        note=within.note,
        entries=entries_in(declared.annotation),
        repeated=is_list(declared.annotation),
    )


def _form_for(core: Mapping[str, Any]) -> Form:
    values = core.get("enum", [core["const"]] if "const" in core else [])
    if not all(isinstance(one, str) for one in values):
        return _DOCUMENT
    match core:
        case {"type": "array", "items": {"type": "string", **rest}} if "enum" not in rest:
            return Form(Widget.LINES, maximum=core.get("maxItems", MAX_ITEMS))
        case {"type": "string", "format": "date-time"}:
            return Form(Widget.INSTANT)
        case {"type": "string", "maxLength": int(longest)} if longest > _LONGEST_LINE:
            return Form(Widget.PARAGRAPH)
    return form_in(core, None) or _DOCUMENT


@functools.lru_cache(maxsize=256)
def _drawn(model: type[BaseModel], within: tuple[type[BaseModel], ...]) -> tuple[FieldInfo, ...]:
    if len(within) >= _DEEPEST or model in within:
        return ()
    fields = describe_body(model)
    for one in fields:
        if one.form.widget is Widget.DOCUMENT and not _rows(one, (*within, model)):
            return ()
    return fields


def _rows(field: FieldInfo, within: tuple[type[BaseModel], ...]) -> tuple[FieldInfo, ...]:
    is_bounded = field.repeated and field.constraints.max_items is not None
    if field.form.widget is not Widget.DOCUMENT or field.entries is None or not is_bounded:
        return ()
    return _drawn(field.entries, within)


def row_fields(field: FieldInfo) -> tuple[FieldInfo, ...]:
    """Return the fields of each entry of a list of models, in the order in which they are drawn.

    There are none where entries can't be drawn: in a list of any length, or of what holds something
    that is a document itself.
    """
    return _rows(field, ())


def with_rows(fields: Iterable[FieldInfo]) -> Iterator[FieldInfo]:
    """Yield fields, each followed by those of its rows and of the rows in them."""
    for one in fields:
        yield one
        yield from with_rows(row_fields(one))


def readable(name: str) -> str:
    """Return a field's name as words: `required_role_ids` is "Required roles"."""
    if name == "id":
        return "ID"
    for ending, instead in (("_ids", "s"), ("_id", "")):
        if name.endswith(ending):
            name = name.removesuffix(ending) + instead
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
