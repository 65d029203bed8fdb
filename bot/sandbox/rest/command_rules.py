"""Discord's rules for application commands.

https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import re
from typing import Any

from .errors import FormCheck

Json = dict[str, Any]

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
_SUBCOMMAND, _GROUP = 1, 2
_TEXT = 3
_TOTAL_LIMIT = 8_000
_NAME = re.compile(r"^[-_'\w\u0900-\u097F\u0E00-\u0E7F]{1,32}$")
_LOCALES = frozenset(
    [
        "id",
        "da",
        "de",
        "en-GB",
        "en-US",
        "es-ES",
        "es-419",
        "fr",
        "hr",
        "it",
        "lt",
        "hu",
        "nl",
        "no",
        "pl",
        "pt-BR",
        "ro",
        "fi",
        "sv-SE",
        "vi",
        "tr",
        "cs",
        "el",
        "bg",
        "ru",
        "uk",
        "hi",
        "th",
        "zh-CN",
        "ja",
        "zh-TW",
        "ko",
    ]
)


def check_command(check: FormCheck, path: str, command: Json) -> None:
    """Note what is wrong with a command; `path` precedes field paths ("" or "3.")."""
    kind = command.get("type") or CHAT_INPUT
    check.choice(f"{path}type", kind, (CHAT_INPUT, USER, MESSAGE, 4))
    _check_name(check, f"{path}name", command.get("name"), slash=kind == CHAT_INPUT)
    _check_localizations(
        check,
        f"{path}name_localizations",
        command.get("name_localizations"),
        32,
        kind == CHAT_INPUT,
    )
    if kind == CHAT_INPUT:
        check.text(f"{path}description", command.get("description"), 1, 100, required=True)
        key = "description_localizations"
        _check_localizations(check, f"{path}{key}", command.get(key), 100, slash_name=False)
        _check_options(check, f"{path}options", command.get("options") or [], depth=0)
        if _length(command) > _TOTAL_LIMIT:
            message = "Command exceeds maximum size (8000)"
            check.fail(
                f"{path}options".removesuffix(".options"), "APPLICATION_COMMAND_TOO_LARGE", message
            )
    else:
        if command.get("description"):
            message = "Context menu commands cannot have description"
            check.fail(
                f"{path}description",
                "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY",
                message,
            )
        if command.get("options"):
            message = "Context menu commands cannot have options"
            check.fail(
                f"{path}options", "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_EMPTY", message
            )
    permissions = command.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdecimal():
        check.fail(
            f"{path}default_member_permissions",
            "BITFIELD_TYPE_CONVERT",
            "Could not interpret as bitfield.",
        )


def _check_name(check: FormCheck, path: str, name: Any, *, slash: bool) -> None:
    check.text(path, name, 1, 32, required=True)
    if isinstance(name, str) and slash and (not _NAME.match(name) or name != name.lower()):
        check.fail(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_localizations(
    check: FormCheck, path: str, texts: Any, longest: int, slash_name: bool
) -> None:
    for locale, text in (texts or {}).items():
        if locale not in _LOCALES:
            check.fail(
                f"{path}.{locale}", "ENUM_TYPE_COERCE", f'Value "{locale}" is not a valid locale.'
            )
        elif slash_name:
            _check_name(check, f"{path}.{locale}", text, slash=True)
        else:
            check.text(f"{path}.{locale}", text, 1, longest)


def _check_options(check: FormCheck, path: str, options: list[Json], *, depth: int) -> None:
    options = check.entries(path, options, 0, 25)
    names: set[str] = set()
    optional_seen = False
    for index, option in enumerate(options):
        spot = f"{path}.{index}"
        _check_option(check, spot, option, depth)
        if option.get("name") in names:
            check.fail(
                f"{spot}.name",
                "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
                "Option name already in use",
            )
        names.add(str(option.get("name")))
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            check.fail(spot, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
    kinds = {option.get("type") in (_SUBCOMMAND, _GROUP) for option in options}
    if len(kinds) > 1:
        message = "Sub-commands and groups are mutually exclusive to all other option types"
        check.fail(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_option(check: FormCheck, path: str, option: Json, depth: int) -> None:
    kind = option.get("type")
    check.choice(f"{path}.type", kind if kind is not None else "missing", tuple(range(1, 12)))
    _check_name(check, f"{path}.name", option.get("name"), slash=True)
    check.text(f"{path}.description", option.get("description"), 1, 100, required=True)
    _check_localizations(
        check, f"{path}.name_localizations", option.get("name_localizations"), 32, slash_name=True
    )
    key = "description_localizations"
    _check_localizations(check, f"{path}.{key}", option.get(key), 100, slash_name=False)
    if kind in (_SUBCOMMAND, _GROUP):
        if depth > 1 or (depth == 1 and kind == _GROUP):
            message = "Sub-commands can be nested in one group at most"
            check.fail(f"{path}.type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        _check_options(check, f"{path}.options", option.get("options") or [], depth=depth + 1)
        return
    _check_choices(check, path, option, kind)


def _check_choices(check: FormCheck, path: str, option: Json, kind: Any) -> None:
    choices = check.entries(f"{path}.choices", option.get("choices") or [], 0, 25)
    if choices and option.get("autocomplete"):
        message = "Autocomplete cannot be used with choices"
        check.fail(
            f"{path}.autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES_INVALID", message
        )
    for index, choice in enumerate(choices):
        spot = f"{path}.choices.{index}"
        check.text(f"{spot}.name", choice.get("name"), 1, 100, required=True)
        if kind == _TEXT:
            check.text(f"{spot}.value", choice.get("value"), 1, 100, required=True)
        localized = choice.get("name_localizations")
        _check_localizations(check, f"{spot}.name_localizations", localized, 100, slash_name=False)
    check.number(f"{path}.min_length", option.get("min_length"), 0, 6_000)
    check.number(f"{path}.max_length", option.get("max_length"), 1, 6_000)


def _length(command: Json) -> int:
    """Count names, descriptions and choice values, each in its longest localization."""
    total = sum(_longest(command, key) for key in ("name", "description"))
    for option in command.get("options") or ():
        total += _length(option)
    for choice in command.get("choices") or ():
        total += _longest(choice, "name") + len(str(choice.get("value", "")))
    return total


def _longest(entry: Json, key: str) -> int:
    texts = [
        str(entry.get(key) or ""),
        *map(str, (entry.get(f"{key}_localizations") or {}).values()),
    ]
    return max(len(text) for text in texts)
