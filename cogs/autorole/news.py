"""What happened in a guild and is not stored yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cogs.autorole.rules import Newcomer


@dataclass(slots=True)
class News:
    """What happened in one guild and is not stored yet, by member.

    An arrival comes with how the member was last seen before it, if that is not stored. Changes
    came after the arrival or before the departure of the same member.
    """

    arrivals: dict[int, tuple[Newcomer, Newcomer | None]] = field(default_factory=dict)
    changes: dict[int, Newcomer] = field(default_factory=dict)
    departures: dict[int, datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.arrivals) + len(self.changes) + len(self.departures)

    def before(self, newer: News) -> News:
        """Return these news with those that came after them."""
        for user_id, (newcomer, before) in newer.arrivals.items():
            last = self.changes.pop(user_id, before)
            self.arrivals[user_id] = newcomer, before or last
            self.departures.pop(user_id, None)
        for user_id, at in newer.departures.items():
            _newcomer, before = self.arrivals.pop(user_id, (None, None))
            if before is not None:
                self.changes.setdefault(user_id, before)
            self.departures[user_id] = at
        self.changes |= newer.changes
        return self

    def halves(self) -> list[News]:
        """Return the news of half the members each; nothing for those of one member."""
        members = [*dict.fromkeys((*self.arrivals, *self.changes, *self.departures))]
        if len(members) < 2:
            return []
        middle = len(members) // 2
        return [self._of(set(members[:middle])), self._of(set(members[middle:]))]

    def _of(self, members: set[int]) -> News:
        return News(
            {one: news for one, news in self.arrivals.items() if one in members},
            {one: news for one, news in self.changes.items() if one in members},
            {one: news for one, news in self.departures.items() if one in members},
        )
