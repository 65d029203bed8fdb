"""Alphabets by range: enough to tell a disguised word from an honest one of another language."""

from __future__ import annotations

# Letters that are Latin or are drawn like it: Latin, IPA, phonetic extensions, Latin extended.
_LATIN = ((0x41, 0x24F), (0x250, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F))
# Lisu took its letters from Latin capitals, some of them upside down.
_LISU = (0xA4D0, 0xA4FF)
_LATIN_LATER = ((0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFF21, 0xFF5A), (0x1D400, 0x1D7FF))
_SIGNS = (0x2000, 0x2BFF)
_PICTURES = (0x1F000, 0x1FAFF)
# Beyond it stand letters in boxes and flags, which are no letters to Unicode.
_LAST_SIGN = "\u2fff"
_BLOCKS = (*_LATIN, _LISU, *_LATIN_LATER, _SIGNS, _PICTURES)


def is_foreign(char: str) -> bool:
    """Whether the character is a letter of an alphabet other than Latin."""
    code = ord(char)
    if code < 0x250 or not char.isalpha():
        return False
    return not any(low <= code <= high for low, high in _BLOCKS)


def is_plausible(plain: str, folded: str, start: int, end: int) -> bool:
    """Tell whether what stands there, read as Latin letters, was meant to be read so.

    Digits alone are a number. A word wholly in another alphabet is a word of that language, unless
    the text around it is Latin and not one of its foreign letters fails to look like a Latin one.
    """
    span = plain[start:end]
    if not any(char.isalpha() or char in "@$!|€£" or char > _LAST_SIGN for char in span):
        return False
    if not any(map(is_foreign, span)):
        return True
    while start > 0 and plain[start - 1].isalnum():
        start -= 1
    while end < len(plain) and plain[end].isalnum():
        end += 1
    if any(char.isalpha() and not is_foreign(char) for char in plain[start:end]):
        return True
    if not any(char.isalpha() and not is_foreign(char) for char in plain):
        return False
    return all(new.isascii() for old, new in zip(plain, folded, strict=True) if is_foreign(old))
