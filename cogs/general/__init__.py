"""Help, status and the guild's basics: language, time zone and where problems are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.general.settings import GeneralSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="general",
    title=N_("General"),
    description=N_("Language, time zone and log channel of this server, and the help commands."),
    category=Category.ESSENTIALS,
    settings=GeneralSettings,
    always_on=True,
    default_enabled=True,
    intents={
        "message_content": N_("I can't see what messages say, so the prefix does nothing."),
    },
    needs_intents=lambda settings: settings.prefix is not None,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.general.cog import General

    await bot.add_feature(FEATURE, General(bot))
