"""By what texts are told to be the same, or nearly so: numbers instead of the texts themselves.

They are keyed by the process's own secret (Python's hash), so that nobody can make two texts fall
together. A mark takes at most some hundred bytes, however long the text is.
"""

from __future__ import annotations

import heapq
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from cogs.automod.rules.folding import AMBIGUOUS, fold
from cogs.automod.rules.views import clean_text, plain_text

if TYPE_CHECKING:
    from cogs.automod.rules.cases import Case

_ASCII_LETTERS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_NO_LETTERS = bytes(
    code for code in range(256) if not chr(code).isascii() or not chr(code).isalpha()
)
# Fewer letters have nothing by which a small change could be told from another text.
_FEWEST_LETTERS = 10
_MOST_LETTERS = 1_000
_GRAM = 3
# Of a long text those with the smallest hashes stand for all: the same ones in a similar text.
_MOST_GRAMS = 64
_BITS = 512
# Every sketch has this bit and so is larger than any hash.
_SKETCH = 1 << _BITS


def shown_text(case: Case) -> str:
    """Return the text by which a message is compared with others."""
    if case.content:
        return case.content
    if not case.texts and not case.raw:
        return ""
    return "\n".join(text.views.raw for text in case.texts)


def mark_of(text: str, least: int, *, similar: bool, tolerance: int = 0) -> int:
    """Return a number that is the same for the same text, 0 for one of fewer characters.

    With `similar`, case, spaces, punctuation, digits, repeated letters and look-alikes make no
    difference. With a tolerance, marks of longer texts are for `is_near` to compare.
    """
    if len(text) < least:
        return 0
    if not similar:
        return hash(text.strip()) or 1
    letters = _letters_of(text)
    if tolerance and len(letters) >= _FEWEST_LETTERS:
        return _sketch(letters)
    # What has hardly a letter is compared as it stands.
    return hash(letters if len(letters) >= min(least, 5) else text.strip()) or 1


def _letters_of(text: str) -> bytes | str:
    """Return the small letters of a text without disguise, each of a run once."""
    if not text.isascii() or "%" in text:
        text = _undisguised(text)
    if text.isascii():
        ascii_letters = text.encode().translate(_ASCII_LETTERS, _NO_LETTERS)
        return bytes(compress(ascii_letters, map(ne, ascii_letters, ascii_letters[1:] + b"\0")))
    letters = "".join(filter(str.isalpha, text.lower()))
    return "".join(compress(letters, map(ne, letters, letters[1:] + "\0")))


def _undisguised(text: str) -> str:
    plain = plain_text(clean_text(text))
    # Signs and digits that stand for letters are none here: in the plain text they are dropped.
    read = plain if plain.isascii() else fold(plain).replace(AMBIGUOUS, "i")
    return "".join([new for old, new in zip(plain, read, strict=True) if old.isalpha()])


def _sketch(letters: bytes | str) -> int:
    """Return the groups of three letters in a text as bits of one number."""
    places = range(min(len(letters), _MOST_LETTERS) - _GRAM + 1)
    grams = {hash(letters[start : start + _GRAM]) for start in places}
    bits = _SKETCH
    for gram in grams if len(grams) <= _MOST_GRAMS else heapq.nsmallest(_MOST_GRAMS, grams):
        bits |= 1 << (gram % _BITS)
    return bits


def is_near(mark: int, other: int, tolerance: int) -> bool:
    """Tell whether two texts differ in at most so many letters of a hundred, about.

    One letter changed, added or left out takes three groups of three along (Ukkonen, "Approximate
    string-matching with q-grams and maximal matches", 1992).
    """
    if mark == other:
        return True
    if mark < _SKETCH or other < _SKETCH:
        return False
    most = max(mark.bit_count(), other.bit_count()) - 1
    shared = (mark & other).bit_count() - 1
    edits = (most + _GRAM - 1) * tolerance // 100
    return most - shared <= edits * _GRAM
