"""What moderators do by command: warn, restrict, remove and clean up, each with a case on record.

The records themselves, and how they are carried out, are `bot.core.cases`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.moderation.appealing import purge_appeals
from cogs.moderation.problems import find_moderation_problems
from cogs.moderation.reporting import purge_reports
from cogs.moderation.settings import ModerationSettings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus


async def _purge(session: AsyncSession, now: datetime) -> None:
    await purge_reports(session, now)
    await purge_appeals(session, now)


FEATURE = Feature(
    key="moderation",
    title=N_("Moderation"),
    description=N_("Commands for moderators, with numbered cases that can be undone."),
    category=Category.SAFETY,
    settings=ModerationSettings,
    # Discord shows the commands only to those who have the right already.
    default_enabled=True,
    rate_class=RateClass.MODERATION,
    tables=(
        "moderation_locks",
        "moderation_reports",
        "moderation_reporters",
        "moderation_appeals",
        "moderation_appeal_votes",
        "moderation_appeal_questions",
        "moderation_batches",
    ),
    intents={
        "message_content": N_("/purge can't look at what messages say, only at who wrote them."),
    },
    check=find_moderation_problems,
    purge=_purge,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.moderation.appeals import Appeals
    from cogs.moderation.casebook import Casebook
    from cogs.moderation.channels import Channels
    from cogs.moderation.massbans import MassBans
    from cogs.moderation.menus import context_menus
    from cogs.moderation.purging import Purging
    from cogs.moderation.records import Records
    from cogs.moderation.removing import Removing
    from cogs.moderation.reports import Reports, report_menus
    from cogs.moderation.restricting import Restricting
    from cogs.moderation.watching import Watching
    from cogs.moderation.working import Working

    cogs = (
        Working,
        Restricting,
        Removing,
        MassBans,
        Purging,
        Channels,
        Casebook,
        Records,
        Watching,
        Reports,
        Appeals,
    )
    await bot.add_feature(FEATURE, *(cog(bot) for cog in cogs), *context_menus(), *report_menus())
