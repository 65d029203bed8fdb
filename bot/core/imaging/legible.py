"""Turns anybody's text into what the fonts at hand can draw, on one line.

Characters that no font has are folded to plain letters, dropped or marked, never shown as a box.
Draws nothing itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.imaging.fonts import Face

# Stands for a letter that no font has; symbols and emoji are dropped instead.
MARK = "·"
MOST_MARKS = 2

_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_EMOJI = range(0x1F000, 0x1FB00)
# Drawn as nothing, so a name made of them would look empty.
_BLANKS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
_SPACES = frozenset({"Zs", "Zl", "Zp", "Cc"})
_MARKS = frozenset({"Mn", "Me"})
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mc"})


@dataclass(frozen=True, slots=True)
class Readable:
    """A text that the fonts can draw whole; `lost` counts the letters that had to be marked."""

    text: str
    lost: int = 0


def readable(text: str, faces: Sequence[Face]) -> Readable:
    """Return what of a text can be drawn, on one line and without blank or hidden characters."""
    kept: list[str] = []
    lost = 0
    for cluster in clusters(_one_line(text)):
        drawable = _drawable(cluster, faces)
        if drawable is None:
            lost += 1
            drawable = MARK
        kept.append(drawable)
    return Readable(" ".join("".join(kept).split()), lost)


def _one_line(text: str) -> str:
    """Spaces for everything blank, nothing for what is invisible or changes the direction."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category in _SPACES or character in _BLANKS:
            kept.append(" ")
        elif category != "Cf" or character == _JOINER:
            kept.append(character)
    return "".join(kept)


def _drawable(cluster: str, faces: Sequence[Face]) -> str | None:
    """The cluster, or the nearest text that the fonts have; `None` for a letter without one."""
    folded = unicodedata.normalize("NFKC", cluster)
    bare = unicodedata.normalize("NFKD", cluster)
    bare = "".join(one for one in bare if unicodedata.category(one) not in _MARKS)
    for candidate in (cluster, cluster[0], folded, bare):
        if candidate and all(choose_face(part, faces) for part in clusters(candidate)):
            return candidate
    return None if unicodedata.category(cluster[0]) in _LETTERS else ""


def clusters(text: str) -> Iterator[str]:
    """Split a text into what is drawn as one: a letter with its marks, an emoji with its parts.

    A simplification of Unicode's grapheme clusters (UAX #29) that keeps at most two marks a letter,
    and no two in the same place: those would pile up over the lines around.
    """
    current = ""
    for character in text:
        if current and _extends(current, character):
            if not _is_mark(character) or _takes_mark(current, character):
                current += character
            continue
        if current:
            yield current
        current = character
    if current:
        yield current


def _extends(current: str, character: str) -> bool:
    code = ord(character)
    if character == _JOINER or code in _SKIN_TONES or unicodedata.category(character) in _MARKS:
        return True
    if code in _FLAG_LETTERS:
        return len(current) == 1 and ord(current) in _FLAG_LETTERS
    return current.endswith(_JOINER) and unicodedata.category(character) == "So"


def _takes_mark(current: str, mark: str) -> bool:
    # Marks of one combining class stand in one place and are stacked; 0 says nothing of the place.
    more = unicodedata.normalize("NFD", current)[1:]
    place = unicodedata.combining(mark)
    if place and place in map(unicodedata.combining, more):
        return False
    return sum(map(_is_mark, more)) < MOST_MARKS


def _is_mark(character: str) -> bool:
    return character != _EMOJI_STYLE and unicodedata.category(character) in _MARKS


def choose_face(cluster: str, faces: Sequence[Face]) -> Face | None:
    """Return the first font that has the whole cluster; emoji look for a colour font first."""
    needed = [one for one in cluster if one not in (_JOINER, _EMOJI_STYLE)]
    if _EMOJI_STYLE in cluster or ord(cluster[0]) in _EMOJI:
        faces = sorted(faces, key=lambda face: not face.bitmap)
    else:
        faces = sorted(faces, key=lambda face: face.bitmap)
    return next((face for face in faces if all(map(face.has, needed))), None)
