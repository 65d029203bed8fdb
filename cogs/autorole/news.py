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
