"""One RE2 set for all words and patterns of a guild: which of them may stand in a text.

A candidate is never missed and may be false: word edges are checked in full, with Unicode, where a
candidate was found. A set that would need too much memory is cut in two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import re2

from cogs.automod.rules.folding import AMBIGUOUS, fold
from cogs.automod.rules.patterns import options

# Memory of one set, its cache of states included: grows with the patterns, within bounds.
_BASE_MEMORY = 8 << 20
_MEMORY_PER_PATTERN = 4 << 10
_MOST_MEMORY = 64 << 20
# So many words and more are worth a pattern together.
_FEW = 8
_EDGE = "[^0-9A-Za-z]"
_GAP = "[^0-9A-Za-z]+"


class WordPattern(NamedTuple):
    """The pattern of a listed word in parts, so that many of them can be made one."""

    start: str
    body: str
    end: str

    @property
    def text(self) -> str:
        """The pattern by itself."""
        return f"(?i){self.start}{self.body}{self.end}"


Pattern = str | WordPattern


class TextScanner:
    """Says by number which of the patterns may match a text.

    RE2 works out its automaton while it reads. With all words in one pattern, where they share
    their beginnings, a set is warm after a few texts instead of a few hundred. Which of the words
    it was is asked of a second set, where it was one.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        texts = [one if isinstance(one, str) else one.text for one in patterns]
        self._parts = tuple(_compile(list(enumerate(texts))))
        self._only = self._parts[0][0].Match if len(self._parts) == 1 else None
        self._numbers = [
            number for number, one in enumerate(patterns) if not isinstance(one, WordPattern)
        ]
        words = [one for one in patterns if isinstance(one, WordPattern)]
        self._quick = self._joined([texts[number] for number in self._numbers], words)

    @property
    def parts(self) -> int:
        """In how many sets the patterns are."""
        return len(self._parts)

    def scan(self, data: bytes) -> Sequence[int]:
        """Return the numbers of the patterns that may match."""
        if self._quick is not None:
            found = self._quick(data)
            if not found:
                return found
            numbers = self._numbers
            if max(found) < len(numbers):
                return [numbers[index] for index in found]
        if self._only is not None:
            return self._only(data)
        return [numbers[index] for matches, numbers in self._parts for index in matches.Match(data)]

    @staticmethod
    def _joined(
        others: list[str], words: list[WordPattern]
    ) -> Callable[[bytes], Sequence[int]] | None:
        """Return what matches in a set with the words in as few patterns as may be, if it fits."""
        if len(words) < _FEW:
            return None
        groups: dict[tuple[str, str], list[str]] = {}
        for word in words:
            groups.setdefault((word.start, word.end), []).append(word.body)
        joined = [f"(?i){start}(?:{'|'.join(b)}){end}" for (start, end), b in groups.items()]
        try:
            return _compiled([*others, *joined], _memory_for(len(others) + len(words))).Match
        except re2.error:
            return None


# By digest, while an engine uses it: guilds with the same lists share what they compile to.
_scanners: WeakValueDictionary[bytes, TextScanner] = WeakValueDictionary()


def scanner_of(patterns: Sequence[Pattern]) -> TextScanner:
    """Return the scanner for these patterns, shared by all who have the same in the same order."""
    digest = hashlib.sha256(repr(patterns).encode("utf-8", "replace")).digest()
    scanner = _scanners.get(digest)
    if scanner is None:
        scanner = _scanners[digest] = TextScanner(patterns)
    return scanner


def encode(text: str) -> bytes:
    """Return the text as RE2 reads it; halves of surrogate pairs, which nothing matches, as `?`."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _compile(numbered: list[tuple[int, str]]) -> list[tuple[Any, list[int]]]:
    if not numbered:
        return []
    try:
        made = _compiled([pattern for _number, pattern in numbered], _memory_for(len(numbered)))
    except re2.error:
        if len(numbered) == 1:
            raise
        middle = len(numbered) // 2
        return _compile(numbered[:middle]) + _compile(numbered[middle:])
    return [(made, [number for number, _pattern in numbered])]


def _compiled(patterns: Sequence[str], memory: int) -> Any:
    made = re2.Set.SearchSet(options(memory))
    for pattern in patterns:
        made.Add(pattern)
    made.Compile()
    # RE2's own object, without the wrapper around it: it takes bytes and returns a list.
    return made._set


def _memory_for(count: int) -> int:
    return min(_BASE_MEMORY + count * _MEMORY_PER_PATTERN, _MOST_MEMORY)


def word_pattern(
    word: str, *, whole_start: bool, whole_end: bool, look_alikes: bool
) -> WordPattern:
    """Return a pattern that matches wherever the word may stand, in any view.

    Its edges know ASCII only: what looks like an edge to Unicode does so to ASCII, too.
    """
    chars = [_char_pattern(char, look_alikes) for char in word]
    body = "".join(chars)
    start = f"(?:^|{_EDGE})" if whole_start and _has_edge(word[0], look_alikes) else ""
    end = f"(?:{_EDGE}|$)" if whole_end and _has_edge(word[-1], look_alikes) else ""
    return WordPattern(start, body, end)


def _has_edge(char: str, look_alikes: bool) -> bool:
    # Where the folded letter is an ASCII one, a folded text can have an edge where the plain has.
    return char.isascii() and char.isalnum() and (not look_alikes or fold(char).isalnum())


def _char_pattern(char: str, look_alikes: bool) -> str:
    if char == " ":
        return _GAP
    if not look_alikes:
        return re2.escape(char)
    alike = {char, fold(char)} | ({AMBIGUOUS} if char in "il" else set())
    if AMBIGUOUS in alike:
        alike |= {"i", "l"}
    if len(alike) == 1:
        return re2.escape(char)
    return "(?:" + "|".join(re2.escape(one) for one in sorted(alike)) + ")"


# A pattern that changes its own flags may mean something else in small letters.
_FLAGS = re.compile(r"\(\?[a-zA-Z]*-")


def user_pattern(pattern: str, *, case_sensitive: bool) -> str:
    """Return a user's pattern as a member of the set."""
    return f"(?:{pattern})" if case_sensitive else f"(?i:{pattern})"
