"""Texts that need no second look: what no reading changes, told by one pass over the characters.

Most that is not ASCII is honest: accents, other alphabets, emoji. Two character classes, worked out
from the same tables that the readings use, spare such texts the readings.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator

from cogs.automod.rules.folding import fold
from cogs.automod.rules.views import clean_text

# Blocks without letters that join the one before them, so that each character may be judged alone:
# Latin, Greek, Cyrillic, Hebrew, Arabic, punctuation and signs, kana, CJK, Hangul, pictures.
_BLOCKS = (
    (0x09, 0x24F),
    (0x370, 0x52F),
    (0x5D0, 0x5EA),
    (0x620, 0x64A),
    (0x1E00, 0x1EFF),
    (0x2010, 0x27BF),
    (0x3001, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0x1F300, 0x1FAFF),
)
# What these become depends on what stands beside them; a 1 is read in two ways.
_SIGMA = "\u03c3"
_CLOSING = frozenset("1!|+@$")


def is_settled(text: str) -> bool:
    """Tell whether decoding, composing and dropping the invisible leave the text as it is.

    Markup, and what is encoded in ASCII, is not looked at.
    """
    return _finders()[0](text) is None


def is_inert(text: str) -> bool:
    """Tell whether, besides, the text in small letters has no look-alike of another letter."""
    return _finders()[1](text) is None


def prepare() -> None:
    """Make the character classes now (some 20 ms) instead of at the first text."""
    _finders()


@functools.cache
def _finders() -> tuple[Callable[[str], object], Callable[[str], object]]:
    codes = (code for low, high in _BLOCKS for code in range(low, high + 1) if _is_settled(code))
    # What is taken here for a moment stays with the process: an array has an eighth of a list.
    settled = array("I", codes)
    inert = (code for code in settled if _is_inert(chr(code)))
    return re.compile(_none_of(settled)).search, re.compile(_none_of(inert)).search


def _is_settled(code: int) -> bool:
    char = chr(code)
    if char.isascii():
        # Alone a sign is markup; beside a letter outside ASCII only a control character vanishes.
        return char.isprintable() or char in "\t\n\v\f\r"
    return clean_text(char) == char and not unicodedata.combining(char)


def _is_inert(char: str) -> bool:
    lower = char.lower()
    return char not in _CLOSING and len(lower) == 1 and lower != _SIGMA and fold(lower) == lower


def _none_of(codes: Iterable[int]) -> str:
    ranges = "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in _runs(codes))
    return f"[^{ranges}]"


def _runs(codes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of ascending codes."""
    start = last = None
    for code in codes:
        if last is None or code != last + 1:
            if start is not None and last is not None:
                yield start, last
            start = code
        last = code
    if start is not None and last is not None:
        yield start, last
