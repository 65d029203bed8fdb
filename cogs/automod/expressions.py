"""Rules as one line: `words(idiot, moron) and not has_roles(123)`, `delete, timeout(10m)`.

What is written here is read back as the same value. Names are the types of triggers, conditions
and actions; a list, or the first fields, need no names. Text in quotes may hold anything, with
JSON's escapes; between backticks everything stands for itself, which suits patterns. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter

from bot.core.durations import compact_duration
from bot.core.fields.unions import tag_of
from cogs.automod.actions import AnyAction
from cogs.automod.grammar import LISTS, Reader, read_json_part
from cogs.automod.triggers import All, AnyOf, Condition, Node, Not, Trigger

_TRIGGERS: Mapping[str, type[BaseModel]] = {
    tag_of(one): one for one in (*get_args(Trigger), *get_args(Condition))
}
_ACTIONS: Mapping[str, type[BaseModel]] = {tag_of(one): one for one in get_args(AnyAction)}
_PLAIN = re.compile(r"[^\s,()\[\]\"`=][^,()\[\]\"`=\n\r\x00-\x1f]*(?<!\s)")

_NODE: TypeAdapter[Any] = TypeAdapter(Node)


# --- writing ------------------------------------------------------------------------------------


def write_expression(node: Any) -> str:
    """Return the line that `read_expression` reads as this tree."""
    if isinstance(node, All | AnyOf):
        word, parts = ("and", node.all) if isinstance(node, All) else ("or", node.any)
        if len(parts) == 1:
            return f"{'all' if word == 'and' else 'any'}({write_expression(parts[0])})"
        return f" {word} ".join(_grouped(one) for one in parts)
    if isinstance(node, Not):
        return f"not {_grouped(node.negated)}"
    return _write_call(node)


def write_actions(actions: Iterable[Any]) -> str:
    """Return the line that `read_actions` reads as these actions."""
    return ", ".join(_write_call(one) for one in actions)


def _grouped(node: Any) -> str:
    text = write_expression(node)
    several = isinstance(node, All | AnyOf) and len(getattr(node, tag_of(type(node)))) > 1
    return f"({text})" if several else text


def _write_call(part: Any) -> str:
    listed = LISTS.get(part.type)
    shown = [] if listed is None else [_write_value(one) for one in getattr(part, listed)]
    changed = part.model_dump(exclude_defaults=True)
    may_be_plain = listed is None
    for name in type(part).model_fields:
        if name in ("type", listed):
            continue
        value = getattr(part, name)
        may_be_plain &= name in changed and value is not None
        if may_be_plain:
            shown.append(_write_value(value))
        elif name in changed:
            shown.append(f"{name}={_write_value(value)}")
    needs_list = listed is not None and type(part).model_fields[listed].is_required()
    return f"{part.type}({', '.join(shown)})" if shown or needs_list else part.type


def _write_value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_write_value, value))}]"
    if isinstance(value, timedelta):
        return compact_duration(value).replace(" ", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "none" if value is None else str(value)
    if isinstance(value, str) and (not _PLAIN.fullmatch(text) or text == "none"):
        if "\\" in text and "`" not in text and text.isprintable():
            return f"`{text}`"
        return json.dumps(text, ensure_ascii=False)
    return text


# --- reading ------------------------------------------------------------------------------------


def read_expression(text: str) -> Any:
    """Return the tree that a line or a JSON object describes.

    Raises `InvalidInput` that names the character, or the place in the JSON.
    """
    if text.lstrip().startswith("{"):
        return read_json_part(_NODE, text)
    reader = Reader(text, _TRIGGERS, joins=True)
    node = reader.read_either()
    reader.expect_end()
    return node


def read_actions(text: str) -> tuple[Any, ...]:
    """Return the actions in a line; raises `InvalidInput` that names the character.

    Values may also follow without brackets: "timeout 10m, warn 2".
    """
    reader = Reader(text, _ACTIONS)
    actions = [reader.read_call(spaced=True)]
    while reader.take_separator():
        actions.append(reader.read_call(spaced=True))
    reader.expect_end()
    return tuple(actions)
