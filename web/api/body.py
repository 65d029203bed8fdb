"""Request bodies: JSON objects, read into models where their shape is fixed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.core.settings.validation import Titles, find_unstorable, from_field_errors, invalid_input

B = TypeVar("B", bound=BaseModel)
JSON = ("application/json",)


class Body(BaseModel):
    """What a route takes; any other member is refused, since a typo would go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


async def read_body(request: web.Request, model: type[B]) -> B:
    """Return the request's body as the model; raises `InvalidInput` with an error per field."""
    return validate(model, await read_object(request), {name: name for name in model.model_fields})


def validate(
    model: type[B],
    data: Mapping[str, Any],
    titles: Mapping[str, str],
    choices: Titles | None = None,
) -> B:
    """Return the JSON object as the model; raises `InvalidInput` with an error per field.

    `titles` are what the fields are called in it, `choices` their values', for those that choose.
    """
    if unstorable := find_unstorable(data):
        raise from_field_errors(unstorable, titles)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid_input(error, titles, choices) from error


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the request's body; raises `InvalidInput` for anything else."""
    try:
        found = json.loads(
            await request.read(), parse_constant=_refuse, object_pairs_hook=_without_repeats
        )
        # Escapes can spell halves of surrogates, which no answer could repeat.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(_("The body has to be a JSON object, with each name in it once."))
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found
