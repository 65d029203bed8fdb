"""Discord's ids: unique, sortable by creation time, and the only source of an object's age.

Format: https://discord.com/developers/docs/reference#snowflakes
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000
_INCREMENTS = 1 << 12


class SnowflakeFactory:
    """Makes ids that never repeat and, for ids of "now", only grow."""

    __slots__ = ("_increment", "_last_ms", "_past")

    def __init__(self) -> None:
        self._last_ms = 0
        self._increment = 0
        self._past = 0

    def next(self) -> int:
        """Return the id of something created now."""
        now_ms = max(int(time.time() * 1000), self._last_ms)
        if now_ms == self._last_ms and self._increment + 1 < _INCREMENTS:
            self._increment += 1
        else:
            now_ms = now_ms + 1 if now_ms == self._last_ms else now_ms
            self._last_ms, self._increment = now_ms, 0
        return ((now_ms - EPOCH_MS) << 22) | self._increment

    def next_spread(self) -> int:
        """Return an id in a millisecond of its own: consecutive guilds fall on different shards."""
        self._increment = _INCREMENTS
        return self.next()

    def at(self, moment: datetime) -> int:
        """Return an id whose creation time is `moment`, to the millisecond."""
        self._past = (self._past + 1) % (1 << 22)
        milliseconds = int(moment.timestamp() * 1000) - EPOCH_MS
        return (max(milliseconds, 1) << 22) | self._past


def snowflake_time(snowflake: int) -> datetime:
    """Return the UTC instant at which the id was made."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH_MS) / 1000, UTC)
