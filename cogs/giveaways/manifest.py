"""The manifest of giveaways, apart from the package so that `verify` runs without anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, Gauge
from bot.core.i18n import N_
from cogs.giveaways import block_resource, series_resource, template_resource
from cogs.giveaways.resource import RESOURCE
from cogs.giveaways.settings import KEY, GiveawaySettings
from db.giveaway_hosting import count_active

if TYPE_CHECKING:
    from bot.client import Pegasus

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
        "giveaway_item_uses",
        "giveaway_rounds",
        "giveaway_winners",
        "giveaway_messages",
        "giveaway_templates",
        "giveaway_series",
        "giveaway_blocks",
        "giveaway_loans",
    ),
    resources=(
        RESOURCE,
        template_resource.RESOURCE,
        series_resource.RESOURCE,
        block_resource.RESOURCE,
    ),
    counters={"active_giveaways": count_active},
    gauges=(Gauge("giveaways_active", "Giveaways that go on", count_active),),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.giveaways.cog import Giveaways

    await bot.add_feature(FEATURE, Giveaways(bot))
