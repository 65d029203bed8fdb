"""Pages of guilds: a bot may be in thousands, and nobody reads thousands at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from bot.core.contracts import GuildSummary


def page_of_guilds(
    guilds: Iterable[GuildSummary], *, part: str, after: int, limit: int
) -> tuple[list[GuildSummary], bool]:
    """Return the guilds of a page, in the order of their ids, and whether more follow.

    Only guilds whose name contains `part` count, in any case of letters.
    """
    wanted = part.strip().casefold()
    fitting = (one for one in guilds if one.id > after and wanted in one.name.casefold())
    found = heapq.nsmallest(limit + 1, fitting, key=lambda guild: guild.id)
    return found[:limit], len(found) > limit
