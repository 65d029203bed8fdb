"""How files of tickets are named to people: their size, and what gets one; pure."""

from __future__ import annotations

from collections.abc import Sequence

from db.ticket_messages import TicketFile


def size_text(size: int) -> str:
    """Return a size as people read it."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def handle_of(file: TicketFile, files: Sequence[TicketFile]) -> str:
    """Return what a file of a ticket is asked for with: its name, or a number if that is shared."""
    is_alone = sum(one.name == file.name for one in files) == 1
    return file.name if is_alone and file.name == file.name.strip() else f"#{file.id}"


def find_file(text: str, files: Sequence[TicketFile]) -> TicketFile | None:
    """Return the file of a ticket that is asked for; the newest of those that share a name."""
    wanted = text.strip()
    return next(
        (
            one
            for one in reversed(files)
            if wanted in (f"#{one.id}", one.name.strip(), handle_of(one, files))
        ),
        None,
    )


def command_of(number: int, handle: str) -> str:
    """Return the command that gets a file of a ticket."""
    return f"/ticket file file:{handle} ticket:{number}"
