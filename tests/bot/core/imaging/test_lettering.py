"""Lines are put in visual order and made to fit."""

from __future__ import annotations

import pytest
from PIL import Image

from bot.core.imaging.fonts import load_fonts
from bot.core.imaging.lettering import (
    ELLIPSIS,
    draw_line,
    fit,
    fit_two_lines,
    measure,
    visual_runs,
)

LATIN = load_fonts(()).faces(bold=True)


def shown(text: str) -> list[tuple[str, bool]]:
    # Hebrew is not in the font, which does not matter for the order.
    return [(run.text, run.rtl) for run in visual_runs(text, LATIN)]


def test_visual_runs_left_to_right_text_is_one_run() -> None:
    assert shown("Hello, world 42!") == [("Hello, world 42!", False)]


def test_visual_runs_right_to_left_word_inside_latin_keeps_its_place() -> None:
    assert shown("a שלום b") == [("a ", False), ("שלום", True), (" b", False)]


def test_visual_runs_right_to_left_line_starts_at_the_right() -> None:
    assert shown("דוד Cohen 42 שלום!") == [
        (" שלום!", True),
        ("Cohen 42", False),
        ("דוד ", True),
    ]


def test_fit_short_text_stays_large() -> None:
    assert fit("Ann", LATIN, width=600, largest=68, smallest=34) == ("Ann", 68)


def test_fit_long_text_shrinks_before_it_is_cut() -> None:
    text, size = fit("A name that is rather long", LATIN, width=600, largest=68, smallest=34)

    assert text == "A name that is rather long"
    assert 34 <= size < 68
    assert measure(text, LATIN, size) <= 600


def test_fit_endless_text_is_cut() -> None:
    text, size = fit("W" * 200, LATIN, width=600, largest=68, smallest=34)

    assert size == 34
    assert text.endswith(ELLIPSIS)
    assert measure(text, LATIN, size) <= 600


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Wolfgang Maximilian Wuerttemberg", ("Wolfgang Maximilian", "Wuerttemberg")),
        ("W" * 32, ("W" * 16, "W" * 16)),
        ("x " + "W" * 30, None),
        ("W", ("W", "")),
    ],
    ids=["at a space", "between letters", "unfit space", "one letter"],
)
def test_fit_two_lines_breaks_where_it_fits(text: str, lines: tuple[str, str] | None) -> None:
    found, size = fit_two_lines(text, LATIN, width=616, largest=46, smallest=38)

    assert 38 <= size <= 46
    assert all(measure(line, LATIN, size) <= 616 for line in found)
    assert lines is None or found == lines
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


def test_fit_two_lines_endless_text_is_cut() -> None:
    (first, second), size = fit_two_lines("W" * 200, LATIN, width=600, largest=46, smallest=38)

    assert size == 38
    assert measure(second, LATIN, size) <= 600
    assert first.endswith(ELLIPSIS)


def test_draw_line_leaves_ink() -> None:
    image = Image.new("RGB", (200, 80))

    draw_line(image, "Ann", LATIN, at=(10, 60), size=40, colour=(255, 255, 255))

    assert image.getbbox() is not None
