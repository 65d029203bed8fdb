"""Which model an annotation is about: the one that a field is, or of which it holds several."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that is meant by `Model`, `Model | None` and their like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        parts = [one for one in get_args(annotation) if one is not NoneType]
        if len(parts) == 1 or get_origin(annotation) is Annotated:
            return model_in(parts[0])
    return None


def entries_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model of what a list holds, or of the one thing."""
    return model_in(get_args(annotation)[0] if is_list(annotation) else annotation)


def is_list(annotation: Any) -> bool:
    """Return whether it is a list, or a tuple of any length."""
    return get_origin(annotation) in (list, tuple)
