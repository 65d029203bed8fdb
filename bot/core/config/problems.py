"""What is wrong with a configuration, in words: which file, which key, what would be accepted.

Turns pydantic's errors into messages for people; never shows the value of a secret.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.core.config.model import Config
from bot.core.i18n import Message, _

Keys = tuple[str, ...]
LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that keeps the process from running as configured: where it stands, and what it is.

    `source` is a file, an environment variable or the command line; `key` is empty when the whole
    source is meant.
    """

    source: str
    key: str
    message: Message

    def as_message(self) -> Message:
        """Return the problem as one line."""
        if not self.key:
            return Message("{source}: {message}", {"source": self.source, "message": self.message})
        return Message(
            "{source}: {key}: {message}",
            {"source": self.source, "key": self.key, "message": self.message},
        )

    def __str__(self) -> str:
        return str(self.as_message())


def sections() -> Mapping[str, type[BaseModel]]:
    """Return the section models by name, in the order of the file."""
    return {
        name: info.annotation
        for name, info in Config.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
    }


def known_keys() -> Mapping[Keys, FieldInfo]:
    """Return every setting by its path, `("web", "port")`."""
    return {
        (section, key): info
        for section, model in sections().items()
        for key, info in model.model_fields.items()
    }


def is_secret(info: FieldInfo) -> bool:
    """Tell whether a setting holds a secret."""
    return info.annotation is SecretStr or SecretStr in get_args(info.annotation)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)), None)


def unknown_key(source: str, keys: Keys) -> ConfigProblem:
    """Say that nothing reads this key, and which one was probably meant, else which there are."""
    name = ".".join(keys)
    if len(keys) == 1 or keys[0] not in sections():
        names = sections() if len(keys) == 1 else map(".".join, known_keys())
        return unknown_name(source, name, nearest(name, names), sections())
    # Within a section that exists, its own keys are likelier than those of another.
    own = sections()[keys[0]].model_fields
    close = nearest(keys[1], own)
    guess = f"{keys[0]}.{close}" if close else nearest(name, map(".".join, known_keys()))
    return unknown_name(source, name, guess, own)


def unknown_name(source: str, name: str, guess: str | None, known: Iterable[str]) -> ConfigProblem:
    """Say that nothing reads this name, with the one that was meant or those that there are."""
    if guess is None:
        text = _("there is no such setting; there are {names}.", names=", ".join(known))
        return ConfigProblem(source, name, text)
    return ConfigProblem(
        source, name, _("there is no such setting. Did you mean {guess}?", guess=guess)
    )


def refused_keys(error: ValidationError) -> set[Keys]:
    """Return the section and key of each value that validation refused; a lone section is whole."""
    return {_place_of(details)[:2] for details in error.errors(include_url=False)}


def compared_keys(error: ValidationError) -> set[Keys]:
    """Return the keys with which the broken rules compare those that they refuse."""
    return set().union(*map(_compared_keys, error.errors(include_url=False)))


def _place_of(details: ErrorDetails) -> Keys:
    place = tuple(str(part) for part in details["loc"])
    if key := (details.get("ctx") or {}).get("key"):
        return (*place[:1], *key.split("."))
    return place


def explain(
    error: ValidationError,
    source_of: Mapping[Keys, str],
    file: Path,
    *,
    passed_over: Collection[Keys] = (),
) -> list[ConfigProblem]:
    """Return one problem for each thing that validation refused.

    `source_of` names where a value came from when that was not the file. Rules that compare with
    a key that is passed over are left out.
    """
    refused = [
        details
        for details in error.errors(include_url=False)
        if not any(other in passed_over for other in _compared_keys(details))
    ]
    places = [details["loc"] for details in refused]
    found = [
        _explain_one(details, lambda keys: source_of.get(keys[:2], str(file)))
        for details in refused
        # A list with a bad item is refused as a whole too, for being too short without it.
        if not any(other and details["loc"] == other[:-1] for other in places)
    ]
    # Alternatives of a union fail one by one; to a person it is one problem.
    return list({str(problem): problem for problem in found}.values())


def _explain_one(details: ErrorDetails, source_of: Callable[[Keys], str]) -> ConfigProblem:
    place = _place_of(details)
    context = details.get("ctx") or {}
    if isinstance(context.get("message"), Message):
        return ConfigProblem(source_of(place), ".".join(place), context["message"])
    if details["type"] == "extra_forbidden":
        return unknown_key(source_of(place), place)
    return ConfigProblem(source_of(place), _spell(place), _refusal(details, place))


def _compared_keys(details: ErrorDetails) -> set[Keys]:
    section = tuple(str(part) for part in details["loc"][:1])
    others: Iterable[str] = (details.get("ctx") or {}).get("others", ())
    return {(*section, *other.split(".")) for other in others}


def _spell(place: Keys) -> str:
    """Write `web.listeners[0].port`, without the names of a union's alternatives."""
    known = [part for part in place if part.isdigit() or part.islower()]
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in known).lstrip(".")


def _refusal(details: ErrorDetails, place: Keys) -> Message:
    info = known_keys().get(place[:2])
    if details["type"] == "missing":
        return _("this key is missing.")
    if info is None:
        return _("this must be a section: [{key}].", key=place[0])
    if is_secret(info):
        return _("this must be text.")
    value = _shown(details["input"])
    return _("{value} is not accepted; give {accepted}.", value=value, accepted=accepted(place))


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


@functools.cache
def _schema() -> Mapping[str, Any]:
    return Config.model_json_schema()["$defs"]


def accepted(place: Keys) -> Message:
    """Say what a setting takes, such as `a whole number from 0 to 65535`.

    Beyond section and key, a place may name an item of a list and a key of that item.
    """
    section = sections()[place[0]]
    schema = _schema()[section.__name__]["properties"][place[1]]
    for part in place[2:]:
        schema = _alternative(schema)
        if part.isdigit() and schema.get("type") == "array":
            schema = schema["items"]
        elif "$ref" in schema:
            schema = _follow(schema)["properties"].get(part, schema)
    return _describe(schema)


def _follow(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema()[schema["$ref"].rpartition("/")[2]]


def _alternative(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a key that may also be unset takes when it is set."""
    alternatives = schema.get("anyOf", [schema])
    return next(one for one in alternatives if one.get("type") != "null")


def _describe(schema: Mapping[str, Any]) -> Message:  # noqa: PLR0911 - one return a kind
    schema = _alternative(schema)
    if "$ref" in schema:
        keys = ", ".join(_follow(schema)["properties"])
        return _("a table with the keys {keys}", keys=keys)
    if choices := schema.get("enum"):
        return _("one of {choices}", choices=", ".join(map(repr, choices)))
    match schema["type"]:
        case "array":
            return _("a list; each item {item}", item=_describe(schema["items"]))
        case "boolean":
            return _("true or false")
        case "integer":
            return _number(schema, _("a whole number"))
        case "number":
            return _number(schema, _("a number"))
        case _:
            return _text(schema)


def _number(schema: Mapping[str, Any], kind: Message) -> Message:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return _("{kind} from {low} to {high}", kind=kind, low=f"{low:g}", high=f"{high:g}")
    if low is not None:
        return _("{kind}, at least {low}", kind=kind, low=f"{low:g}")
    above = schema.get("exclusiveMinimum", 0)
    if high is not None:
        return _(
            "{kind} above {low}, at most {high}", kind=kind, low=f"{above:g}", high=f"{high:g}"
        )
    return _("{kind} above {low}", kind=kind, low=f"{above:g}")


def _text(schema: Mapping[str, Any]) -> Message:
    if longest := schema.get("maxLength"):
        return _("text of at most {count} characters", count=longest)
    return _TEXTS.get(schema.get("format", ""), _("text"))


_TEXTS = {
    "limit": _('uses and seconds as text, such as "5/60"'),
    "uri": _("a web address such as https://example.org"),
    "hostname": _("a host name or address such as 127.0.0.1"),
    "ipv4network": _("a network such as 10.0.0.0/8"),
    "ipv6network": _("a network such as 10.0.0.0/8"),
    "path": _("the path of a file"),
}
