"""The memory that the windows of all guilds of a process share.

Each table of a guild has room for a few entries of its own and asks for more when these are used
up. Where nothing is left, the one with the most gives up half, its oldest first: a guild that is
attacked costs itself, not the others. Nobody asks for each message: what is granted is doubled.
"""

from __future__ import annotations

import weakref
from typing import Protocol

# What every table has for itself.
START = 256
# Entries beyond those, of all tables together: some 250 MB at the very most.
MAX_TOGETHER = 500_000


class Holder(Protocol):
    """What holds entries, `most` at the most."""

    most: int

    def give_up(self, most: int) -> None:
        """Hold so many entries from now on; what was used longest ago goes."""
        ...


class Room:
    """Grants tables room for entries, `most` in all beside what each has to begin with."""

    def __init__(self, most: int = MAX_TOGETHER) -> None:
        self._left = most
        self._holders: weakref.WeakSet[Holder] = weakref.WeakSet()
        # No table has more than this; it may be that none has as much any more.
        self._largest = START

    def admit(self, holder: Holder) -> None:
        """Let a new table take part; it begins with `START`."""
        self._holders.add(holder)

    def release(self, holder: Holder) -> None:
        """Take back what a table that is not used any more was granted."""
        if holder in self._holders:
            self._holders.discard(holder)
            self._left += holder.most - START
            holder.most = START

    def widen(self, holder: Holder, full: int) -> bool:
        """Grant a table twice as much, up to `full`; false when there is no more for it."""
        wanted = min(holder.most * 2, full) - holder.most
        if wanted <= 0:
            return False
        while self._left < wanted:
            if holder.most >= self._largest or not self._take_from_largest(holder):
                return False
        self._left -= wanted
        holder.most += wanted
        self._largest = max(self._largest, holder.most)
        return True

    def _take_from_largest(self, holder: Holder) -> bool:
        largest = max(self._holders, key=lambda one: one.most, default=holder)
        self._largest = largest.most
        if largest.most <= holder.most:
            return False
        kept = max(START, largest.most // 2)
        self._left += largest.most - kept
        largest.give_up(kept)
        return True
