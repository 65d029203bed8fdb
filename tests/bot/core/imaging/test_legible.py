"""No text shows as boxes: what a font lacks is folded, dropped or marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.imaging.fonts import load_fonts
from bot.core.imaging.legible import MARK, choose_face, clusters, readable

# The declared package's font alone: what a machine without system fonts has.
LATIN = load_fonts(()).faces(bold=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoë Ångström", "Zoë Ångström"),
        ("𝓕𝓪𝓷𝓬𝔂 𝕹𝖆𝖒𝖊", "Fancy Name"),
        ("Ｆｕｌｌ", "Full"),
        ("🦊 Fox 🏳️‍🌈", "Fox"),
        ("two\nlines\tand   spaces", "two lines and spaces"),
        ("\u202eevil\u202c", "evil"),
        ("⠀ㅤ\u200b", ""),
        ("", ""),
    ],
)
def test_readable_keeps_what_can_be_drawn(text: str, expected: str) -> None:
    result = readable(text, LATIN)

    assert result.text == expected
    assert result.lost == 0


def test_readable_marks_letters_that_no_font_has() -> None:
    result = readable("日本 Taro", LATIN)

    assert result.text == f"{MARK}{MARK} Taro"
    assert result.lost == 2


def test_readable_limits_stacked_marks() -> None:
    zalgo = "Z" + "\u0336\u0322\u0321\u031b\u0353" * 20

    assert len(readable(zalgo, LATIN).text) <= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l\u030a\u0363\u0300", "l\u030a"),
        ("g\u0331\u0353\u0300\u0301", "g\u0331\u0300"),
        ("\u1eb2\u0300", "\u1eb2"),
        ("\u1eb9\u0301", "\u1eb9\u0301"),
        ("\u0e17\u0e35\u0e48\u0e48\u0e48", "\u0e17\u0e35\u0e48"),
        ("\u05e9\u05c1\u05b8", "\u05e9\u05c1\u05b8"),
    ],
    ids=["above", "below and above", "vietnamese", "yoruba", "thai", "hebrew"],
)
def test_clusters_keep_one_mark_in_each_place(text: str, expected: str) -> None:
    assert next(clusters(text)) == expected


@given(st.text(max_size=60))
def test_readable_anything_has_a_font_for_every_cluster(text: str) -> None:
    result = readable(text, LATIN)

    assert all(choose_face(part, LATIN) for part in clusters(result.text))
    assert "\n" not in result.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩\u200d🚀x", ["👩\u200d🚀", "x"]),
        ("🇪🇸🇫🇷", ["🇪🇸", "🇫🇷"]),
        ("👍🏽!", ["👍🏽", "!"]),
    ],
)
def test_clusters_keep_together_what_is_drawn_as_one(text: str, expected: list[str]) -> None:
    assert list(clusters(text)) == expected
