"""From what a person writes into a modal to the data of its submission."""

from __future__ import annotations

from typing import Any

from .command_data import NotPossibleError, Resolved, select_values
from .models import Json, walk_components

_ROW, _TEXT_INPUT, _TEXT_DISPLAY, _LABEL, _FILE_UPLOAD = 1, 4, 10, 18, 19
_RADIO_GROUP, _CHECKBOX_GROUP, _CHECKBOX = 21, 22, 23


def modal_data(modal: Json, values: dict[str, Any], resolved: Resolved) -> Json:
    """Return the data of a modal submission.

    `values` maps custom ids to text, lists of choices or truth.
    Raises NotPossibleError for a missing required field, a text of wrong length or a value that is
    not on offer.
    """
    known = {
        entry["custom_id"] for entry in walk_components(modal["components"]) if "custom_id" in entry
    }
    unknown = set(values) - known
    if unknown:
        raise NotPossibleError(f"the modal has no fields {', '.join(sorted(unknown))}")
    rows = [
        _row(number, entry, values, resolved)
        for number, entry in enumerate(modal["components"], start=1)
    ]
    data: Json = {"custom_id": modal["custom_id"], "components": rows}
    if resolved.data:
        data["resolved"] = resolved.data
    return data


def _row(number: int, entry: Json, values: dict[str, Any], resolved: Resolved) -> Json:
    row: Json = {"type": entry["type"], "id": entry.get("id") or number}
    if entry["type"] == _ROW:
        row["components"] = [_field(child, values, resolved) for child in entry["components"]]
    elif entry["type"] == _LABEL:
        row["component"] = _field(entry["component"], values, resolved)
    return row


def _field(field: Json, values: dict[str, Any], resolved: Resolved) -> Json:
    custom_id, kind = field["custom_id"], field["type"]
    answer: Json = {"type": kind, "custom_id": custom_id, "id": field.get("id") or 0}
    value = values.get(custom_id)
    if kind == _TEXT_INPUT:
        return answer | {"value": _text(field, field.get("value") if value is None else value)}
    if kind == _CHECKBOX:
        return answer | {"value": bool(field.get("default") if value is None else value)}
    if kind == _RADIO_GROUP:
        return answer | {"value": _one_of(field, value)}
    if kind == _CHECKBOX_GROUP:
        return answer | {"values": [_one_of(field, entry) for entry in value or []]}
    chosen = [] if value is None else value if isinstance(value, list) else [value]
    if not chosen and not field.get("required", True):
        return answer | {"values": []}
    return answer | {"values": select_values(field, chosen, resolved)}


def _text(field: Json, value: Any) -> str:
    text = "" if value is None else str(value)
    if not text and field.get("required", True):
        raise NotPossibleError(f"{field['custom_id']} is required")
    if text and not (field.get("min_length") or 0) <= len(text) <= (
        field.get("max_length") or 4_000
    ):
        raise NotPossibleError(f"{field['custom_id']} is too short or too long")
    return text


def _one_of(field: Json, value: Any) -> str | None:
    if value is None:
        if field.get("required", True):
            raise NotPossibleError(f"{field['custom_id']} is required")
        return None
    if value not in [option["value"] for option in field["options"]]:
        raise NotPossibleError(f"{value!r} is not on offer")
    return str(value)
