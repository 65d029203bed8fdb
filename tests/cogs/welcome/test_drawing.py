"""The card is drawn for every name and with any avatar."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

from bot.core.imaging.fonts import FontSet, load_fonts
from cogs.welcome.card import Card, draw_card
from cogs.welcome.drawing import HEIGHT, WIDTH, drawable_name


@pytest.fixture(scope="module")
def fonts() -> FontSet:
    """The declared package's fonts alone, as on a machine without any of its own."""
    return load_fonts(())


def card(**changes: Any) -> Card:
    values = {
        "headline": "Welcome to Garden",
        "name": "Ann",
        "username": "ann_b",
        "footline": "Member #1,234",
        "accent": 0x5865F2,
    } | changes
    return Card(**values)


def drawn(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    return image


@pytest.mark.parametrize(
    "name",
    ["Ann", "", "日本", "محمد", "🦊", "W" * 32, "Z\u0336\u0322\u0321" * 10, "\u202eevil", "⠀"],
    ids=["latin", "empty", "cjk", "arabic", "emoji", "wide", "zalgo", "override", "blank"],
)
def test_draw_card_any_name(fonts: FontSet, name: str) -> None:
    image = drawn(draw_card(card(name=name), fonts))

    assert image.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("accent", [0x000000, 0xFFFFFF, 0x5865F2])
def test_draw_card_accent_is_visible_on_the_dark_ground(fonts: FontSet, accent: int) -> None:
    image = drawn(draw_card(card(accent=accent), fonts)).convert("L")

    assert image.getpixel((WIDTH // 2, HEIGHT - 2)) > 90


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> list[int]:
    """Return the rows of a part of the card on which something white is written."""
    part = image.convert("L").crop(box)
    lines = [part.crop((0, row, part.width, row + 1)) for row in range(part.height)]
    return [box[1] + row for row, line in enumerate(lines) if line.getextrema()[1] > 240]


def test_draw_card_wide_name_takes_two_lines_of_legible_letters(fonts: FontSet) -> None:
    rows = ink(drawn(draw_card(card(name="W" * 32), fonts)), (328, 100, 1000, 230))
    gap = next(row for row, after in pairwise(rows) if after - row > 5)
    first = [row for row in rows if row <= gap]
    # Of a letter of 38 pixels the capital is 27 high, half of which a chat shows.
    assert len(first) >= 27
    assert len(rows) >= 2 * 27


def test_draw_card_stacked_marks_stay_off_the_lines_around(fonts: FontSet) -> None:
    below = "".join(map(chr, range(0x0323, 0x0334)))
    above = "".join(map(chr, range(0x0300, 0x0315)))
    piled = "".join(letter + below + above for letter in "Zalgo")
    image = drawn(draw_card(card(name=piled, headline="", footline=""), fonts))
    rows = ink(image, (328, 0, 1000, 300))
    assert rows[0] > 106
    assert rows[-1] < 248 - 24


def test_draw_card_shows_the_avatar(fonts: FontSet) -> None:
    red = BytesIO()
    Image.new("RGB", (256, 256), (255, 0, 0)).save(red, "PNG")

    image = drawn(draw_card(card(), fonts, red.getvalue()))

    assert image.getpixel((56 + 8 + 104, 156)) == (255, 0, 0)


def test_draw_card_damaged_avatar_is_replaced_by_a_letter(fonts: FontSet) -> None:
    assert draw_card(card(), fonts, b"no picture") == draw_card(card(), fonts, None)


@pytest.mark.parametrize(
    ("name", "username", "expected"),
    [
        ("Ann", "ann_b", "Ann"),
        ("日本 Taro", "taro_jp", "taro_jp"),
        ("🦊 Fox", "fox", "Fox"),
        ("🦊", "fox", "fox"),
        ("日本", "日本太郎", "··"),
        ("\u3164", "ann_b", "ann_b"),
    ],
)
def test_drawable_name_prefers_what_can_be_read(
    fonts: FontSet, name: str, username: str, expected: str
) -> None:
    assert drawable_name(card(name=name, username=username), fonts) == expected
