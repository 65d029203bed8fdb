"""Models of which a document holds one or another, told apart by `type` or by their only key.

Pydantic puts the tag of a union into the place where an error happened, where no such key is; the
tags made here carry a mark by which `without_tags` takes them out again.
"""

from __future__ import annotations

from collections.abc import Collection
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# From Unicode's private use area: no key that a person writes starts with it.
_MARK = "\ue000"


class TaggedUnion:
    """The annotation of a union of models: each is found by its tag, and errors stay with it."""

    def __init__(self, union: UnionType) -> None:
        self._models: dict[str, type[BaseModel]] = {tag_of(one): one for one in get_args(union)}
        self._tags = {model: tag for tag, model in self._models.items()}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return how pydantic picks the model."""
        return core_schema.tagged_union_schema(
            {_MARK + tag: handler.generate_schema(model) for tag, model in self._models.items()},
            discriminator=self._find,
        )

    def _find(self, value: Any) -> str | None:
        if isinstance(value, BaseModel):
            tag = self._tags.get(type(value))
            return None if tag is None else _MARK + tag
        if not isinstance(value, dict):
            return None
        if "type" in value:
            return _MARK + str(value["type"])
        return next((_MARK + str(key) for key in value if key in self._models), None)


def tag_of(model: type[BaseModel]) -> str:
    """Return what tells the model apart: its `type`, or the name of its only field."""
    if "type" in model.model_fields:
        return model.model_fields["type"].default
    [(name, field)] = model.model_fields.items()
    return field.alias or name


def without_tags(location: Collection[str | int]) -> tuple[str | int, ...]:
    """Return the place of an error without the tags of unions on the way to it."""
    return tuple(one for one in location if not (isinstance(one, str) and one.startswith(_MARK)))


def shown_tags(text: str) -> list[str]:
    """Return the tags that pydantic lists in an error about them."""
    # Pydantic lists them by their repr, in which the mark is escaped.
    plain = text.replace(_MARK, "").replace(_MARK.encode("unicode_escape").decode(), "")
    return [part.strip(" '") for part in plain.split(",")]


def shown_tag(text: str) -> str:
    """Return one tag that pydantic names, as the person wrote it."""
    return text.removeprefix(_MARK)
