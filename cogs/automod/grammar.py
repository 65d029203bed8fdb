"""How rules written as one line, or as JSON, are read; every problem names its place. Pure.

The grammar, loosest first: `or`, `and`, `not`, then brackets or a type with its values. Values are
apart by commas: words as they stand, text in quotes (JSON's escapes) or between backticks (none),
lists in square brackets, each with a name and `=` before it or none.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _
from bot.core.settings.validation import find_unstorable, invalid_input
from cogs.automod.triggers import All, AnyOf, Not

MAX_EXPRESSION = 4000
_MAX_NESTING = 20
_MOST_QUOTED = 40

# Where the values without a name go: all to one list, else to the fields in their order.
LISTS = {
    "words": "words",
    "regex": "patterns",
    "links": "domains",
    "invites": "allowed_guilds",
    "attachments": "extensions",
    "honeypot": "channels",
    "native": "rules",
    "has_roles": "roles",
    "lacks_roles": "roles",
    "channels": "channels",
}
_AND, _OR, _NOT = ("and", "y"), ("or", "o"), ("not", "no")
_GROUPS: Mapping[str, Callable[[tuple[Any, ...]], Any]] = {
    "all": lambda parts: All(all=parts),
    "any": lambda parts: AnyOf(any=parts),
}
_NAME = re.compile(r"[a-z_]+", re.IGNORECASE)
_KEY = re.compile(r"([a-z_]+)\s*=\s*", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_RAW = re.compile(r"`([^`]*)`")
_BARE = re.compile(r"[^,()\[\]\"`\n]+")
_WORD = re.compile(r"[^\s,;()\[\]\"`]+")


def read_json_part(adapter: TypeAdapter[Any], text: str) -> Any:
    """Return what JSON text describes; raises `InvalidInput` that names the place in it."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            _(
                "This is not JSON (line {line}, column {column}).",
                line=error.lineno,
                column=error.colno,
            )
        ) from None
    except RecursionError:
        raise InvalidInput(_("This goes too deep.")) from None
    return read_value(adapter, value)


def read_value(adapter: TypeAdapter[Any], value: Any) -> Any:
    """Return what a JSON value describes; raises `InvalidInput` that names the place in it."""
    if errors := find_unstorable({"value": value}):
        raise InvalidInput(errors[0].message)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidInput(_first_problem(error)) from None


def _first_problem(error: ValidationError) -> Message:
    first = invalid_input(error, {}).errors[0]
    parts = first.pointer.strip("/").split("/")
    place = " → ".join(f"#{int(one) + 1}" if one.isdecimal() else one for one in parts)
    if not place:
        return first.message
    return _("At {place}: {problem}", place=f"`{place}`", problem=first.message)


class Reader:
    """Reads one text from left to right; every problem names the character where it is."""

    def __init__(
        self, text: str, models: Mapping[str, type[BaseModel]], *, joins: bool = False
    ) -> None:
        self._text = text
        self._models = models
        self._joins = joins
        self._at = 0
        if len(text) > MAX_EXPRESSION:
            raise InvalidInput(
                _("This text is too long: at most {bound} characters fit.", bound=MAX_EXPRESSION)
            )
        if errors := find_unstorable({"text": text}):
            raise InvalidInput(errors[0].message)

    # Each level binds closer than the one before: or, and, not.

    def read_either(self, depth: int = 0) -> Any:
        """Read a tree."""
        parts = [self._read_both(depth)]
        while self._take_word(_OR, "|"):
            parts.append(self._read_both(depth))
        return parts[0] if len(parts) == 1 else self._join("any", parts)

    def _read_both(self, depth: int) -> Any:
        parts = [self._read_one(depth)]
        while self._take_word(_AND, "&"):
            parts.append(self._read_one(depth))
        return parts[0] if len(parts) == 1 else self._join("all", parts)

    def _read_one(self, depth: int) -> Any:
        if depth > _MAX_NESTING:
            self._fail(_("This goes too deep."))
        if self._take_word(_NOT, "!"):
            return Not.model_validate({"not": self._read_one(depth + 1)})
        if self._take("("):
            node = self.read_either(depth + 1)
            self._expect(")")
            return node
        start = self._at
        name = self._peek_name()
        if name in _GROUPS:
            self._at += len(name)
            self._expect("(")
            return self._read_group(name, depth, start)
        return self.read_call()

    def _read_group(self, name: str, depth: int, start: int) -> Any:
        parts = [self.read_either(depth + 1)]
        while self._take(","):
            parts.append(self.read_either(depth + 1))
        self._expect(")")
        return self._join(name, parts, start)

    def _join(self, name: str, parts: list[Any], start: int | None = None) -> Any:
        return self._checked(
            lambda: _GROUPS[name](tuple(parts)), self._at if start is None else start
        )

    def read_call(self, *, spaced: bool = False) -> Any:
        """Read a type with its values; with `spaced`, they may also follow without brackets."""
        name = self._peek_name()
        start = self._at
        model = self._models.get(name)
        if model is None:
            self._fail_name(name)
        self._at += len(name)
        # Without brackets, what follows on the same line belongs to it.
        listed = LISTS.get(name)
        if spaced and not self._rest_of_line().startswith("("):
            plain, named = self._read_words(), {}
        elif self._take("("):
            plain, named = self._read_values()
        else:
            listed, plain, named = None, [], {}
        fields = [one for one in model.model_fields if one != "type"]
        if listed is None and len(plain) > len(fields):
            self._fail(_("Too many values for {name}.", name=name), start)
        values: dict[str, Any] = (
            {listed: plain} if listed else dict(zip(fields, plain, strict=False))
        )
        for key, (place, value) in named.items():
            if key not in fields:
                self._fail(
                    _(
                        "{name} has no “{key}”; it has {known}.",
                        name=name,
                        key=key,
                        known=", ".join(fields) or "…",
                    ),
                    place,
                )
            values[key] = None if value == "none" else value
        return self._checked(lambda: model.model_validate(values), start)

    def _read_values(self) -> tuple[list[Any], dict[str, tuple[int, Any]]]:
        plain: list[Any] = []
        named: dict[str, tuple[int, Any]] = {}
        while not self._take(")"):
            self._skip()
            start = self._at
            key = _KEY.match(self._text, self._at)
            if key:
                self._at = key.end()
                named[key[1].lower()] = (start, self._read_value())
            else:
                plain.append(self._read_value())
            if not self._take(","):
                self._expect(")")
                break
        return plain, named

    def _read_value(self) -> Any:
        if self._take("["):
            items: list[Any] = []
            while not self._take("]"):
                items.append(self._read_text())
                if not self._take(","):
                    self._expect("]")
                    break
            return items
        return self._read_text()

    def _read_text(self) -> str:
        self._skip()
        if quoted := _QUOTED.match(self._text, self._at):
            try:
                text = json.loads(quoted[0], strict=False)
            except ValueError:
                self._fail(_("There is an unknown escape between these quotes."))
            self._at = quoted.end()
            return text
        if found := _RAW.match(self._text, self._at):
            self._at = found.end()
            return found[1]
        found = _BARE.match(self._text, self._at)
        if found is None:
            self._fail(_("A value is missing here."))
        self._at = found.end()
        return found[0].strip()

    def _read_words(self) -> list[str]:
        words = []
        while found := _WORD.match(self._rest_of_line()):
            words.append(found[0])
            self._at = self._text.index(found[0], self._at) + len(found[0])
        return words

    def _rest_of_line(self) -> str:
        return self._text[self._at :].split("\n", 1)[0].lstrip()

    # --- single characters and words ----------------------------------------------------------

    def take_separator(self) -> bool:
        """Pass a comma, a semicolon or the end of a line; tell whether more follows."""
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in ",; \t\r\n":
            self._at += 1
        return self._at > start and self._at < len(self._text)

    def expect_end(self) -> None:
        """Raise `InvalidInput` unless all was read."""
        self._skip()
        if self._at < len(self._text):
            self._fail(_("I expected the end, or “and” or “or”, here."))

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, char: str) -> bool:
        self._skip()
        if not self._text.startswith(char, self._at):
            return False
        self._at += len(char)
        return True

    def _take_word(self, words: tuple[str, ...], sign: str) -> bool:
        name = self._peek_name()
        if name in words:
            self._at += len(name)
            return True
        return self._take(sign)

    def _expect(self, char: str) -> None:
        if not self._take(char):
            self._fail(_("I expected “{sign}” here.", sign=char))

    def _peek_name(self) -> str:
        self._skip()
        found = _NAME.match(self._text, self._at)
        return found[0].lower() if found else ""

    # --- problems -----------------------------------------------------------------------------

    def _checked(self, make: Callable[[], Any], start: int) -> Any:
        try:
            return make()
        except ValidationError as error:
            self._fail(_first_problem(error), start)

    def _fail_name(self, name: str) -> NoReturn:
        known = [*self._models, *((*_GROUPS, _NOT[0]) if self._joins else ())]
        if not name:
            self._fail(_("I expected one of these here: {known}.", known=", ".join(known)))
        nearest = difflib.get_close_matches(name, known, n=1)
        if nearest:
            self._fail(
                _(
                    "There is no “{name}”. Did you mean {nearest}?",
                    name=name[:_MOST_QUOTED],
                    nearest=nearest[0],
                )
            )
        self._fail(
            _(
                "There is no “{name}”. There are: {known}.",
                name=name[:_MOST_QUOTED],
                known=", ".join(known),
            )
        )

    def _fail(self, problem: Message, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        near = " ".join(self._text[at : at + _MOST_QUOTED].replace("`", "'").split())
        if not near:
            raise InvalidInput(_("At the end: {problem}", problem=problem))
        raise InvalidInput(
            _(
                "Character {position} (`{near}`): {problem}",
                position=at + 1,
                near=near,
                problem=problem,
            )
        )
