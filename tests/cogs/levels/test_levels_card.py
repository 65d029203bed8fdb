"""The rank card is drawn for every name and number, once for as long as it is the same."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.core.imaging.fonts import FontSet, load_fonts
from cogs.levels import card as cards
from cogs.levels.card import Card, Cards, draw_card
from cogs.levels.drawing import HEIGHT, WIDTH
from cogs.levels.rules import CURVES, progress_of
from cogs.levels.standings import Rank
from cogs.levels.wording import card_of


@pytest.fixture(scope="module")
def fonts() -> FontSet:
    """The declared package's fonts alone, as on a machine without any of its own."""
    return load_fonts(())


def card(**changes: Any) -> Card:
    values = {
        "name": "Ann",
        "username": "ann_b",
        "level": "Level 12",
        "rank": "#3",
        "progress": "415 of 1,420 to level 13",
        "share": 0.29,
        "accent": 0x5865F2,
    } | changes
    return Card(**values)


def drawn(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    assert image.size == (WIDTH, HEIGHT)
    return image


@pytest.mark.parametrize(
    "name",
    ["Ann", "", "日本", "محمد", "🦊", "W" * 32, "Z\u0336\u0322\u0321" * 10, "\u202eevil", "⠀"],
    ids=["latin", "empty", "cjk", "arabic", "emoji", "wide", "zalgo", "override", "blank"],
)
def test_card_is_drawn_for_any_name(fonts: FontSet, name: str) -> None:
    drawn(draw_card(card(name=name), fonts, avatar=b"no picture"))


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (0.5, 1), (1.0, 2), (7.0, 2), (-1.0, 0)])
def test_bar_is_as_full_as_the_level(fonts: FontSet, share: float, filled: int) -> None:
    image = drawn(draw_card(card(share=share, accent=0xFFFFFF), fonts)).convert("L")
    bright = [image.getpixel((x, 216)) > 200 for x in (400, 900)]

    assert sum(bright) == filled


def test_longest_numbers_fit(fonts: FontSet) -> None:
    curve = CURVES["standard"]
    rank = Rank(2**53 - 1, 1_234_567, progress_of(curve, 2**53 - 1))
    found = card_of(rank, "W" * 32, "w" * 32, 0, "en")
    image = drawn(draw_card(found, fonts)).convert("L")

    # Nothing is written beyond the margin.
    assert image.crop((WIDTH - 36, 0, WIDTH, HEIGHT)).getextrema() == (26, 26)


def test_card_without_experience_begins_at_nothing() -> None:
    found = card_of(Rank(0, 0, progress_of(CURVES["standard"], 0)), "Ann", "ann", 1, "en")

    assert (found.level, found.rank, found.share) == ("Level 0", "-", 0.0)
    assert found.progress == "0 of 100 to level 1"


class FakeStudio:
    def __init__(self) -> None:
        self.drawn = 0

    async def draw(self, draw: Any, *, user_id: int, avatar: str | None) -> bytes:
        self.drawn += 1
        return f"{user_id}{avatar}{self.drawn}".encode()


async def test_card_is_drawn_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "MOST_KEPT", 2)
    studio: Any = FakeStudio()
    found = Cards(studio)
    first = await found.draw(card(), user_id=1, avatar=None)
    assert await found.draw(card(), user_id=1, avatar=None) == first
    assert studio.drawn == 1

    await found.draw(card(), user_id=2, avatar=None)
    await found.draw(card(), user_id=1, avatar=None)
    await found.draw(card(), user_id=1, avatar="new")
    assert studio.drawn == 3
    await found.draw(card(), user_id=2, avatar=None)
    assert studio.drawn == 4
