"""Discord's rules for components in messages and modals.

https://discord.com/developers/docs/components/reference
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..models import walk_components
from .errors import FormCheck

Json = dict[str, Any]

ACTION_ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SECTION, TEXT_DISPLAY, THUMBNAIL, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = (
    9,
    10,
    11,
    12,
    13,
    14,
    17,
    18,
)
FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 19, 21, 22, 23

SELECTS = frozenset({3, 5, 6, 7, 8})
_CONTAINED = frozenset({ACTION_ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR})
_TOP_LEVEL_V2 = _CONTAINED | {CONTAINER}
_LABELLED = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX}

MAX_COMPONENTS_V2 = 40
MAX_TEXT_V2 = 4_000


def check_components(check: FormCheck, components: Any, *, v2: bool) -> None:
    """Check a message's components.

    `v2` says whether the message carries the Components V2 flag.
    """
    components = check.entries("components", components, 0, MAX_COMPONENTS_V2 if v2 else 5)
    allowed = _TOP_LEVEL_V2 if v2 else frozenset({ACTION_ROW})
    _check_children(check, "components", components, allowed)
    _check_custom_ids(check, components)
    if v2:
        _check_totals(check, components)


def check_modal(check: FormCheck, data: Json) -> None:
    """Check the data of a modal callback: title, custom id and one to five rows."""
    check.text("data.title", data.get("title"), 1, 45, required=True)
    check.text("data.custom_id", data.get("custom_id"), 1, 100, required=True)
    components = check.entries("data.components", data.get("components"), 1, 5)
    allowed = frozenset({ACTION_ROW, TEXT_DISPLAY, LABEL})
    _check_children(check, "data.components", components, allowed)
    _check_custom_ids(check, components)


def _check_children(
    check: FormCheck, path: str, components: list[Any], allowed: frozenset[int]
) -> None:
    for index, component in enumerate(components):
        spot = f"{path}.{index}"
        kind = component.get("type") if isinstance(component, dict) else None
        if kind not in allowed:
            listed = ", ".join(str(entry) for entry in sorted(allowed))
            check.fail(
                f"{spot}.type",
                "UNION_TYPE_CHOICES",
                f'Value of field "type" must be one of ({listed}).',
            )
            continue
        rule = _RULES.get(kind)
        if rule is not None:
            rule(check, spot, component)


def _check_custom_ids(check: FormCheck, components: list[Json]) -> None:
    seen: set[str] = set()
    for component in walk_components(components):
        custom_id = component.get("custom_id")
        if custom_id is None:
            continue
        if custom_id in seen:
            check.fail(
                "components",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            )
        seen.add(custom_id)


def _check_totals(check: FormCheck, components: list[Json]) -> None:
    everything = walk_components(components)
    if len(everything) > MAX_COMPONENTS_V2:
        check.fail(
            "components",
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 40 in length, nested ones included.",
        )
    text = sum(
        len(str(entry.get("content") or ""))
        for entry in everything
        if entry.get("type") == TEXT_DISPLAY
    )
    if text > MAX_TEXT_V2:
        message = "The total length of all text displays must be 4000 or fewer."
        check.fail("components", "COMPONENT_MAX_TOTAL_TEXT_LENGTH", message)


def _row(check: FormCheck, path: str, row: Json) -> None:
    children = check.entries(f"{path}.components", row.get("components"), 1, 5)
    kinds = [child.get("type") for child in children if isinstance(child, dict)]
    if any(kind in SELECTS or kind == TEXT_INPUT for kind in kinds) and len(children) > 1:
        check.fail(f"{path}.components", "BASE_TYPE_BAD_LENGTH", "Must be 1 in length.")
    _check_children(check, f"{path}.components", children, SELECTS | {BUTTON, TEXT_INPUT})


def _button(check: FormCheck, path: str, button: Json) -> None:
    style = button.get("style")
    check.choice(f"{path}.style", style if style is not None else "missing", (1, 2, 3, 4, 5, 6))
    check.text(f"{path}.label", button.get("label"), 0, 80)
    if style == 5:
        check.text(f"{path}.url", button.get("url"), 1, 512, required=True)
    elif style == 6:
        check.text(f"{path}.sku_id", button.get("sku_id"), 1, 20, required=True)
    else:
        check.text(f"{path}.custom_id", button.get("custom_id"), 1, 100, required=True)
    if style in (5, 6) and button.get("custom_id"):
        check.fail(
            f"{path}.custom_id",
            "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE",
            "A custom id and url cannot both be specified",
        )
    if style != 6 and not button.get("label") and not button.get("emoji"):
        check.fail(
            path, "BUTTON_COMPONENT_INVALID_LABEL_EMOJI", "A button must have a label or emoji"
        )


def _select(check: FormCheck, path: str, select: Json) -> None:
    check.text(f"{path}.custom_id", select.get("custom_id"), 1, 100, required=True)
    check.text(f"{path}.placeholder", select.get("placeholder"), 0, 150)
    check.number(f"{path}.min_values", select.get("min_values"), 0, 25)
    check.number(f"{path}.max_values", select.get("max_values"), 1, 25)
    if (select.get("min_values") or 0) > (select.get("max_values") or 1):
        check.fail(
            f"{path}.min_values",
            "SELECT_MIN_VALUES_GREATER_THAN_MAX",
            "min_values is greater than max_values",
        )
    if select.get("type") == STRING_SELECT:
        _options(check, path, select.get("options"), 1, 25)
    elif len(select.get("default_values") or ()) > (select.get("max_values") or 1):
        check.fail(
            f"{path}.default_values", "BASE_TYPE_BAD_LENGTH", "More default values than max_values."
        )


def _options(check: FormCheck, path: str, options: Any, low: int, high: int) -> None:
    options = check.entries(f"{path}.options", options, low, high)
    values = [option.get("value") for option in options]
    for index, option in enumerate(options):
        spot = f"{path}.options.{index}"
        check.text(f"{spot}.label", option.get("label"), 1, 100, required=True)
        check.text(f"{spot}.value", option.get("value"), 1, 100, required=True)
        check.text(f"{spot}.description", option.get("description"), 0, 100)
        if values.index(option.get("value")) < index:
            message = "The specified option value is already used"
            check.fail(f"{spot}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)


def _text_input(check: FormCheck, path: str, field: Json) -> None:
    check.text(f"{path}.custom_id", field.get("custom_id"), 1, 100, required=True)
    check.choice(f"{path}.style", field.get("style"), (1, 2))
    check.text(f"{path}.label", field.get("label"), 1, 45)
    check.text(f"{path}.placeholder", field.get("placeholder"), 0, 100)
    check.text(f"{path}.value", field.get("value"), 0, 4_000)
    check.number(f"{path}.min_length", field.get("min_length"), 0, 4_000)
    check.number(f"{path}.max_length", field.get("max_length"), 1, 4_000)


def _section(check: FormCheck, path: str, section: Json) -> None:
    children = check.entries(f"{path}.components", section.get("components"), 1, 3)
    _check_children(check, f"{path}.components", children, frozenset({TEXT_DISPLAY}))
    accessory = section.get("accessory")
    if accessory is None:
        check.fail(f"{path}.accessory", "BASE_TYPE_REQUIRED", "This field is required")
    elif accessory.get("type") == BUTTON:
        _button(check, f"{path}.accessory", accessory)
    elif accessory.get("type") != THUMBNAIL:
        check.fail(
            f"{path}.accessory.type",
            "UNION_TYPE_CHOICES",
            'Value of field "type" must be one of (2, 11).',
        )


def _text_display(check: FormCheck, path: str, display: Json) -> None:
    check.text(f"{path}.content", display.get("content"), 1, MAX_TEXT_V2, required=True)


def _gallery(check: FormCheck, path: str, gallery: Json) -> None:
    check.entries(f"{path}.items", gallery.get("items"), 1, 10)


def _separator(check: FormCheck, path: str, separator: Json) -> None:
    check.choice(f"{path}.spacing", separator.get("spacing"), (1, 2))


def _container(check: FormCheck, path: str, container: Json) -> None:
    check.number(f"{path}.accent_color", container.get("accent_color"), 0, 0xFFFFFF)
    listed = container.get("components")
    children = check.entries(f"{path}.components", listed, 1, MAX_COMPONENTS_V2)
    _check_children(check, f"{path}.components", children, _CONTAINED)


def _label(check: FormCheck, path: str, label: Json) -> None:
    check.text(f"{path}.label", label.get("label"), 1, 45, required=True)
    check.text(f"{path}.description", label.get("description"), 0, 100)
    component = label.get("component")
    if not isinstance(component, dict):
        check.fail(f"{path}.component", "BASE_TYPE_REQUIRED", "This field is required")
        return
    _check_children(check, path, [component], _LABELLED)


def _choices(check: FormCheck, path: str, group: Json) -> None:
    check.text(f"{path}.custom_id", group.get("custom_id"), 1, 100, required=True)
    _options(check, path, group.get("options"), 2 if group.get("type") == RADIO_GROUP else 1, 10)


def _file_upload(check: FormCheck, path: str, upload: Json) -> None:
    check.text(f"{path}.custom_id", upload.get("custom_id"), 1, 100, required=True)
    check.number(f"{path}.min_values", upload.get("min_values"), 0, 10)
    check.number(f"{path}.max_values", upload.get("max_values"), 1, 10)


_RULES: dict[int, Callable[[FormCheck, str, Json], None]] = {
    ACTION_ROW: _row,
    BUTTON: _button,
    TEXT_INPUT: _text_input,
    SECTION: _section,
    TEXT_DISPLAY: _text_display,
    MEDIA_GALLERY: _gallery,
    SEPARATOR: _separator,
    CONTAINER: _container,
    LABEL: _label,
    FILE_UPLOAD: _file_upload,
    RADIO_GROUP: _choices,
    CHECKBOX_GROUP: _choices,
    **dict.fromkeys(SELECTS, _select),
}
