"""Draws letters that people can read: an answer and chance in, the bytes of a PNG out.

Letters stand unevenly, turned, bent by a wave and crossed by strokes of their own colour, which a
program finds hard to cut apart. It keeps out scripts, not somebody with a trained model. Takes some
milliseconds of CPU, so it belongs in a thread.
"""

from __future__ import annotations

import math
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, ImageFont

from bot.core.imaging.fonts import FontSet

WIDTH, HEIGHT = 400, 150
_TILE = 124
_SIZES = (80, 92)
_TURN = 20
_STRIP = 8
_SPECKS = 900

Rgb = tuple[int, int, int]


def draw(answer: str, random: Random, fonts: FontSet, _avatar: bytes | None = None) -> bytes:
    """Return the picture as PNG."""
    ground, ink = _colours(random)
    image = _ground(ground, random)
    mask = Image.new("L", (WIDTH, HEIGHT))
    _set_letters(mask, answer, random, fonts)
    _cross(mask, random)
    image.paste(Image.new("RGB", image.size, ink), (0, 0), _bent(mask, random))
    _speckle(image, ink, random)
    output = BytesIO()
    image.save(output, "PNG", compress_level=4)
    return output.getvalue()


def _colours(random: Random) -> tuple[Rgb, Rgb]:
    """A light ground and a dark ink, far enough apart in brightness for weak eyes."""
    light = (random.randint(205, 250), random.randint(205, 250), random.randint(205, 250))
    dark = (random.randint(10, 85), random.randint(10, 70), random.randint(10, 95))
    return light, dark


def _ground(colour: Rgb, random: Random) -> Image.Image:
    """A plane of the colour with soft stains."""
    small = Image.new("RGB", (WIDTH // 20, HEIGHT // 15))
    cells = small.width * small.height
    shades = (random.randint(0, 45) for _cell in range(cells))
    small.putdata([tuple(part - shade for part in colour) for shade in shades])
    return small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _set_letters(mask: Image.Image, answer: str, random: Random, fonts: FontSet) -> None:
    step = (WIDTH - 60) / len(answer)
    for position, letter in enumerate(answer):
        face = random.choice((fonts.regular, fonts.bold))
        tile = _letter(letter, face.path, random)
        left = 30 + position * step + (step - _TILE) / 2 + random.uniform(-5, 5)
        top = (HEIGHT - _TILE) / 2 + random.uniform(-12, 12)
        mask.paste(255, (round(left), round(top)), tile)


def _letter(letter: str, path: str, random: Random) -> Image.Image:
    font = ImageFont.truetype(path, random.randint(*_SIZES))
    tile = Image.new("L", (_TILE, _TILE))
    ImageDraw.Draw(tile).text((_TILE / 2, _TILE / 2), letter, 255, font, anchor="mm")
    angle = random.uniform(-_TURN, _TURN)
    return tile.rotate(angle, Image.Resampling.BICUBIC)


def _cross(mask: Image.Image, random: Random) -> None:
    """Draw strokes in ink through the letters, and one that leaves a gap in each."""
    draw = ImageDraw.Draw(mask)
    for value, width in ((255, 4), (255, 3), (0, 2)):
        draw.line(_stroke(random), fill=value, width=width, joint="curve")


def _stroke(random: Random) -> list[tuple[float, float]]:
    middle, swing = random.uniform(0.3, 0.7) * HEIGHT, random.uniform(14, 34)
    length, phase = random.uniform(160, 320), random.uniform(0, math.tau)
    slope = random.uniform(-0.12, 0.12)
    return [
        (x, middle + slope * (x - WIDTH / 2) + swing * math.sin(math.tau * x / length + phase))
        for x in range(0, WIDTH + 1, 8)
    ]


def _bent(mask: Image.Image, random: Random) -> Image.Image:
    """Shift narrow strips up and down along a wave."""
    swing, length = random.uniform(5, 9), random.uniform(110, 190)
    phase = random.uniform(0, math.tau)

    def shift(x: int) -> float:
        return swing * math.sin(math.tau * x / length + phase)

    mesh = []
    for left in range(0, WIDTH, _STRIP):
        right = min(left + _STRIP, WIDTH)
        up, down = shift(left), shift(right)
        corners = (left, up, left, HEIGHT + up, right, HEIGHT + down, right, down)
        mesh.append(((left, 0, right, HEIGHT), corners))
    return mask.transform(mask.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _speckle(image: Image.Image, ink: Rgb, random: Random) -> None:
    places = [(random.randrange(WIDTH), random.randrange(HEIGHT)) for _speck in range(_SPECKS)]
    draw = ImageDraw.Draw(image)
    draw.point(places[: _SPECKS // 2], fill=ink)
    draw.point(places[_SPECKS // 2 :], fill=(255, 255, 255))
