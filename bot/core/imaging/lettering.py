"""Sets one line of a legible text: runs of fallback fonts, both writing directions, emoji bitmaps.

The text must have gone through `bot.core.imaging.legible` before.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, features

from bot.core.imaging.fonts import Face
from bot.core.imaging.legible import choose_face, clusters

ELLIPSIS = "…"
# Bitmap emoji fonts come in this size only; what is drawn with them is scaled afterwards.
BITMAP_SIZE = 109


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring characters of one font and one direction, in reading order."""

    text: str
    face: Face
    rtl: bool = False


def visual_runs(text: str, faces: Sequence[Face]) -> list[Run]:
    """Return the runs of a readable text from left to right as they stand on the line.

    Follows the levels of the bidirectional algorithm (UAX #9) without explicit embeddings.
    """
    parts = list(clusters(text))
    levels = _levels(parts)
    runs: list[tuple[int, Run]] = []
    for level, pairs in itertools.groupby(
        zip(levels, parts, strict=True), key=lambda pair: pair[0]
    ):
        for face, same in itertools.groupby(
            (part for _, part in pairs), key=functools.partial(_face_or_first, faces=tuple(faces))
        ):
            runs.append((level, Run("".join(same), face, rtl=level % 2 == 1)))
    return _reordered(runs)


def _face_or_first(cluster: str, *, faces: tuple[Face, ...]) -> Face:
    return choose_face(cluster, faces) or faces[0]


def _levels(parts: Sequence[str]) -> list[int]:
    kinds = [_direction(part) for part in parts]
    base = next((kind for kind in kinds if kind in "LR"), "L")
    kinds = _with_resolved_neutrals(_with_resolved_digits(kinds, base), base)
    levels = {"R": 1, "D": 2, "L": 2 if base == "R" else 0}
    return [levels[kind] for kind in kinds]


def _with_resolved_digits(kinds: Sequence[str], base: str) -> list[str]:
    """Rule W7: a number is part of the left-to-right text that it follows."""
    resolved = []
    strong = base
    for kind in kinds:
        strong = kind if kind in "LR" else strong
        resolved.append("L" if kind == "D" and strong == "L" else kind)
    return resolved


def _with_resolved_neutrals(kinds: Sequence[str], base: str) -> list[str]:
    """Rules N1 and N2: take the direction of both sides, else the line's; numbers count as R."""
    sides = ["R" if kind == "D" else kind for kind in kinds]
    resolved = []
    for place, kind in enumerate(kinds):
        if kind != "N":
            resolved.append(kind)
            continue
        before = next((side for side in reversed(sides[:place]) if side != "N"), base)
        after = next((side for side in sides[place + 1 :] if side != "N"), base)
        resolved.append(before if before == after else base)
    return resolved


def _direction(part: str) -> str:
    """L, R, D for digits, N for what takes its direction from the neighbours."""
    kind = unicodedata.bidirectional(part[0])
    if kind in ("R", "AL"):
        return "R"
    if kind in ("EN", "AN"):
        return "D"
    return "L" if kind == "L" else "N"


def _reordered(runs: list[tuple[int, Run]]) -> list[Run]:
    """Rule L2: from the highest level down to 1, reverse every stretch at that level or above."""
    for level in range(max((level for level, _ in runs), default=0), 0, -1):
        turned: list[tuple[int, Run]] = []
        for inside, stretch in itertools.groupby(runs, key=lambda pair, at=level: pair[0] >= at):
            part = list(stretch)
            turned += reversed(part) if inside else part
        runs = turned
    return [run for _, run in runs]


@functools.lru_cache(maxsize=64)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _drawn(run: Run) -> Literal["ltr", "rtl"] | None:
    # Without Raqm there is no shaping; letters then stand one by one, which is still readable.
    if not _shaping_available():
        return None
    return "rtl" if run.rtl else "ltr"


@functools.cache
def _shaping_available() -> bool:
    return bool(features.check("raqm"))


def _width(run: Run, size: int) -> float:
    if run.face.bitmap:
        natural = _font(run.face.path, BITMAP_SIZE).getlength(run.text, direction=_drawn(run))
        return natural * size / BITMAP_SIZE
    return _font(run.face.path, size).getlength(run.text, direction=_drawn(run))


def measure(text: str, faces: Sequence[Face], size: int) -> float:
    """Return the width of a readable text in pixels."""
    return sum(_width(run, size) for run in visual_runs(text, faces))


def fit(
    text: str, faces: Sequence[Face], *, width: int, largest: int, smallest: int
) -> tuple[str, int]:
    """Return the text, cut short if it must be, and the size in pixels at which it fits."""
    natural = measure(text, faces, largest)
    size = largest if natural <= width else max(smallest, int(largest * width / natural))
    return _cut(text, faces, width, size), size


def fit_two_lines(
    text: str, faces: Sequence[Face], *, width: int, largest: int, smallest: int
) -> tuple[tuple[str, str], int]:
    """Return the text in two lines of about the same width, and the size in pixels for both.

    It is broken at a space where that fits, else between letters; the second line is cut short if
    it must be. A text of one letter has an empty second line.
    """
    parts = list(clusters(text))
    places = range(1, len(parts))

    def halves(place: int) -> tuple[str, str]:
        return "".join(parts[:place]).rstrip(), "".join(parts[place:]).lstrip()

    def widest(place: int) -> float:
        return max(measure(half, faces, largest) for half in halves(place))

    spaces = [place for place in places if parts[place] == " "]
    place = min(spaces, key=widest, default=0)
    if not place or widest(place) * smallest > width * largest:
        place = min(places, key=widest, default=len(parts))
    natural = widest(place)
    size = largest if natural <= width else max(smallest, int(largest * width / natural))
    first, second = halves(place)
    return (_cut(first, faces, width, size), _cut(second, faces, width, size)), size


def _cut(text: str, faces: Sequence[Face], width: int, size: int) -> str:
    """Return what of a text fits, with an ellipsis where something is missing."""
    parts = list(clusters(text))
    shown = text
    while parts and measure(shown, faces, size) > width:
        parts.pop()
        shown = "".join(parts).rstrip() + ELLIPSIS
    return shown


def draw_line(
    image: Image.Image,
    text: str,
    faces: Sequence[Face],
    *,
    at: tuple[int, int],
    size: int,
    colour: tuple[int, int, int],
) -> None:
    """Draw a readable text with the left end of its baseline at the point."""
    pen = ImageDraw.Draw(image)
    x, baseline = float(at[0]), at[1]
    for run in visual_runs(text, faces):
        if run.face.bitmap:
            _draw_bitmap(image, run, (round(x), baseline), size)
        else:
            font = _font(run.face.path, size)
            pen.text(
                (x, baseline), run.text, fill=colour, font=font, anchor="ls", direction=_drawn(run)
            )
        x += _width(run, size)


def _draw_bitmap(image: Image.Image, run: Run, at: tuple[int, int], size: int) -> None:
    font = _font(run.face.path, BITMAP_SIZE)
    natural = max(1, round(font.getlength(run.text, direction=_drawn(run))))
    drawn = Image.new("RGBA", (natural, 2 * BITMAP_SIZE))
    foot = round(1.4 * BITMAP_SIZE)
    pen = ImageDraw.Draw(drawn)
    pen.text(
        (0, foot), run.text, font=font, anchor="ls", embedded_color=True, direction=_drawn(run)
    )
    scale = size / BITMAP_SIZE
    scaled = drawn.resize(
        (max(1, round(natural * scale)), round(2 * size)), Image.Resampling.LANCZOS
    )
    image.paste(scaled, (at[0], at[1] - round(foot * scale)), scaled)
