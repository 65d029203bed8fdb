"""Long lists in pages that Discord takes, whatever is in their lines."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.core.i18n import Message
from bot.core.templates import cut
from bot.localization import locale_of
from bot.replies import paginate

# Of an embed's description, which holds 4096.
LONGEST_PAGE = 4000


def pack(
    lines: Sequence[str], most: int, gap: str = "\n", *, limit: int = LONGEST_PAGE
) -> list[str]:
    """Return the lines as pages of at most `most` of them, and of `limit` characters."""
    pages: list[str] = []
    count = 0
    for line in (cut(one, limit) for one in lines):
        if pages and count < most and len(pages[-1]) + len(gap) + len(line) <= limit:
            pages[-1] += gap + line
            count += 1
        else:
            pages.append(line)
            count = 1
    return pages


async def show_lines(
    interaction: discord.Interaction,
    title: Message,
    lines: Sequence[str],
    *,
    most: int,
    gap: str = "\n",
) -> None:
    """Answer with the lines, `most` on a page."""
    shown = title.render(locale_of(interaction))
    pages = [discord.Embed(title=shown, description=one) for one in pack(lines, most, gap)]
    await paginate(interaction, pages)
