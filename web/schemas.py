"""JSON Schemas of settings: the model's own, with its texts in the reader's language."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from bot.core.i18n import Message
from bot.core.settings import FeatureSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXTS = ("title", "description", "x-group")


@functools.lru_cache(maxsize=256)
def settings_schema(model: type[FeatureSettings], locale: str) -> dict[str, Any]:
    """Return the schema of a feature's settings, as they are answered and as they are sent.

    It is remembered, so nobody may change it.
    """
    schema = model.model_json_schema(mode="serialization")
    properties = schema.get("properties", {})
    translated = {name: _translated(one, locale) for name, one in properties.items()}
    return {"$schema": DIALECT, **schema, "properties": translated}


def _translated(described: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Translate a field's texts; the names of a choice's values stand in its form, maybe deeper."""
    found = dict(described)
    for key in _TEXTS:
        if isinstance(found.get(key), str):
            found[key] = Message(found[key]).render(locale)
    if "anyOf" in found:
        found["anyOf"] = [_translated(one, locale) for one in found["anyOf"]]
    form = found.get("x-form")
    if form and "labels" in form:
        labels = {value: Message(text).render(locale) for value, text in form["labels"].items()}
        found["x-form"] = {**form, "labels": labels}
    return found
