"""Slash commands that can also be written as messages, with the guild's prefix: `!ban @ann spam`.

The message becomes the very interaction that Discord would have sent, and runs through the same
tree: checks, rate limits, errors and the command itself are one for both forms. Who may use a
command, which Discord sees to where it is chosen from the list, is asked in `bot.written.access`.
"""

from __future__ import annotations

from typing import Any

# A command's extra: the options that may be written without their names, in this order.
WRITTEN = "written"


def written(*options: str) -> dict[Any, Any]:
    """Return the extras of a command that can be written, too.

    `options` stand after it in this order; the others are written with their names: `delete:1`. The
    last of them, if it is a text, is all that follows. Everybody in the channel sees the answers,
    also those that would be for the person's eyes only after a slash.
    """
    return {WRITTEN: options}
