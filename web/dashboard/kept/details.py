"""What a thing has besides what can be changed in it, as people read it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.core.fields import FieldInfo, Widget
from bot.core.fields.bodies import describe_body
from bot.core.fields.text import shorten
from web.dashboard.texts import value_in
from web.dashboard.values import Reader

_LONGEST = 2000
_MOST_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Detail:
    """A field with its value, of which a list has a line for each entry."""

    title: str
    lines: tuple[str, ...]


def details_of(body: BaseModel, without: Collection[str], reader: Reader) -> list[Detail]:
    """Return the fields that have a value, without some of the model's."""
    values = body.model_dump(mode="json")
    return [
        Detail(_title(one, reader), tuple(_lines(one, value_in(values, one.name), reader)))
        for one in describe_body(type(body))
        if one.name.partition(".")[0] not in without
        and value_in(values, one.name) not in (None, "", [])
    ]


def _title(field: FieldInfo, reader: Reader) -> str:
    title = reader.say(field.title)
    return f"{reader.say(field.group)}: {title}" if field.group else title


def _lines(field: FieldInfo, value: Any, reader: Reader) -> Iterator[str]:
    if field.form.widget is not Widget.DOCUMENT:
        yield shorten(reader.value(field, value), _LONGEST)
        return
    for one in (value if isinstance(value, list) else [value])[:_MOST_ENTRIES]:
        if field.entries is not None and isinstance(one, Mapping):
            yield shorten(_in_words(field.entries, one, reader), _LONGEST)
        else:
            yield shorten(json.dumps(one, ensure_ascii=False), _LONGEST)


def _in_words(model: type[BaseModel], entry: Mapping[str, Any], reader: Reader) -> str:
    parts = []
    for field in describe_body(model):
        value = value_in(entry, field.name)
        if value in (None, "", []):
            continue
        if field.form.widget is Widget.DOCUMENT:
            shown = json.dumps(value, ensure_ascii=False)
        else:
            shown = reader.value(field, value)
        parts.append(f"{reader.say(field.title)}: {shown}")
    return " · ".join(parts)
