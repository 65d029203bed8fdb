"""How many sessions a bot may still start today.

https://discord.com/developers/docs/events/gateway#session-start-limit-object
"""

from __future__ import annotations

import time

_DAY = 86_400.0


class StartBudget:
    """Counts the sessions of a day; the next day begins by itself."""

    def __init__(self, total: int = 1_000) -> None:
        self.total = total
        self._used = 0
        self._renewed_at = time.monotonic() + _DAY

    @property
    def remaining(self) -> int:
        """How many sessions may be started until the budget is renewed."""
        self._renew()
        return self.total - self._used

    @property
    def reset_after(self) -> float:
        """In how many seconds the budget is renewed."""
        self._renew()
        return self._renewed_at - time.monotonic()

    def take(self) -> bool:
        """Take one session; False when none is left."""
        if self.remaining <= 0:
            return False
        self._used += 1
        return True

    def leave(self, remaining: int, reset_after: float = _DAY) -> None:
        """Let only so many sessions be started in the next seconds."""
        self._used = self.total - remaining
        self._renewed_at = time.monotonic() + reset_after

    def _renew(self) -> None:
        now = time.monotonic()
        if now >= self._renewed_at:
            self._used = 0
            self._renewed_at = now + _DAY
