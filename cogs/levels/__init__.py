"""Levels: members earn experience by writing and talking, rise, and get roles for it.

What is earned is counted in memory and written behind; a level is always worked out from it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.levels.problems import find_level_problems
from cogs.levels.settings import KEY, LevelSettings
from db.level_boards import count_ranked
from db.level_gifts import delete_old_gifts
from db.levels import delete_old

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

# A board of a month needs no more; the totals are no matter of days.
DAYS_KEPT = timedelta(days=40)
# A file that is being imported: a batch has ended by then.
FILES_KEPT = timedelta(days=30)
# A gift that waits for a guild which the bot has left: its job is given up before.
PROMISES_KEPT = timedelta(days=200)


async def _purge(session: AsyncSession, now: datetime) -> None:
    await delete_old(session, days=(now - DAYS_KEPT).date(), now=now, files=now - FILES_KEPT)
    await delete_old_gifts(session, given=now - DAYS_KEPT, promised=now - PROMISES_KEPT)


FEATURE = Feature(
    key=KEY,
    title=N_("Levels"),
    description=N_("Members rise by writing and talking, and get roles for it."),
    category=Category.COMMUNITY,
    settings=LevelSettings,
    off_note=N_("Nobody earns experience any more; what was earned is kept."),
    tables=("levels_days", "levels_members", "levels_boosts", "levels_imports", "levels_gifts"),
    intents={
        "members": N_("I can't see who comes back, so nobody gets their roles again for it."),
        "message_content": N_("I can't read messages, so short and repeated ones earn, too."),
    },
    check=find_level_problems,
    purge=_purge,
    counters={"ranked_members": count_ranked},
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.levels.cog import Levels, Ranks
    from cogs.levels.office import open_office
    from cogs.levels.xp_cog import Xp

    office = open_office(bot)
    await bot.add_feature(FEATURE, Levels(bot, office), Ranks(office), Xp(bot, office))
