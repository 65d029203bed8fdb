"""Draws the welcome card: values in, the bytes of a PNG out.

Takes tens of milliseconds of CPU, so it belongs in a thread; it knows nothing of Discord,
settings or the network.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageOps

from bot.core.imaging.fonts import Face, FontSet
from bot.core.imaging.legible import clusters, readable
from bot.core.imaging.lettering import draw_line, fit, fit_two_lines, measure
from bot.core.imaging.pictures import disc, open_picture
from cogs.welcome.card import Card

WIDTH, HEIGHT = 1000, 320
_AVATAR, _RING, _MARGIN = 208, 8, 56
_TEXT_LEFT = _MARGIN + _AVATAR + 2 * _RING + 48
_TEXT_WIDTH = WIDTH - _TEXT_LEFT - _MARGIN
_DARK = (24, 25, 33)
_WHITE, _SOFT = (255, 255, 255), (196, 200, 212)

# The largest and the smallest letters of a name, in pixels. A chat shows the card at half its size.
_NAME_SIZES, _TWO_LINE_SIZES = (68, 48), (46, 38)

Rgb = tuple[int, int, int]


def draw(card: Card, fonts: FontSet, avatar: bytes | None = None) -> bytes:
    """Return the card as PNG; the name's first letter stands in for a missing or damaged avatar."""
    accent = _visible(((card.accent >> 16) & 255, (card.accent >> 8) & 255, card.accent & 255))
    name = drawable_name(card, fonts)
    image = _background(accent)
    picture = (open_picture(avatar) if avatar else None) or _monogram(name, fonts, accent)
    _place_avatar(image, picture, accent)
    regular = fonts.faces(bold=False)
    above, below = _write_name(image, name, fonts.faces(bold=True))
    _write(image, card.headline, regular, baseline=above, sizes=(36, 22), colour=_SOFT)
    _write(image, card.footline, regular, baseline=below, sizes=(32, 20), colour=accent)
    output = BytesIO()
    image.save(output, "PNG", compress_level=4)
    return output.getvalue()


def drawable_name(card: Card, fonts: FontSet) -> str:
    """Return the name if every letter of it can be drawn, else the username if that is better."""
    faces = fonts.faces(bold=True)
    name, username = readable(card.name, faces), readable(card.username, faces)
    if name.text and not name.lost:
        return name.text
    if username.text and (not name.text or username.lost <= name.lost):
        return username.text
    return name.text


def _visible(accent: Rgb) -> Rgb:
    """Lighten a colour until it stands out from the dark background."""
    red, green, blue = accent
    luminance = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    share = max(0.0, 0.55 - luminance)
    return (_blend(red, 255, share), _blend(green, 255, share), _blend(blue, 255, share))


def _blend(one: int, other: int, share: float) -> int:
    return round(one + (other - one) * share)


def _background(accent: Rgb) -> Image.Image:
    """A dark plane that takes on a little of the accent towards the upper right."""
    tint = tuple(_blend(dark, bright, 0.28) for dark, bright in zip(_DARK, accent, strict=True))
    downwards = Image.linear_gradient("L")
    across = downwards.transpose(Image.Transpose.ROTATE_90)
    shade = ImageChops.multiply(across, ImageOps.flip(downwards)).resize((WIDTH, HEIGHT))
    image = ImageOps.colorize(shade, black=_DARK, white=tint)
    ImageDraw.Draw(image).rectangle((0, HEIGHT - 8, WIDTH, HEIGHT), fill=accent)
    return image


def _place_avatar(image: Image.Image, picture: Image.Image, accent: Rgb) -> None:
    outer = _AVATAR + 2 * _RING
    left, top = _MARGIN, (HEIGHT - 8 - outer) // 2
    image.paste(Image.new("RGB", (outer, outer), accent), (left, top), disc(outer))
    square = ImageOps.fit(picture, (_AVATAR, _AVATAR), Image.Resampling.LANCZOS)
    base = Image.new("RGBA", square.size, (*_DARK, 255))
    base.alpha_composite(square)
    image.paste(base.convert("RGB"), (left + _RING, top + _RING), disc(_AVATAR))


def _monogram(name: str, fonts: FontSet, accent: Rgb) -> Image.Image:
    faces = fonts.faces(bold=True)
    plane = Image.new("RGBA", (_AVATAR, _AVATAR), (*(_blend(c, 0, 0.55) for c in accent), 255))
    letter = next(clusters(name), "").upper()
    left = round((_AVATAR - measure(letter, faces, 104)) / 2)
    draw_line(plane, letter, faces, at=(left, _AVATAR // 2 + 38), size=104, colour=_WHITE)
    return plane


def _write_name(image: Image.Image, name: str, faces: tuple[Face, ...]) -> tuple[int, int]:
    """Write the name on one line, or on two where one would make it too small to read in a chat.

    Returns the baselines of the lines above and below.
    """
    shown = readable(name, faces).text
    if measure(shown, faces, _NAME_SIZES[1]) <= _TEXT_WIDTH:
        _write(image, name, faces, baseline=188, sizes=_NAME_SIZES, colour=_WHITE)
        return 106, 248
    largest, smallest = _TWO_LINE_SIZES
    lines, size = fit_two_lines(shown, faces, width=_TEXT_WIDTH, largest=largest, smallest=smallest)
    for baseline, line in zip((152, 204), lines, strict=True):
        draw_line(image, line, faces, at=(_TEXT_LEFT, baseline), size=size, colour=_WHITE)
    return 92, 258


def _write(
    image: Image.Image,
    text: str,
    faces: tuple[Face, ...],
    *,
    baseline: int,
    sizes: tuple[int, int],
    colour: Rgb,
) -> None:
    largest, smallest = sizes
    drawable = readable(text, faces).text
    shown, size = fit(drawable, faces, width=_TEXT_WIDTH, largest=largest, smallest=smallest)
    draw_line(image, shown, faces, at=(_TEXT_LEFT, baseline), size=size, colour=colour)
