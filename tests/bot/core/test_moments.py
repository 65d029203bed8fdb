"""Times in words come out as the instant that people mean, in their own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.moments import is_by_clock, local_instant, parse_moment

# A Wednesday, 16:00 in Madrid.
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
MADRID = "Europe/Madrid"


async def read(text: str, *, now: datetime = NOW, timezone: str = MADRID) -> datetime:
    return await parse_moment(text, now=now, timezone=timezone)


@pytest.mark.parametrize(
    ("texts", "wall"),
    [
        (("tomorrow 18:00", "Tomorrow at 6pm", "mañana a las 18", "mañana 18h"), "11-26 18:00"),
        (("friday 8pm", "on friday at 20", "el viernes a las 20:00"), "11-27 20:00"),
        (("next monday at 9", "el próximo lunes a las 9"), "11-30 09:00"),
        (("day after tomorrow 10:00", "pasado mañana a las 10"), "11-27 10:00"),
        (("24.12. 20:00", "24 december 8pm", "24 de diciembre a las 20:00"), "12-24 20:00"),
        (("20:00", "today at 20:00", "hoy a las 20", "8pm"), "11-25 20:00"),
        (("2026-12-01 09:30", "2026-12-01T09:30"), "12-01 09:30"),
        (("9:00",), "11-26 09:00"),
    ],
)
async def test_words_are_wall_time_in_the_zone(texts: tuple[str, ...], wall: str) -> None:
    local = datetime.fromisoformat(f"2026-{wall}")
    expected = local_instant(local, ZoneInfo(MADRID))

    assert [await read(text) for text in texts] == [expected] * len(texts)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2h", 2),
        ("in 3 days", 72),
        ("en 3 días", 72),
        ("dentro de 90 min", 1.5),
        ("1d 2h", 26),
        ("+3h", 3),
    ],
)
async def test_duration_counts_from_now(text: str, hours: float) -> None:
    assert await read(text) == NOW + timedelta(hours=hours)


async def test_discords_own_timestamp_and_a_named_zone_need_no_zone() -> None:
    moment = NOW + timedelta(days=1)

    assert await read(f"<t:{int(moment.timestamp())}:R>") == moment
    assert await read("2026-11-26 15:00 UTC") == moment
    assert await read("2026-11-26T16:00+01:00") == moment


async def test_time_that_a_clock_change_leaves_out_is_after_the_gap() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    moment = await read("2026-03-29 02:30", now=before)

    assert moment.astimezone(ZoneInfo(MADRID)).strftime("%H:%M") == "03:30"


async def test_time_that_occurs_twice_is_the_first() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert await read("2026-10-25 02:30", now=before) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["1/2 10:00", "02/01/2027", "3-4"])
async def test_date_that_can_be_read_in_two_ways_is_asked_about(text: str) -> None:
    with pytest.raises(InvalidInput, match="two different days"):
        await read(text)


@pytest.mark.parametrize("text", ["", "12", "soon", "25:00", "31 feb 10:00", "x" * 500, "-5 days"])
async def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        await read(text)


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "2020-01-01 10:00", "<t:1000000000>"),
        *("-3h", "- 2 days", "\u22123h", "-9000 years"),
        *("3h ago", "2 days ago", "hace 3h", "hace 2 días"),
    ],
)
async def test_past_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="over already"):
        await read(text)


@pytest.mark.parametrize("text", ["2099-01-01", "<t:99999999999>"])
async def test_far_future_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="too far away"):
        await read(text)


@given(st.text(max_size=60))
async def test_any_text_gives_an_instant_or_words(text: str) -> None:
    try:
        moment = await read(text)
    except InvalidInput:
        return
    assert moment > NOW
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["10000 years", "en 500 años", "999999999 weeks"])
async def test_duration_beyond_all_bounds_is_too_far_and_not_unreadable(text: str) -> None:
    with pytest.raises(InvalidInput, match="too far away"):
        await parse_moment(
            text,
            now=datetime(2026, 11, 28, tzinfo=UTC),
            timezone="UTC",
            longest=timedelta(days=365),
        )


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2 hours", "11-26 20:00"),
        ("tomorrow 20:00", "11-26 20:00"),
        ("mañana a las 20", "11-26 20:00"),
        ("20:00", "11-26 20:00"),
        ("thursday 8pm", "11-26 20:00"),
        ("tomorrow 17:00", "11-27 17:00"),
        ("17:00", "11-27 17:00"),
        ("28.11. 12:00", "11-28 12:00"),
    ],
)
async def test_end_in_words_is_that_day_and_after_the_beginning(text: str, end: str) -> None:
    """Both are written now: of something that begins tomorrow, "tomorrow" is the same day."""
    zone = ZoneInfo(MADRID)
    begins = datetime(2026, 11, 26, 18, tzinfo=zone)

    found = await parse_moment(text, now=NOW, timezone=MADRID, since=begins)
    assert found == local_instant(datetime.fromisoformat(f"2026-{end}"), zone)


async def test_end_that_is_a_date_before_the_beginning_is_refused() -> None:
    with pytest.raises(InvalidInput, match="before it begins"):
        await parse_moment(
            "2026-11-26 17:00", now=NOW, timezone=MADRID, since=NOW + timedelta(days=3)
        )


@pytest.mark.parametrize("text", ["2 days", "in 1h 30m", "en 3 días", "+2h", "3h ago"])
def test_how_long_is_not_by_the_clock(text: str) -> None:
    assert not is_by_clock(text)


@pytest.mark.parametrize(
    "text", ["friday 8pm", "<t:1900000000>", "mañana a las 18", "24.12. 20:00"]
)
def test_time_that_is_named_is_by_the_clock(text: str) -> None:
    assert is_by_clock(text)
