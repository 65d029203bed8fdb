from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.jobs.recurrence import MAX_RULE_LENGTH, Recurrence

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
# The bounds are naive because the time zone is a strategy of its own.
instants = st.datetimes(
    datetime(2010, 1, 1),  # noqa: DTZ001
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def occurrences(recurrence: Recurrence, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        after = recurrence.next_after(after)
        found.append(after)
    return found


def test_weekly_rule_keeps_its_wall_time_across_both_clock_changes():
    berlin = ZoneInfo("Europe/Berlin")
    rule = Recurrence.parse("0 9 * * MON", "Europe/Berlin")

    found = occurrences(rule, utc("2026-01-01T00:00"), 52)

    assert {one.astimezone(berlin).strftime("%a %H:%M") for one in found} == {"Mon 09:00"}
    assert {one.hour for one in found} == {7, 8}
    assert utc("2026-03-23T08:00") in found
    assert utc("2026-03-30T07:00") in found


def test_time_that_the_clock_change_leaves_out_happens_after_the_gap():
    rule = Recurrence.parse("30 2 * * *", "Europe/Berlin")

    found = occurrences(rule, utc("2026-03-28T00:00"), 3)

    # 29 March has no 02:30: the clock goes from 02:00 CET to 03:00 CEST, which is 01:00 UTC.
    assert found == [utc("2026-03-28T01:30"), utc("2026-03-29T01:00"), utc("2026-03-30T00:30")]


def test_time_that_occurs_twice_happens_once():
    rule = Recurrence.parse("30 2 * * *", "Europe/Berlin")

    found = occurrences(rule, utc("2026-10-24T12:00"), 2)

    assert found == [utc("2026-10-25T00:30"), utc("2026-10-26T01:30")]


def test_second_of_two_equal_hours_never_yields_the_past():
    rule = Recurrence.parse("45 2 * * *", "Europe/Berlin")
    in_second_hour = utc("2026-10-25T01:10")

    assert rule.next_after(in_second_hour) == utc("2026-10-26T01:45")


def test_rule_with_a_star_follows_elapsed_time_through_the_repeated_hour():
    rule = Recurrence.parse("*/30 * * * *", "Europe/Berlin")

    found = occurrences(rule, utc("2026-10-24T23:59"), 6)

    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_midnight_that_does_not_exist_happens_at_one():
    rule = Recurrence.parse("0 0 * * *", "Africa/Cairo")

    # On 24 April 2026 Cairo's clocks go from 00:00 to 01:00, which is 22:00 UTC the day before.
    assert rule.next_after(utc("2026-04-23T12:00")) == utc("2026-04-23T22:00")


def test_missed_occurrences_are_passed_over():
    rule = Recurrence.parse("0 * * * *")

    assert rule.next_after(utc("2026-06-01T17:20")) == utc("2026-06-01T18:00")


def test_occurrence_at_the_instant_itself_is_not_next():
    rule = Recurrence.parse("0 9 * * *")

    assert rule.next_after(utc("2026-06-01T09:00")) == utc("2026-06-02T09:00")


def test_parse_normalizes_spacing_and_case():
    assert Recurrence.parse("  0  9 * *  mon ") == Recurrence("0 9 * * MON", "UTC")


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "0 9 * *",
        "0 0 9 * * *",
        "@daily",
        "60 0 * * *",
        "0 25 * * *",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "a b c d e",
        "*/0 * * * *",
        "0 9 * * MON#6",
        f"{','.join(['1'] * MAX_RULE_LENGTH)} * * * *",
    ],
)
def test_parse_refuses_a_rule_that_is_none(rule: str):
    with pytest.raises(InvalidInput):
        Recurrence.parse(rule)


@pytest.mark.parametrize(
    "zone", ["", "Berlin", "America", "../../etc/passwd", "/etc/passwd", "Europe/Berlin\0", "UTC+2"]
)
def test_parse_refuses_an_unknown_zone(zone: str):
    with pytest.raises(InvalidInput):
        Recurrence.parse("0 9 * * *", zone)


def test_refusal_shows_no_more_of_the_input_than_a_rule_may_have():
    with pytest.raises(InvalidInput) as caught:
        Recurrence.parse("x" * 10_000)

    assert len(caught.value.render("en")) < 300


@given(text=st.text(max_size=40) | st.from_regex(r"\A([0-9*/,#LW-]{1,5} ){4}[0-9*/,#LW-]{1,5}\Z"))
def test_parse_refuses_or_accepts_but_never_breaks(text: str):
    try:
        rule = Recurrence.parse(text, "Europe/Berlin")
    except InvalidInput:
        return
    assert Recurrence.parse(rule.rule, rule.timezone) == rule


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    after=instants,
)
def test_daily_rule_happens_once_a_day_at_its_wall_time(
    minute: int, hour: int, zone: str, after: datetime
):
    found = occurrences(Recurrence.parse(f"{minute} {hour} * * *", zone), after, 5)
    local = [one.astimezone(ZoneInfo(zone)) for one in found]

    assert found[0] > after
    assert found == sorted(set(found))
    assert len({one.date() for one in local}) == 5
    for one in local:
        if (one.hour, one.minute) != (hour, minute):
            wanted = one.replace(hour=hour, minute=minute, fold=0)
            assert wanted.astimezone(UTC).astimezone(wanted.tzinfo) != wanted


@given(
    rule=st.sampled_from(["*/15 * * * *", "0 * * * *", "5,35 2 * * *", "0 0 1 * *", "0 12 * * 5L"]),
    zone=st.sampled_from(ZONES),
    after=instants,
)
def test_next_after_is_the_same_whether_asked_once_or_step_by_step(
    rule: str, zone: str, after: datetime
):
    recurrence = Recurrence.parse(rule, zone)
    first, second, third = occurrences(recurrence, after, 3)
    assume(second - first > timedelta(seconds=1))

    assert after < first < second < third
    assert recurrence.next_after(second - timedelta(seconds=1)) == second
