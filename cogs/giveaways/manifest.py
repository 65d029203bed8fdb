"""The manifest of giveaways, apart from the package so that `verify` runs without anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.giveaways.settings import GiveawaySettings

if TYPE_CHECKING:
    from bot.client import Pegasus

KEY = "giveaways"

FEATURE = Feature(
    key=KEY,
    title=N_("Giveaways"),
    description=N_("Giveaways that end by themselves, draw once and can be checked by everybody."),
    category=Category.COMMUNITY,
    settings=GiveawaySettings,
    group="giveaway",
    default_enabled=True,
    tables=(
        "giveaways",
        "giveaway_entries",
        "giveaway_rounds",
        "giveaway_winners",
        "giveaway_messages",
        "giveaway_templates",
        "giveaway_series",
        "giveaway_blocks",
    ),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.giveaways.cog import Giveaways

    await bot.add_feature(FEATURE, Giveaways(bot))
