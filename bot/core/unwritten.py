"""What features hold in memory until they write it, written when somebody needs it to be there.

A person's data are exported and erased in the database: what is written afterwards would be missing
from the export, and come back after the erasure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Flush = Callable[[], Awaitable[object]]


class Unwritten:
    """The flushes of all that is written behind, by name."""

    def __init__(self) -> None:
        self._flushes: dict[str, Flush] = {}

    def register(self, name: str, flush: Flush) -> None:
        """Have a flush be called; one registered again under its name is replaced."""
        self._flushes[name] = flush

    def remove(self, name: str) -> None:
        """Call a flush no more."""
        self._flushes.pop(name, None)

    async def flush(self) -> None:
        """Write all that waits; what can't be written raises as it does."""
        for flush in list(self._flushes.values()):
            await flush()
