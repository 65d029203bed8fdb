"""What the database holds, in the numbers that the statistics endpoint shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from db.guilds import count_guilds, count_users

Counter = Callable[[AsyncSession], Awaitable[int]]
FEATURE_COUNTS = ("economy_users", "open_tickets", "active_giveaways")


async def get_database_counts(
    session: AsyncSession, counters: Mapping[str, Counter]
) -> dict[str, int]:
    """Return guilds, users and tracked guilds, and one number per counter of a feature.

    `guilds` are those the bot is in; `tracked_guilds` are all that it keeps data of. The counts
    named in `FEATURE_COUNTS` are always there, 0 while no feature counts them.
    """
    counts = {
        "guilds": await count_guilds(session, present=True),
        "users": await count_users(session),
        "tracked_guilds": await count_guilds(session),
    }
    counts |= dict.fromkeys(FEATURE_COUNTS, 0)
    for name, counter in counters.items():
        counts[name] = await counter(session)
    return counts
