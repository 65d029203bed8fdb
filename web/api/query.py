"""Query strings, read into models; what is wrong with one becomes an error per field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import N_, Message, _

Q = TypeVar("Q", bound="Query")


def _read_id(value: object) -> int:
    text = str(value)
    # int() would take signs, spaces, underscores and the digits of every script.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < 1 << 63):
        raise PydanticCustomError("discord_id", "up to 19 digits")
    return int(text)


DiscordId = Annotated[
    int,
    BeforeValidator(_read_id),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,19}$"}),
]


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("instant_range", "outside the years 1 to 9999") from None


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]


class Query(BaseModel):
    """The parameters that a route takes; any other is refused, since a typo would go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_INSTANT = N_("This must be an instant with its zone, such as 2024-01-01T00:00:00Z.")
_TEXTS: dict[str, Message] = {
    "extra_forbidden": _("There is no such parameter."),
    "int_parsing": _("This must be a whole number."),
    "datetime_from_date_parsing": _(_INSTANT),
    "datetime_parsing": _(_INSTANT),
    "timezone_aware": _(_INSTANT),
    "instant_range": _("In UTC, this instant is outside the years 1 to 9999."),
    "discord_id": _("This must be a Discord id: up to 19 digits."),
}


def read_query(request: web.Request, model: type[Q]) -> Q:
    """Return the request's query as the model; raises `InvalidInput` with an error per field."""
    values = request.query
    repeated = {name for name in values if len(values.getall(name)) > 1}
    errors = [
        FieldError(f"/{name}", _("This may be given only once.")) for name in sorted(repeated)
    ]
    # PostgreSQL keeps no zero byte in a text, so nothing that is looked for has one.
    errors += [
        FieldError(f"/{name}", _("This must not contain a zero byte."))
        for name, value in values.items()
        if "\x00" in value
    ]
    try:
        parsed = model.model_validate(dict(values))
    except ValidationError as invalid:
        errors += [_field_error(error) for error in invalid.errors(include_url=False)]
        parsed = None
    if errors or parsed is None:
        raise InvalidInput(_("The query can't be accepted."), errors=tuple(errors))
    return parsed


def _field_error(error: ErrorDetails) -> FieldError:
    pointer = "/" + "/".join(map(str, error["loc"]))
    return FieldError(pointer, _text_for(error["type"], error.get("ctx", {}), error["msg"]))


def _text_for(kind: str, bounds: Mapping[str, Any], fallback: str) -> Message:
    if kind in _TEXTS:
        return _TEXTS[kind]
    if kind == "greater_than_equal":
        return _("This must be at least {least}.", least=bounds["ge"])
    if kind == "less_than_equal":
        return _("This must be at most {most}.", most=bounds["le"])
    if kind == "string_too_long":
        return _("This must be at most {count} characters long.", count=bounds["max_length"])
    if kind == "literal_error":
        return _("This must be one of {choices}.", choices=bounds["expected"])
    return Message(fallback)
