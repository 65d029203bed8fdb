"""The picture: letters that can't be mistaken, of a size to send, drawn one at a time."""

from __future__ import annotations

import asyncio
import functools
from io import BytesIO
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.core.imaging.avatars import AvatarFetcher
from bot.core.imaging.fonts import FontSet, load_fonts
from bot.core.imaging.studio import NotDrawnError, Studio
from cogs.verification.captcha import (
    ALPHABET,
    LENGTH,
    draw_answer,
    draw_captcha,
    read_answer,
)
from cogs.verification.drawing import HEIGHT, WIDTH
from cogs.verification.easel import Easel


@functools.cache
def own_fonts() -> FontSet:
    return load_fonts(())


def test_alphabet_has_no_two_that_look_alike() -> None:
    alike = ("0ODQ", "1IJL7", "2Z", "5S", "6G", "8B", "UV")
    assert all(not set(group) & set(ALPHABET) for group in alike)
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert read_answer(ALPHABET.lower()) == ALPHABET


@given(st.integers())
def test_answer_is_of_the_alphabet_however_it_is_typed(seed: int) -> None:
    answer = draw_answer(Random(seed))

    assert len(answer) == LENGTH
    assert set(answer) <= set(ALPHABET)
    assert read_answer(f" {' '.join(answer.lower())}. ") == answer


@settings(max_examples=15, deadline=None)
@given(st.integers())
def test_picture_is_a_png_of_a_size_to_send(seed: int) -> None:
    random = Random(seed)
    data = draw_captcha(draw_answer(random), random, own_fonts())

    assert 5_000 <= len(data) <= 50_000
    image = Image.open(BytesIO(data))
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    # Whatever letters are drawn, the file tells of none.
    assert image.info == {}


def test_picture_depends_on_answer_and_chance_alone() -> None:
    def draw(answer: str, seed: int) -> bytes:
        return draw_captcha(answer, Random(seed), own_fonts())

    assert draw("ACEFH", 1) == draw("ACEFH", 1)
    assert draw("ACEFH", 1) != draw("ACEFK", 1)
    assert draw("ACEFH", 1) != draw("ACEFH", 2)


class SlowStudio(Studio):
    """Draws nothing until it is let."""

    def __init__(self) -> None:
        super().__init__(AvatarFetcher())
        self.let = asyncio.Event()

    async def draw(self, draw: object, *, user_id: int, avatar: str | None) -> bytes:
        await self.let.wait()
        return b"png"


async def test_easel_turns_away_more_than_it_can_bear_and_recovers() -> None:
    studio = SlowStudio()
    easel = Easel(studio, most_waiting=2)
    waiting = [asyncio.create_task(easel.draw("ACEFH")) for _order in range(2)]
    await asyncio.sleep(0)
    assert easel.is_full
    with pytest.raises(NotDrawnError):
        await easel.draw("ACEFH")

    studio.let.set()
    assert await asyncio.gather(*waiting) == [b"png", b"png"]

    assert not easel.is_full
    assert await easel.draw("ACEFH") == b"png"
