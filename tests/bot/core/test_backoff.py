from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.backoff import Backoff


def test_pause_doubles_from_the_first():
    backoff = Backoff(first=timedelta(seconds=5), jitter=0)

    pauses = [backoff.pause(attempt, 0.5).total_seconds() for attempt in (1, 2, 3, 4)]

    assert pauses == [5, 10, 20, 40]


@given(attempt=st.integers(min_value=-3, max_value=10**9), chance=st.floats(0, 1))
def test_pause_stays_within_its_bounds(attempt: int, chance: float):
    backoff = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=5), jitter=0.2)

    pause = backoff.pause(attempt, chance).total_seconds()

    assert 2 * 0.8 - 1e-6 <= pause <= 300 * 1.2 + 1e-6


@given(attempt=st.integers(1, 50))
def test_pause_never_shrinks_with_attempts(attempt: int):
    backoff = Backoff()

    assert backoff.pause(attempt, 0.5) <= backoff.pause(attempt + 1, 0.5)
