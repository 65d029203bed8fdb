"""Letters that look like others: which plain letter each of them is read as.

The data is Unicode's (TR39), from the package `confusable-homoglyphs`, with what it leaves out:
accents, small capitals, letters in boxes, digits and signs used as letters. Every character is read
as exactly one, so that a place in the folded text is the same place in the text it came from.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import unicodedata
from collections.abc import Iterator, Mapping

# Read as i or l, whichever the word has.
AMBIGUOUS = "1"
_LEET = dict(zip("0345789@$!|+€£¢¥§", "oeastbgasi1tel" + "cys", strict=True)) | {"!": "1"}
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True))
# Capitals look alike where the small letters do not; texts are in small letters when folded.
_BY_CAPITALS = dict(zip("вкмнтуηικνρτχαεоєѕ", "bkmhtynikvptxaeoes", strict=True))
_MORE = {
    "ß": "b",
    "þ": "p",
    "ð": "d",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ħ": "h",
    "\u0131": "1",
    "æ": "a",
    "\uab8e": "o",
}
# Syllabics that generators of ornamental text take for capitals, beside those that TR39 has.
_SYLLABICS = dict(zip("ᗩᗷᑕᗪᖴᕼᒍᒪᗰᑎᑭᑫᖇᔕᑌᐯᗯ", "abcdfhjlmnpqrsuvw", strict=True))
# Of Cherokee TR39 has the capitals alone, which became small letters before they are folded.
_CHEROKEE = range(0x13A0, 0x13F6)
# Surely an i, though TR39 takes it for an l.
_CYRILLIC_I = "\u0456"
# A letter of its own, not an n with an ornament: "año" is a year.
_OWN_LETTERS = frozenset("ñ")
# Latin, Greek and Cyrillic: where an accent leaves the letter readable.
_ACCENTED = (range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))
# Letters in boxes, circles and flags that no normalization reads.
_ALPHABETS = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)


_UNSURE = str.maketrans("il", AMBIGUOUS * 2)


def make_unsure(folded: str) -> str:
    """Return a folded text in which every i and l may be the other."""
    return folded.translate(_UNSURE)


@functools.cache
def fold_table() -> Mapping[int, str]:
    """Return the table for `str.translate`, made at its first use."""
    table = dict(_confusables())
    table.update(_accents(table))
    table.update({ord(chr(code).lower()): table[code] for code in _CHEROKEE if code in table})
    for start in _ALPHABETS:
        table.update({start + index: chr(ord("a") + index) for index in range(26)})
    for extra in (_SMALL_CAPITALS, _BY_CAPITALS, _SYLLABICS, _MORE, _LEET):
        table.update({ord(char): letter for char, letter in extra.items()})
    return {code: letter for code, letter in table.items() if chr(code) not in _OWN_LETTERS}


def fold(plain: str) -> str:
    """Return a text in small letters with every look-alike as the letter it is read as."""
    return plain.translate(fold_table())


def _confusables() -> Iterator[tuple[int, str]]:
    source = importlib.resources.files("confusable_homoglyphs") / "confusables.json"
    data = json.loads(source.read_text(encoding="utf-8"))
    for char, others in data.items():
        if len(char) != 1 or char.isascii():
            continue
        alike = {one["c"].lower() for one in others if len(one["c"]) == 1 and one["c"].isascii()}
        letters = sorted(one for one in alike if one.isalnum())
        if letters:
            # i, l and 1 look like each other; TR39 takes all of them for l.
            yield (
                ord(char),
                AMBIGUOUS if letters[0] in "1il" and char != _CYRILLIC_I else letters[0],
            )


def _accents(table: Mapping[int, str]) -> dict[int, str]:
    found = {}
    for code in (code for block in _ACCENTED for code in block):
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        if base != chr(code) and len(base) == 1:
            found[code] = table.get(ord(base), base)
    return found
