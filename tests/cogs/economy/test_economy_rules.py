"""Streaks, wages and taxes on values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.economy.rules import daily_gift, day_of, next_day, tax_on, wage
from cogs.economy.settings import EconomySettings

DAY = date(2026, 3, 29)
SETTINGS = EconomySettings(daily_amount=100, daily_bonus=10, daily_bonus_days=3)


def _gift(days_ago: int | None, streak: int, **changes: int) -> tuple[int, int] | None:
    settings = SETTINGS.model_copy(update=changes)
    last = None if days_ago is None else DAY - timedelta(days=days_ago)
    gift = daily_gift(settings, DAY, last=last, streak=streak)
    return gift and (gift.amount, gift.streak)


def test_first_gift_has_no_bonus() -> None:
    assert _gift(None, 0) == (100, 1)


def test_bonus_grows_up_to_a_bound() -> None:
    assert [_gift(1, one) for one in (1, 2, 3, 4, 40)] == [
        (110, 2),
        (120, 3),
        (130, 4),
        (130, 5),
        (130, 41),
    ]


@pytest.mark.parametrize(
    ("days_ago", "grace", "streak"), [(1, 0, 6), (2, 0, 1), (2, 1, 6), (3, 1, 1)]
)
def test_streak_goes_on_within_the_days_of_grace(days_ago: int, grace: int, streak: int) -> None:
    gift = _gift(days_ago, 5, daily_grace_days=grace)
    assert gift is not None
    assert gift[1] == streak


def test_day_is_had_once_even_when_the_zone_moves_back() -> None:
    assert _gift(0, 3) is None
    assert _gift(-1, 3) is None


@given(st.integers(-3, 400), st.integers(0, 10_000), st.integers(0, 7))
def test_gift_is_bounded(days_ago: int, streak: int, grace: int) -> None:
    gift = _gift(days_ago, streak, daily_grace_days=grace)
    if gift is not None:
        assert 100 <= gift[0] <= 130
        assert 1 <= gift[1] <= streak + 1


def test_days_begin_in_the_zone_of_the_guild() -> None:
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert day_of(late, "UTC") == date(2026, 3, 28)
    assert day_of(late, "Europe/Madrid") == DAY
    # The clocks go forward in that night: the day has 23 hours.
    begins = next_day(date(2026, 3, 28), "Europe/Madrid")
    assert next_day(DAY, "Europe/Madrid").timestamp() - begins.timestamp() == 23 * 3600


def test_wage_takes_every_amount() -> None:
    settings = EconomySettings(work_minimum=5, work_maximum=7)
    assert [wage(settings, lambda bound, one=one: min(one, bound - 1)) for one in range(4)] == [
        5,
        6,
        7,
        7,
    ]


@given(st.integers(1, 10**12), st.integers(0, 90))
def test_tax_is_rounded_up(amount: int, percent: int) -> None:
    tax = tax_on(amount, percent)
    assert 0 <= tax <= amount
    assert tax * 100 >= amount * percent > (tax - 1) * 100
