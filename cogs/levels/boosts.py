"""Boosts: that everything in a guild earns more for a time; free of discord.py.

They are looked up in memory. A guild is served by one process, which stores its boosts and knows
them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.clock import Clock
from db import levels as table
from db.engine import Database
from db.levels import LevelBoost

LONGEST = timedelta(days=14)


class Boosts:
    """The boosts that go on."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._boosts: dict[int, tuple[int, datetime]] = {}

    def __len__(self) -> int:
        return len(self._boosts)

    async def start(self) -> None:
        """Know the boosts of earlier runs."""
        async with self._database.read() as session:
            for one in await table.list_boosts(session, self._clock.now()):
                self.note(one)

    def note(self, boost: LevelBoost) -> None:
        """Know a boost in place of the guild's last."""
        self._boosts[boost.guild_id] = boost.percent, boost.ends_at

    def forget(self, guild_id: int) -> None:
        """Know of no boost in a guild any more."""
        self._boosts.pop(guild_id, None)

    def percent(self, guild_id: int) -> int:
        """Return how much everything earns in a guild now, in percent."""
        found = self._boosts.get(guild_id)
        if found is None:
            return 100
        if found[1] <= self._clock.now():
            del self._boosts[guild_id]
            return 100
        return found[0]

    def get(self, guild_id: int) -> tuple[int, datetime] | None:
        """Return a guild's boost and when it ends."""
        return self._boosts[guild_id] if self.percent(guild_id) != 100 else None
