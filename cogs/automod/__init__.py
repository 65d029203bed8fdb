"""Judges messages and names by the guild's rules, before anybody else sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.automod.problems import find_automod_problems
from cogs.automod.retention import purge_automod
from cogs.automod.settings import AutomodSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="automod",
    title=N_("Automod"),
    description=N_("Finds spam, insults and scams by your rules, and acts before anyone is hurt."),
    category=Category.SAFETY,
    settings=AutomodSettings,
    tables=(
        "automod_incidents",
        "automod_members",
        "automod_messages",
        "automod_strikes",
        "automod_roles",
        "automod_false_positives",
        "raids",
        "raid_members",
        "lockdowns",
    ),
    intents={
        "message_content": N_(
            "I can't read what members write: rules on text, links and files see nothing. "
            "Discord's own AutoMod, honeypots, rates and names still work."
        ),
        "members": N_("I can't see who joins or changes their name, so names are not checked."),
    },
    check=find_automod_problems,
    purge=purge_automod,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.automod.cog import Automod
    from cogs.automod.commands import AutomodCommands
    from cogs.automod.raid.cog import Raids, add_raid_commands

    await bot.add_feature(FEATURE, AutomodCommands(bot))
    await bot.add_cog(Automod(bot))
    await bot.add_cog(Raids(bot))
    add_raid_commands(bot)
