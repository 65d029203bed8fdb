"""Form types: the annotations from which storage, API schema, panel and dashboard form are made.

`Annotated[int, channel(needs=(...))]` is an int that is known to name a channel. Ids are `int` in
Python and strings in JSON, because JavaScript can't hold 64 bits. Nothing here knows of Discord.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo as PydanticFieldInfo
from pydantic_core import CoreSchema, PydanticSerializationError, core_schema

from bot.core.contracts import ChannelKind
from bot.core.durations import LONGEST
from bot.core.fields import values
from bot.core.fields.entries import entries_in, is_list
from bot.core.i18n import Message

# What one select menu of Discord can hold.
MAX_ITEMS = 25
MAX_MESSAGE = 2000
_DIGITS = {"type": "string", "pattern": "^[0-9]{1,20}$"}


class Widget(StrEnum):
    """The controls that a panel and a dashboard form know how to draw."""

    TOGGLE = "toggle"
    NUMBER = "number"
    TEXT = "text"
    PARAGRAPH = "paragraph"
    CHOICE = "choice"
    CHANNEL = "channel"
    CHANNELS = "channels"
    ROLE = "role"
    ROLES = "roles"
    DURATION = "duration"
    COLOUR = "colour"
    TEMPLATE = "template"
    TEMPLATES = "templates"
    LANGUAGE = "language"
    TIMEZONE = "timezone"
    MEMBER = "member"
    MEMBERS = "members"
    DOCUMENT = "document"
    # Of what is sent, not of settings: instants, one of what a feature keeps, lines, open hours.
    INSTANT = "instant"
    ITEM = "item"
    LINES = "lines"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Form:
    """How a field is edited and what its value has to satisfy in the guild.

    `needs` are the permissions that the bot must have in the channel, `kinds` the channel kinds
    offered, `assignable` says that the bot has to be able to give the role, `variables` are the
    names a template may use, `meanings` says what each stands for, `labels` name the values of a
    choice (both marked with `N_()`). Bounds count items for lists, characters for templates and
    seconds for durations. `command` names the command, without its slash, that edits a document: a
    value too deep for one input; `in_words` says one of its entries in Discord's markdown. A
    `plain` value stays as JSON has it: an id is a text, a duration a number of seconds. `resource`
    names the kind of which an item is one.
    """

    widget: Widget
    needs: tuple[str, ...] = ()
    kinds: tuple[ChannelKind, ...] = ()
    assignable: bool = False
    variables: tuple[str, ...] = ()
    meanings: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    minimum: int = 0
    maximum: int = 0
    max_length: int = MAX_MESSAGE
    command: str = ""
    in_words: Callable[[Any], Message] | None = None
    plain: bool = False
    resource: str = ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return how pydantic reads and writes a value of this form."""
        read = _READERS.get(self.widget)
        if read is None or self.plain:
            return handler(source)
        write = _WRITERS.get(self.widget, lambda value: value)
        return core_schema.no_info_plain_validator_function(
            lambda value: values.checked(read, self, value),
            serialization=core_schema.plain_serializer_function_ser_schema(write, when_used="json"),
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema, with the form under `x-form`."""
        make = None if self.plain else _SCHEMAS.get(self.widget)
        # A document stays a reference where it is one: what it holds may hold it again.
        plain = self.widget is Widget.DOCUMENT
        schema = make(self) if make else handler(core)
        schema = schema if make or plain else handler.resolve_ref_schema(schema)
        form: dict[str, Any] = {"widget": self.widget.value}
        for name in ("needs", "kinds", "variables"):
            if value := getattr(self, name):
                form[name] = list(value)
        if self.command:
            form["command"] = self.command
        if self.labels:
            form["labels"] = dict(self.labels)
        if self.assignable:
            form["assignable"] = True
        return {**schema, "x-form": form}


_READERS = {
    Widget.CHANNEL: lambda _form, value: values.read_id(value, values.CHANNEL_MENTION),
    Widget.ROLE: lambda _form, value: values.read_id(value, values.ROLE_MENTION),
    Widget.CHANNELS: lambda form, value: values.read_ids(
        value, values.CHANNEL_MENTION, form.maximum
    ),
    Widget.ROLES: lambda form, value: values.read_ids(value, values.ROLE_MENTION, form.maximum),
    Widget.MEMBERS: lambda form, value: values.read_ids(value, values.MEMBER_MENTION, form.maximum),
    Widget.DURATION: lambda form, value: values.read_duration(
        value, timedelta(seconds=form.minimum), timedelta(seconds=form.maximum)
    ),
    Widget.COLOUR: lambda _form, value: values.read_colour(value),
    Widget.TEMPLATE: lambda form, value: values.read_template(
        value, form.variables, form.max_length
    ),
    Widget.TEMPLATES: lambda form, value: values.read_templates(
        value, form.variables, form.max_length, form.maximum
    ),
    Widget.LANGUAGE: lambda _form, value: values.read_language(value),
    Widget.TIMEZONE: lambda _form, value: values.read_time_zone(value),
}

_WRITERS: Mapping[Widget, Any] = {
    Widget.CHANNEL: str,
    Widget.ROLE: str,
    Widget.CHANNELS: lambda ids: [str(one) for one in ids],
    Widget.ROLES: lambda ids: [str(one) for one in ids],
    Widget.MEMBERS: lambda ids: [str(one) for one in ids],
    Widget.DURATION: lambda duration: round(duration.total_seconds()),
    Widget.COLOUR: lambda colour: f"#{colour:06x}",
    Widget.TEMPLATES: list,
}

_SCHEMAS: Mapping[Widget, Any] = {
    Widget.CHANNEL: lambda _form: _DIGITS,
    Widget.ROLE: lambda _form: _DIGITS,
    Widget.CHANNELS: lambda form: _list_of(_DIGITS, form.maximum),
    Widget.ROLES: lambda form: _list_of(_DIGITS, form.maximum),
    Widget.MEMBERS: lambda form: _list_of(_DIGITS, form.maximum),
    Widget.DURATION: lambda form: {
        "type": "integer",
        "minimum": form.minimum,
        "maximum": form.maximum,
    },
    Widget.COLOUR: lambda _form: {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
    Widget.TEMPLATE: lambda form: {"type": "string", "maxLength": form.max_length},
    Widget.TEMPLATES: lambda form: _list_of(
        {"type": "string", "maxLength": form.max_length}, form.maximum
    ),
    Widget.LANGUAGE: lambda _form: {"type": "string", "enum": list(values.LANGUAGES)},
    Widget.TIMEZONE: lambda _form: {"type": "string"},
}


def _list_of(items: Mapping[str, Any], maximum: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "maxItems": maximum}


Variables = tuple[str, ...] | Mapping[str, str]


def channel(
    *, needs: tuple[str, ...] = (), kinds: tuple[ChannelKind, ...] = ("text", "news")
) -> Form:
    """Make the form of an `int` that names a channel in which the bot needs these permissions."""
    return Form(Widget.CHANNEL, needs=needs, kinds=kinds)


def channels(
    *,
    needs: tuple[str, ...] = (),
    kinds: tuple[ChannelKind, ...] = ("text", "news"),
    max_items: int = MAX_ITEMS,
) -> Form:
    """Make the form of a `tuple[int, ...]` that names several channels."""
    return Form(Widget.CHANNELS, needs=needs, kinds=kinds, maximum=max_items)


def role(*, assignable: bool = False) -> Form:
    """Make the form of an `int` that names a role; the bot can give it if assignable."""
    return Form(Widget.ROLE, assignable=assignable)


def roles(*, assignable: bool = False, max_items: int = MAX_ITEMS) -> Form:
    """Make the form of a `tuple[int, ...]` that names several roles."""
    return Form(Widget.ROLES, assignable=assignable, maximum=max_items)


def duration(*, minimum: timedelta = timedelta(0), maximum: timedelta = LONGEST) -> Form:
    """Make the form of a `timedelta` of whole seconds within bounds."""
    return Form(
        Widget.DURATION,
        minimum=round(minimum.total_seconds()),
        maximum=round(maximum.total_seconds()),
    )


def template(variables: Variables, *, max_length: int = MAX_MESSAGE) -> Form:
    """Make the form of a `str` that is a message with these variables.

    A mapping also says what each stands for, in a text marked with `N_()`.
    """
    return Form(
        Widget.TEMPLATE,
        variables=tuple(variables),
        meanings=_meanings(variables),
        max_length=max_length,
    )


def templates(variables: Variables, *, max_items: int = 10, max_length: int = MAX_MESSAGE) -> Form:
    """Make the form of a `tuple[str, ...]` with several variants of a message."""
    return Form(
        Widget.TEMPLATES,
        variables=tuple(variables),
        meanings=_meanings(variables),
        maximum=max_items,
        max_length=max_length,
    )


def _meanings(variables: Variables) -> tuple[tuple[str, str], ...]:
    return tuple(variables.items()) if isinstance(variables, Mapping) else ()


def members(*, max_items: int = MAX_ITEMS) -> Form:
    """Make the form of a `tuple[int, ...]` that names several members."""
    return Form(Widget.MEMBERS, maximum=max_items)


def document(command: str, *, in_words: Callable[[Any], Message] | None = None) -> Form:
    """Make the form of a structured value: a list of models that a command of its own edits.

    Panels show how many there are and name the command; the web edits it as JSON, and shows beside
    it what `in_words` makes of each entry.
    """
    return Form(Widget.DOCUMENT, command=command, in_words=in_words)


def choice(**labels: str) -> Form:
    """Make the form of a `Literal` or `StrEnum`: each value's name, marked with `N_()`."""
    return Form(Widget.CHOICE, labels=tuple(labels.items()))


ChannelId = Annotated[int, channel()]
ChannelIds = Annotated[tuple[int, ...], channels()]
RoleId = Annotated[int, role()]
RoleIds = Annotated[tuple[int, ...], roles()]
MemberIds = Annotated[tuple[int, ...], members()]
Duration = Annotated[timedelta, duration()]
Colour = Annotated[int, Form(Widget.COLOUR)]
Language = Annotated[str, Form(Widget.LANGUAGE)]
TimeZone = Annotated[str, Form(Widget.TIMEZONE)]
LongText = Annotated[str, Form(Widget.PARAGRAPH)]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice and its name, a text marked for translation."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Constraints:
    """Bounds that a form can show; `None` where there is none. Durations count in seconds."""

    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One setting as panels, forms and documents present it; `default` is its JSON value.

    `unset` says what applies while an optional setting has no value, such as "the welcome channel".
    The rest is of what is sent: `required` has no default, `loose` is part of a model that may be
    left out as a whole, `note` describes the group, `entries` is the model in a document, of which
    there are several in a `repeated` one.
    """

    name: str
    title: str
    description: str
    group: str | None
    form: Form
    default: Any
    constraints: Constraints
    choices: tuple[Choice, ...]
    optional: bool
    integral: bool = False
    unset: str | None = None
    required: bool = False
    loose: bool = False
    note: str = ""
    entries: type[BaseModel] | None = None
    repeated: bool = False


class UndescribedFieldError(ValueError):
    """A settings field without a title, a description, a known form type or a JSON default."""


_CONSTRAINT_KEYS = {
    "minimum": ("minimum", "exclusiveMinimum"),
    "maximum": ("maximum", "exclusiveMaximum"),
    "min_length": ("minLength",),
    "max_length": ("maxLength",),
    "max_items": ("maxItems",),
    "pattern": ("pattern",),
}
_NOT_JSON = (PydanticInvalidForJsonSchema, PydanticSerializationError, TypeError, ValueError)
_WIDGET_BY_TYPE = {
    "boolean": Widget.TOGGLE,
    "integer": Widget.NUMBER,
    "number": Widget.NUMBER,
    "string": Widget.TEXT,
}


@functools.lru_cache(maxsize=256)
def describe_fields(model: type[BaseModel]) -> tuple[FieldInfo, ...]:
    """Return the model's fields in their order, as every form presents them.

    Raises `UndescribedFieldError`, naming the field, when one can't be presented.
    """
    try:
        defaults = model().model_dump(mode="json")
        json.dumps(defaults, allow_nan=False)
        schema = model.model_json_schema(mode="serialization")
    except _NOT_JSON as error:
        raise UndescribedFieldError(f"{model.__name__}: {error}") from error
    return tuple(
        _describe(model, name, schema["properties"][name], schema.get("$defs", {}), defaults[name])
        for name in model.model_fields
    )


def _describe(
    model: type[BaseModel],
    name: str,
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    default: Any,
) -> FieldInfo:
    declared = model.model_fields[name]
    if not declared.title or not declared.description:
        raise UndescribedFieldError(f"{model.__name__}.{name} needs a title and a description")
    core, optional = without_null(schema, definitions)
    form = form_in(core, form_of(declared))
    if form is None:
        raise UndescribedFieldError(f"{model.__name__}.{name} has no form type that can be drawn")
    return FieldInfo(
        name=name,
        title=declared.title,
        description=declared.description,
        group=schema.get("x-group"),
        form=form,
        default=default,
        constraints=constraints_in(core),
        choices=choices_in(core, form),
        optional=optional,
        integral=core.get("type") == "integer",
        unset=schema.get("x-unset"),
        entries=entries_in(declared.annotation),
        repeated=is_list(declared.annotation),
    )


def without_null(
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> tuple[Mapping[str, Any], bool]:
    """Return a field's schema without the null that may stand for it, and whether it may."""
    options = schema.get("anyOf", [schema])
    present = [one for one in options if one.get("type") != "null"]
    core = present[0] if len(present) == 1 else {}
    if "$ref" in core:
        core = {**definitions[core["$ref"].rsplit("/", 1)[-1]], **core}
    return core, len(present) < len(options)


def form_of(declared: PydanticFieldInfo) -> Form | None:
    """Return the `Form` in a field's annotation; in `Annotated[...] | None` it is an inner one."""
    inner = (meta for part in get_args(declared.annotation) for meta in get_args(part)[1:])
    return next((one for one in (*declared.metadata, *inner) if isinstance(one, Form)), None)


def form_in(core: Mapping[str, Any], declared: Form | None) -> Form | None:
    """Return the form that was declared, else what the schema suggests, if anything."""
    if declared is not None:
        return declared
    if "enum" in core or "const" in core:
        return Form(Widget.CHOICE)
    widget = _WIDGET_BY_TYPE.get(core.get("type", ""))
    return Form(widget) if widget else None


def constraints_in(core: Mapping[str, Any]) -> Constraints:
    """Return the bounds in a field's schema."""
    found = {
        name: next((core[key] for key in keys if key in core), None)
        for name, keys in _CONSTRAINT_KEYS.items()
    }
    return Constraints(**found)


def choices_in(core: Mapping[str, Any], form: Form) -> tuple[Choice, ...]:
    """Return what a choice or language chooses from."""
    if form.widget is Widget.LANGUAGE:
        return tuple(Choice(code, name) for code, name in values.LANGUAGES.items())
    if form.widget is not Widget.CHOICE:
        return ()
    labels = dict(form.labels)
    return tuple(
        Choice(str(one), labels.get(str(one), str(one).replace("_", " ").capitalize()))
        for one in core.get("enum", [core["const"]] if "const" in core else labels)
    )
