"""Draws the rank card: values in, the bytes of a PNG out.

Takes tens of milliseconds of CPU, so it belongs in a thread; it knows nothing of Discord,
settings or the network.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageOps

from bot.core.imaging.fonts import Face, FontSet
from bot.core.imaging.legible import clusters, readable
from bot.core.imaging.lettering import draw_line, fit, measure
from bot.core.imaging.pictures import disc, open_picture
from cogs.levels.card import Card

WIDTH, HEIGHT = 1000, 280
_AVATAR, _RING, _MARGIN = 184, 8, 44
_LEFT = _MARGIN + _AVATAR + 2 * _RING + 44
_RIGHT = WIDTH - _MARGIN
_BAR_TOP, _BAR_HEIGHT = 196, 40
_DARK, _TRACK = (24, 25, 33), (54, 57, 72)
_WHITE, _SOFT = (255, 255, 255), (196, 200, 212)
_GAP = 36

Rgb = tuple[int, int, int]


def draw(card: Card, fonts: FontSet, avatar: bytes | None = None) -> bytes:
    """Return the card as PNG; the name's first letter stands in for a missing or damaged avatar."""
    accent = _visible(((card.accent >> 16) & 255, (card.accent >> 8) & 255, card.accent & 255))
    bold, regular = fonts.faces(bold=True), fonts.faces(bold=False)
    name = _drawable_name(card, bold)
    image = Image.new("RGB", (WIDTH, HEIGHT), _DARK)
    picture = (open_picture(avatar) if avatar else None) or _monogram(name, bold, accent)
    _place_avatar(image, picture, accent)
    _place_bar(image, card.share, accent)
    end = _write_right(image, card.level, bold, baseline=96, size=44, colour=accent, end=_RIGHT)
    _write(image, name, bold, baseline=96, sizes=(52, 26), colour=_WHITE, end=end - _GAP)
    end = _write_right(image, card.rank, bold, baseline=172, size=34, colour=_WHITE, end=_RIGHT)
    _write(
        image, card.progress, regular, baseline=172, sizes=(30, 18), colour=_SOFT, end=end - _GAP
    )
    output = BytesIO()
    image.save(output, "PNG", compress_level=4)
    return output.getvalue()


def _drawable_name(card: Card, faces: tuple[Face, ...]) -> str:
    """Return the name if every letter of it can be drawn, else the username if that is better."""
    name, username = readable(card.name, faces), readable(card.username, faces)
    if username.text and (not name.text or username.lost < name.lost):
        return username.text
    return name.text


def _visible(accent: Rgb) -> Rgb:
    """Lighten a colour until it stands out from the dark background."""
    red, green, blue = accent
    luminance = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    part = max(0.0, 0.55 - luminance)
    return (_blend(red, 255, part), _blend(green, 255, part), _blend(blue, 255, part))


def _blend(one: int, other: int, part: float) -> int:
    return round(one + (other - one) * part)


def _place_avatar(image: Image.Image, picture: Image.Image, accent: Rgb) -> None:
    outer = _AVATAR + 2 * _RING
    left, top = _MARGIN, (HEIGHT - outer) // 2
    image.paste(Image.new("RGB", (outer, outer), accent), (left, top), disc(outer))
    square = ImageOps.fit(picture, (_AVATAR, _AVATAR), Image.Resampling.LANCZOS)
    base = Image.new("RGBA", square.size, (*_DARK, 255))
    base.alpha_composite(square)
    image.paste(base.convert("RGB"), (left + _RING, top + _RING), disc(_AVATAR))


def _monogram(name: str, faces: tuple[Face, ...], accent: Rgb) -> Image.Image:
    plane = Image.new("RGBA", (_AVATAR, _AVATAR), (*(_blend(c, 0, 0.55) for c in accent), 255))
    letter = next(clusters(name), "").upper()
    left = round((_AVATAR - measure(letter, faces, 92)) / 2)
    draw_line(plane, letter, faces, at=(left, _AVATAR // 2 + 34), size=92, colour=_WHITE)
    return plane


def _place_bar(image: Image.Image, part: float, accent: Rgb) -> None:
    pen, radius = ImageDraw.Draw(image), _BAR_HEIGHT // 2
    bottom = _BAR_TOP + _BAR_HEIGHT
    pen.rounded_rectangle((_LEFT, _BAR_TOP, _RIGHT, bottom), radius, fill=_TRACK)
    # So little that it could not be round is left out.
    width = round((_RIGHT - _LEFT) * min(max(part, 0.0), 1.0))
    if width >= _BAR_HEIGHT:
        pen.rounded_rectangle((_LEFT, _BAR_TOP, _LEFT + width, bottom), radius, fill=accent)


def _write_right(
    image: Image.Image,
    text: str,
    faces: tuple[Face, ...],
    *,
    baseline: int,
    size: int,
    colour: Rgb,
    end: int,
) -> int:
    """Write a text that ends at a place, and return where it begins."""
    shown = readable(text, faces).text
    left = end - round(measure(shown, faces, size))
    draw_line(image, shown, faces, at=(left, baseline), size=size, colour=colour)
    return left


def _write(
    image: Image.Image,
    text: str,
    faces: tuple[Face, ...],
    *,
    baseline: int,
    sizes: tuple[int, int],
    colour: Rgb,
    end: int,
) -> None:
    largest, smallest = sizes
    drawable = readable(text, faces).text
    width = max(end - _LEFT, 60)
    shown, size = fit(drawable, faces, width=width, largest=largest, smallest=smallest)
    draw_line(image, shown, faces, at=(_LEFT, baseline), size=size, colour=colour)
