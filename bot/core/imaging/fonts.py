"""Finds font files and reads which characters each can draw.

A font without a glyph draws an empty box, and Pillow does not tell; so the character map is read
from the file itself. Knows nothing of cards or Discord.
"""

from __future__ import annotations

import functools
import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import BinaryIO

FONT_SUFFIXES = (".ttf", ".otf", ".ttc")
# A machine with thousands of fonts must not cost seconds and memory for the sake of rare scripts.
MOST_FILES = 3000
MOST_FACES = 400

_UNWANTED = ("italic", "oblique", "condensed", "mono", "math", "lastresort")
_WEIGHTS = ("bold", "regular", "")
_OUTLINES = {b"glyf", b"CFF ", b"CFF2"}
_BITMAPS = b"CBDT"
_WINDOWS, _UNICODE = 3, 0


class UnreadableFontError(ValueError):
    """The file is no font that cards can use."""


@dataclass(frozen=True, slots=True)
class Face:
    """One font file and the characters it has, as sorted ranges of code points."""

    path: str
    bitmap: bool = False
    _starts: array[int] = field(default_factory=lambda: array("I"), repr=False)
    _ends: array[int] = field(default_factory=lambda: array("I"), repr=False)

    def has(self, character: str) -> bool:
        """Tell whether the font draws this character."""
        code = ord(character)
        place = bisect_right(self._starts, code) - 1
        return place >= 0 and code <= self._ends[place]


@dataclass(frozen=True, slots=True)
class FontSet:
    """The project's own two weights, and what else the machine has, in order of preference."""

    regular: Face
    bold: Face
    fallbacks: tuple[Face, ...] = ()

    def faces(self, *, bold: bool) -> tuple[Face, ...]:
        """Return the fonts to try for one line, first choice first."""
        return (self.bold if bold else self.regular, *self.fallbacks)


def system_directories() -> tuple[Path, ...]:
    """Return the directories where operating systems keep fonts."""
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    shared = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    return (*shared, home / ".local/share/fonts", home / ".fonts")


@functools.lru_cache(maxsize=4)
def load_fonts(directories: tuple[Path, ...]) -> FontSet:
    """Return the fonts of the declared package with those found in the directories.

    Reads every wanted file's character map, so it belongs in a thread; files that can't be read
    are passed over.
    """
    own = resources.files("font_roboto") / "files"
    fallbacks: list[Face] = []
    for path in _wanted(_font_files(directories))[:MOST_FACES]:
        try:
            fallbacks.append(read_face(path))
        except (OSError, UnreadableFontError):
            continue
    regular, bold = (
        read_face(Path(str(own / f"Roboto-{name}.ttf"))) for name in ("Regular", "Bold")
    )
    return FontSet(regular, bold, tuple(fallbacks))


def _font_files(directories: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for directory in directories:
        for folder, _, names in os.walk(directory):
            found += [Path(folder, name) for name in names if name.lower().endswith(FONT_SUFFIXES)]
            if len(found) >= MOST_FILES:
                return found[:MOST_FILES]
    return found


def _wanted(paths: Iterable[Path]) -> list[Path]:
    """One upright file a family, bold where there is one; sans before serif, Noto before others."""
    best: dict[str, tuple[int, Path]] = {}
    for path in paths:
        family, _, style = path.stem.lower().partition("-")
        if style not in _WEIGHTS or any(word in family for word in _UNWANTED):
            continue
        weight = _WEIGHTS.index(style)
        if family not in best or weight < best[family][0]:
            best[family] = (weight, path)
    families = sorted(best, key=_preference)
    return [best[family][1] for family in families]


def _preference(family: str) -> tuple[bool, bool, str]:
    return "serif" in family, not family.startswith("notosans"), family


def read_face(path: Path) -> Face:
    """Return the face of a font file, the first one of a collection.

    Raises `UnreadableFontError` for a file without outlines or bitmaps that Pillow draws, or
    without a Unicode character map. Formats: OpenType specification, "Font file" and "cmap".
    """
    try:
        with path.open("rb") as stream:
            tables = _tables(stream)
            if b"cmap" not in tables or not (_OUTLINES & tables.keys() or _BITMAPS in tables):
                raise UnreadableFontError(path.name)
            offset, length = tables[b"cmap"]
            stream.seek(offset)
            starts, ends = _merged(_ranges(stream.read(length)))
    except (struct.error, IndexError) as error:
        raise UnreadableFontError(path.name) from error
    return Face(str(path), bitmap=not _OUTLINES & tables.keys(), _starts=starts, _ends=ends)


def _tables(stream: BinaryIO) -> dict[bytes, tuple[int, int]]:
    if stream.read(4) == b"ttcf":
        stream.seek(12)
        (start,) = struct.unpack(">I", stream.read(4))
        stream.seek(start + 4)
    (count,) = struct.unpack(">H", stream.read(2))
    stream.seek(6, os.SEEK_CUR)
    records = (struct.unpack(">4sIII", stream.read(16)) for _ in range(count))
    return {tag: (offset, length) for tag, _, offset, length in records}


def _ranges(cmap: bytes) -> Iterator[tuple[int, int]]:
    """The covered ranges of the richest subtable: format 12 has all planes, format 4 the first."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    offsets: dict[int, int] = {}
    for index in range(count):
        platform, _, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * index)
        if platform in (_UNICODE, _WINDOWS):
            offsets[struct.unpack_from(">H", cmap, offset)[0]] = offset
    if 12 in offsets:
        return _ranges_12(cmap, offsets[12])
    if 4 in offsets:
        return _ranges_4(cmap, offsets[4])
    raise UnreadableFontError("no Unicode character map")


def _ranges_12(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    (count,) = struct.unpack_from(">I", cmap, offset + 12)
    for index in range(count):
        start, end, _ = struct.unpack_from(">III", cmap, offset + 16 + 12 * index)
        yield start, end


def _ranges_4(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">H", cmap, offset + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", cmap, offset + 14)
    # A reserved pad of two bytes stands between the ends and the starts.
    starts = struct.unpack_from(f">{count}H", cmap, offset + 16 + 2 * count)
    places = offset + 16 + 6 * count
    shifts = struct.unpack_from(f">{count}H", cmap, places)
    for index, (start, end, shift) in enumerate(zip(starts, ends, shifts, strict=True)):
        if start == 0xFFFF:
            continue
        if shift == 0:
            yield start, end
            continue
        glyphs = struct.unpack_from(f">{end - start + 1}H", cmap, places + 2 * index + shift)
        yield from ((start + step, start + step) for step, glyph in enumerate(glyphs) if glyph)


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[array[int], array[int]]:
    starts, ends = array("I"), array("I")
    for start, end in sorted(ranges):
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends
