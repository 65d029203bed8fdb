"""Fakes shared by the tests; each stands in for one contract of `bot.core`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.core.preflight import Refusal


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that move with `advance` only."""
        return self._monotonic

    def advance(self, delta: timedelta | float) -> None:
        """Move the clock forward by a timedelta or by seconds."""
        step = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        self._now += step
        self._monotonic += step.total_seconds()


async def reach_all(guild_id: int, actor_id: int, people: Sequence[int]) -> dict[int, Refusal]:
    """Stand in for the comparison of ranks, with nobody out of reach."""
    return {}
