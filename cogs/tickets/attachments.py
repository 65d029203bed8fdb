"""How files of tickets are named to people: their size, and what gets one; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from db.ticket_messages import NamedFile, TicketFile


def size_text(size: int) -> str:
    """Return a size as people read it."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


class Handles:
    """What the files of a ticket are asked for with."""

    def __init__(self, files: Sequence[NamedFile] | Sequence[TicketFile]) -> None:
        self._files = files
        self._count = Counter(one.name for one in files)

    def of(self, file: NamedFile | TicketFile) -> str:
        """Return a file's name, or a number where it shares that with another."""
        is_alone = self._count[file.name] == 1 and file.name == file.name.strip()
        return file.name if is_alone else f"#{file.id}"

    def find(self, text: str) -> NamedFile | TicketFile | None:
        """Return the file that is asked for; the newest of those that share a name."""
        wanted = text.strip()
        return next(
            (one for one in reversed(self._files) if wanted in (f"#{one.id}", one.name.strip())),
            None,
        )


def command_of(number: int, handle: str) -> str:
    """Return the command that gets a file of a ticket."""
    return f"/ticket file file:{handle} ticket:{number}"
