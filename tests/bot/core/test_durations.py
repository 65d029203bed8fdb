"""Durations as people write and read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.durations import LONGEST, compact_duration, format_duration, parse_duration
from bot.core.errors import InvalidInput

spans = st.integers(0, round(LONGEST.total_seconds())).map(lambda s: timedelta(seconds=s))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("2 days", 172_800),
        ("90 min", 5400),
        ("2 horas", 7200),
        ("1 hora y 30 minutos", 5400),
        ("3 días", 259_200),
        ("1,5 h", 5400),
        ("1.5 hours", 5400),
        ("1d, 2h", 93_600),
        ("2 SEMANAS", 1_209_600),
        ("1mo", 2_592_000),
        ("0", 0),
        (" 45s ", 45),
    ],
)
def test_parse_reads_english_and_spanish(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "-5m", "1e9d", "soon", "1 fortnight", "1h 30", "1:30", "5m!", "٣m x"]
)
def test_parse_refuses_what_is_ambiguous_or_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9999y", "999999999 years", "100y " * 500])
def test_parse_too_long_is_refused_not_overflown(text: str) -> None:
    with pytest.raises(InvalidInput, match="At most"):
        parse_duration(text)


def test_parse_outside_bounds_names_the_bound_in_the_readers_language() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration("5s", minimum=timedelta(minutes=1))
    assert "1 minuto" in caught.value.render("es-ES")


@given(spans)
def test_compact_is_read_back(span: timedelta) -> None:
    assert parse_duration(compact_duration(span)) == span


@given(spans, st.sampled_from(["en-US", "en-GB", "es-ES", "es-419", None]))
def test_format_is_read_back(span: timedelta, locale: str | None) -> None:
    assert parse_duration(format_duration(span, locale)) == span


@given(st.text(max_size=40))
def test_parse_any_text_gives_a_bounded_span_or_refuses(text: str) -> None:
    try:
        span = parse_duration(text)
    except InvalidInput:
        return
    assert timedelta(0) <= span <= LONGEST
