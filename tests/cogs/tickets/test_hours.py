"""Opening hours: read and written in both languages, and time that only passes while open."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.errors import InvalidInput
from cogs.tickets.hours import (
    add_business_time,
    business_time,
    is_open,
    next_opening,
    read_hours,
    write_hours,
)
from cogs.tickets.panel_parts import Hours

MADRID = "Europe/Madrid"
OFFICE = read_hours("Mon-Fri 09:00-17:00")


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("Mon-Fri 09:00-17:00", [0, 1, 2, 3, 4], time(9), time(17)),
        ("lunes - viernes 9:30-17", [0, 1, 2, 3, 4], time(9, 30), time(17)),
        ("sáb 22.00-24.00", [5], time(22), time(0)),
        ("Sat-Mon 10-12", [0, 5, 6], time(10), time(12)),
        ("Mon, Wed 09:00-17:00", [0, 2], time(9), time(17)),
        ("Lunes a viernes: 09:00-17:00", [0, 1, 2, 3, 4], time(9), time(17)),
        ("Mon to Wed, Fri 9-12", [0, 1, 2, 4], time(9), time(12)),
    ],
)
def test_hours_are_read(text: str, days: list[int], opens: time, closes: time) -> None:
    found = read_hours(text)
    assert [one.day for one in found] == days
    assert {(one.opens, one.closes) for one in found} == {(opens, closes)}


@pytest.mark.parametrize("text", ["Mon", "Mon 9-17-20", "Foo 9-17", "Mon 25:00-26:00", "Mon 17-9"])
def test_what_is_no_span_is_refused_by_its_line(text: str) -> None:
    with pytest.raises(InvalidInput, match=text.split()[0]):
        read_hours(text)


spans = st.builds(
    lambda day, begin, length: Hours(
        day=day,
        opens=time(begin // 60, begin % 60),
        closes=time(min(begin + length, 1439) // 60, min(begin + length, 1439) % 60),
    ),
    st.integers(0, 6),
    st.integers(0, 1300),
    st.integers(1, 600),
)
some_hours = st.lists(spans, min_size=1, max_size=8).map(tuple)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(["UTC", MADRID, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(some_hours, st.sampled_from(["en", "es"]))
def test_what_is_written_is_read_again(hours: tuple[Hours, ...], locale: str) -> None:
    def spread(found: tuple[Hours, ...]) -> list[tuple[int, time, time]]:
        return sorted((one.day, one.opens, one.closes) for one in found)

    assert spread(read_hours(write_hours(hours, locale))) == spread(hours)


@given(some_hours, zones, instants)
def test_next_opening_is_open_and_nothing_before_it_is(
    hours: tuple[Hours, ...], zone: str, instant: datetime
) -> None:
    found = next_opening(hours, zone, instant)
    # A clock that is put forward can swallow the only span of a week.
    if found is None:
        return
    assert found >= instant
    assert is_open(hours, zone, found)
    if found > instant:
        assert not is_open(hours, zone, instant)
        assert business_time(hours, zone, instant, found) == timedelta()


@given(some_hours, zones, instants, st.integers(1, 3 * 24 * 60))
def test_added_business_time_is_what_passes(
    hours: tuple[Hours, ...], zone: str, start: datetime, minutes: int
) -> None:
    span = timedelta(minutes=minutes)
    end = add_business_time(hours, zone, start, span)
    if end is not None:
        assert end >= start + span
        assert business_time(hours, zone, start, end) == span


@given(some_hours, zones, instants, instants, instants)
def test_business_time_adds_up(
    hours: tuple[Hours, ...], zone: str, one: datetime, two: datetime, three: datetime
) -> None:
    first, middle, last = sorted((one, two, three))
    whole = business_time(hours, zone, first, last)
    parts = business_time(hours, zone, first, middle) + business_time(hours, zone, middle, last)
    assert whole == parts
    assert timedelta() <= whole <= last - first


def test_a_night_across_the_clock_change_is_as_long_as_it_is() -> None:
    night = read_hours("Sun 00:00-06:00")
    # On 29 March 2026 the clock in Madrid went from 2 to 3.
    day = datetime(2026, 3, 29, 0, tzinfo=ZoneInfo(MADRID))
    passed = business_time(night, MADRID, day, day + timedelta(days=1))
    assert passed == timedelta(hours=5)


def test_a_span_that_the_clock_swallows_is_no_opening() -> None:
    swallowed = read_hours("Sun 02:30-03:00")
    found = next_opening(swallowed, MADRID, datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert found == datetime(2026, 4, 5, 0, 30, tzinfo=UTC)


def test_weekend_does_not_count() -> None:
    friday = datetime(2026, 11, 27, 16, tzinfo=UTC)
    assert add_business_time(OFFICE, "UTC", friday, timedelta(hours=2)) == datetime(
        2026, 11, 30, 10, tzinfo=UTC
    )


@pytest.mark.parametrize(("opens", "closes"), [("09:00", "17:00Z"), ("09:00+02:00", "17:00+02:00")])
def test_hours_of_a_zone_of_their_own_are_refused(opens: str, closes: str) -> None:
    with pytest.raises(ValidationError, match="time zone") as caught:
        Hours.model_validate({"day": 0, "opens": opens, "closes": closes})
    assert caught.value.errors()[-1]["loc"] == ("closes",)
