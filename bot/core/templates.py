"""Message templates with named placeholders: `{member} joined`. Pure, and never evaluates anything.

A placeholder is a bare name: no attribute, index, conversion or format can be reached through it.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")
# A mention, custom emoji or timestamp cut in half shows as raw text.
_HALF_TOKEN = re.compile(r"<[^<>\s]{0,60}$")
_ELLIPSIS = "…"


class InvalidTemplate(InvalidInput):
    """A template with a mistake at `position`, counted from 1; `nearest` is a name that exists."""

    def __init__(
        self, message: Message, *, position: int, nearest: str | None = None, hint: Message
    ) -> None:
        super().__init__(message, hint=hint)
        self.position = position
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class Variable:
    """A placeholder's name and where it stands, counted from 1."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was found good: literal texts and variables in their order."""

    parts: tuple[str | Variable, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The names that a rendering needs values for."""
        return frozenset(part.name for part in self.parts if isinstance(part, Variable))

    def render(self, values: Mapping[str, str], limit: int | None = None) -> str:
        """Return the text with the values filled in, at most `limit` characters long.

        What is too long ends in an ellipsis. Values are not searched for placeholders again.
        Raises `KeyError` when a variable has no value.
        """
        text = "".join(p if isinstance(p, str) else values[p.name] for p in self.parts)
        return text if limit is None else cut(text, limit)


def cut(text: str, limit: int) -> str:
    """Return the text, cut with an ellipsis where it is longer, but through no mention or emoji."""
    if len(text) <= limit:
        return text
    kept = _HALF_TOKEN.sub("", text[: limit - len(_ELLIPSIS)])
    return kept.rstrip() + _ELLIPSIS


def parse(text: str, allowed: Collection[str]) -> Template:
    """Return the template, all of whose variables are among the allowed names.

    `{{` and `}}` stand for single braces. Raises `InvalidTemplate` at the first mistake.
    """
    parts = _split(text)
    for part in parts:
        if isinstance(part, Variable) and part.name not in allowed:
            raise _unknown(part, allowed)
    return Template(parts)


def render(text: str, values: Mapping[str, str], limit: int | None = None) -> str:
    """Parse with the values' names allowed and render in one go; see `Template.render`."""
    return parse(text, values.keys()).render(values, limit)


def escape(text: str) -> str:
    """Return the template that renders as exactly this text."""
    return text.replace("{", "{{").replace("}", "}}")


@functools.lru_cache(maxsize=1024)
def _split(text: str) -> tuple[str | Variable, ...]:
    parts: list[str | Variable] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        end = token.end()
        if token[1] is not None:
            parts.append(Variable(token[1].strip(), token.start() + 1))
        elif token[0] == "{":
            raise _unclosed(token.start() + 1)
        else:
            parts.append(token[0][0])
    return tuple(part for part in (*parts, text[end:]) if part != "")


def _unclosed(position: int) -> InvalidTemplate:
    return InvalidTemplate(
        _("The brace at character {position} is never closed.", position=position),
        position=position,
        hint=_("Close it with } or, for a plain brace, write it twice."),
    )


def _unknown(variable: Variable, allowed: Collection[str]) -> InvalidTemplate:
    known = sorted(allowed)
    nearest = next(iter(difflib.get_close_matches(variable.name.casefold(), known, n=1)), None)
    message = _(
        "There is no variable {name} (character {position}).",
        name=f"{{{variable.name[:40]}}}",
        position=variable.position,
    )
    if nearest:
        hint = _("Did you mean {nearest}?", nearest=f"{{{nearest}}}")
    elif known:
        hint = _("You can use {names}.", names=", ".join(f"{{{name}}}" for name in known))
    else:
        hint = _("This text has no variables; write braces twice to show them.")
    return InvalidTemplate(message, position=variable.position, nearest=nearest, hint=hint)
