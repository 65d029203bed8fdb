"""Commands as a client of one language shows them: names are sent, labels are read."""

from __future__ import annotations

from typing import Any

from ..command_data import CHAT_INPUT
from ..models import Application, Json
from .wording import ENGLISH, SPANISH

_FIELDS = ("id", "name", "type")
_LOCALIZATIONS = ("name_localizations", "description_localizations")


def view_command(command: Json, locale: str) -> Json:
    """Return a command with its options.

    `label` and `description` are in the language of `locale`, `name` is what is sent.
    """
    return {key: command.get(key) for key in _FIELDS} | _shown(command, locale)


def _shown(step: Json, locale: str) -> Json:
    return {
        "label": _localized(step, "name", locale),
        "description": _localized(step, "description", locale),
        "options": [_view_option(option, locale) for option in step.get("options") or ()],
    }


def _view_option(option: Json, locale: str) -> Json:
    plain = {key: value for key, value in option.items() if key not in _LOCALIZATIONS}
    choices = view_choices(option.get("choices") or [], locale)
    return plain | _shown(option, locale) | {"choices": choices}


def view_choices(choices: list[Json], locale: str) -> list[Json]:
    """Return choices by the name they have in the language."""
    return [
        {"name": _localized(choice, "name", locale), "value": choice["value"]} for choice in choices
    ]


def _localized(thing: Json, key: str, locale: str) -> Any:
    return (thing.get(f"{key}_localizations") or {}).get(locale) or thing.get(key)


def view_used(application: Application, guild_id: int | None, metadata: Json) -> Json:
    """Return how each language names the command ("/welcome test") that an answer belongs to."""
    kind, name = metadata["command_type"], str(metadata["name"])
    # Menu commands have no path, and spaces in their names.
    sign, words = ("/", name.split(" ")) if kind == CHAT_INPUT else ("", [name])
    commands = [entry for entry in application.commands_in(guild_id) if entry["type"] == kind]
    return {
        locale: sign + " ".join(_labels(commands, words, locale)) for locale in (ENGLISH, SPANISH)
    }


def _labels(steps: list[Json], words: list[str], locale: str) -> list[str]:
    """Return the words of a command's path in a language; an unknown word stands for itself."""
    labels: list[str] = []
    for word in words:
        step: Json = next((entry for entry in steps if entry["name"] == word), {"name": word})
        labels.append(_localized(step, "name", locale))
        steps = step.get("options") or []
    return labels
