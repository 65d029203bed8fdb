"""How long to wait before the next attempt: exponential, bounded and jittered. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that start at `first`, grow by `factor` with each attempt and never pass `longest`.

    `jitter` is the share by which a pause may differ from its plain value in either direction, so
    that what failed together does not come back together.
    """

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    factor: float = 2.0
    jitter: float = 0.2

    def pause(self, attempt: int, chance: float) -> timedelta:
        """Return the pause after the given failed attempt, counted from 1.

        `chance` is a number from 0 to 1 that places the pause within its jitter.
        """
        # The exponent is bounded first: a float power overflows after a thousand attempts.
        exponent = min(max(attempt, 1) - 1, 64)
        seconds = self.first.total_seconds() * self.factor**exponent
        spread = 1 + self.jitter * (2 * chance - 1)
        return timedelta(seconds=min(seconds, self.longest.total_seconds()) * spread)
