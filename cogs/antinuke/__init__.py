"""Guards a guild against its own staff: counts what they do, stops who does too much.

It also has a second person approve what is done to many at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.antinuke.problems import find_antinuke_problems
from cogs.antinuke.service import purge_antinuke
from cogs.antinuke.settings import AntinukeSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="antinuke",
    title=N_("Anti-nuke"),
    description=N_("Limits what staff can do in a short time, and has mass bans approved."),
    category=Category.SAFETY,
    settings=AntinukeSettings,
    # Unless more is chosen it tells staff, and does nothing.
    default_enabled=True,
    rate_class=RateClass.ADMIN,
    tables=("antinuke_people", "antinuke_deeds", "antinuke_incidents"),
    check=find_antinuke_problems,
    purge=purge_antinuke,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.antinuke.cog import Antinuke

    await bot.add_feature(FEATURE, Antinuke(bot))
