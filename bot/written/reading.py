"""Reads what was written after a command: words in the order of its options, or with their names.

Pure: what a person, role or channel in it stands for is found in `bot.written.resolving`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import Message, _

_TOKEN = re.compile(r'"(?P<quoted>[^"]*)"|(?P<word>\S+)')
_NAMED = re.compile(r"(?P<name>[^\W\d][\w-]*):(?P<value>.+)", re.DOTALL)
_MOST = 40


@dataclass(frozen=True, slots=True)
class Shape:
    """An option of a command: `names` in all languages; a `loose` one may be passed over.

    A text takes any word. `is_text` and last of those without names, it takes all that follows.
    """

    name: str
    names: frozenset[str]
    required: bool
    is_text: bool
    fits: re.Pattern[str] | None = None

    @property
    def loose(self) -> bool:
        """Whether a word that does not fit is left for the next option."""
        return not self.required and self.fits is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """How a command is written: `shapes` are all of its options, `order` those without names."""

    command: str
    shapes: Sequence[Shape]
    order: Sequence[str]

    def __str__(self) -> str:
        """Return it as a person would write it."""
        by_name = {one.name: one for one in self.shapes}
        parts = [f"<{one}>" if by_name[one].required else f"[{one}]" for one in self.order]
        parts += [f"[{one.name}:…]" for one in self.shapes if one.name not in self.order]
        return " ".join([self.command, *parts])


def read_words(text: str, usage: Usage) -> Mapping[str, str]:
    """Return the text of each option that was written; raises `InvalidInput`.

    Named options stand before the text that takes the rest.
    """
    found: dict[str, str] = {}
    waiting = [one for name in usage.order for one in usage.shapes if one.name == name]
    position = 0
    while token := _TOKEN.search(text, position):
        if len(found) >= _MOST:
            break
        word = token["word"] if token["quoted"] is None else token["quoted"]
        if token["quoted"] is None and (named := _named(word, usage)) is not None:
            shape, value = named
            _put(found, shape, value, usage)
            waiting = [one for one in waiting if one is not shape]
            position = token.end()
            continue
        while waiting and waiting[0].loose and not _fits(waiting[0], word):
            waiting.pop(0)
        if not waiting:
            raise _stray(word, usage)
        shape = waiting.pop(0)
        if shape.is_text and not waiting:
            rest = text[token.start() :].strip()
            is_whole = token["quoted"] is not None and token.end() - token.start() == len(rest)
            found[shape.name] = word if is_whole else rest
            break
        found[shape.name] = word
        position = token.end()
    missing = [one.name for one in usage.shapes if one.required and one.name not in found]
    if missing:
        raise InvalidInput(_("{option} is missing.", option=quote(missing[0])), hint=how(usage))
    return found


def how(usage: Usage) -> Message:
    """Return how a command is written, as a hint."""
    return _("Write it like this: {usage}", usage=f"`{usage}`")


def _fits(shape: Shape, word: str) -> bool:
    return shape.fits is None or shape.fits.fullmatch(word) is not None


def _named(word: str, usage: Usage) -> tuple[Shape, str] | None:
    if (match := _NAMED.fullmatch(word)) is None:
        return None
    name = match["name"].casefold()
    found = next((one for one in usage.shapes if name in one.names), None)
    return None if found is None else (found, match["value"].strip('"'))


def _put(found: dict[str, str], shape: Shape, value: str, usage: Usage) -> None:
    if shape.name in found:
        raise InvalidInput(_("{option} is there twice.", option=quote(shape.name)), hint=how(usage))
    found[shape.name] = value


def _stray(word: str, usage: Usage) -> InvalidInput:
    return InvalidInput(
        _("I don't know what {word} is for.", word=quote(word, 60)), hint=how(usage)
    )
