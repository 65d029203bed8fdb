"""A guild's own commands: real slash commands whose answers its admins write.

`docs/custom-commands.md` is the reference of the language that answers are written in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.customcommand.resource import RESOURCE
from cogs.customcommand.settings import CustomCommandSettings
from cogs.customcommand.using import purge_cooldowns

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="customcommand",
    title=N_("Custom commands"),
    description=N_("Commands of your own, whose answers you write yourself."),
    category=Category.COMMUNITY,
    settings=CustomCommandSettings,
    tables=("custom_commands", "custom_command_cooldowns"),
    purge=purge_cooldowns,
    resources=(RESOURCE,),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.customcommand.cog import CustomCommands

    await bot.add_feature(FEATURE, CustomCommands(bot))
