"""Greets who joins, welcomes back who returns and tells who left: the model of every feature.

`docs/features.md` walks through this folder file by file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.welcome.problems import find_welcome_problems
from cogs.welcome.settings import WelcomeSettings
from cogs.welcome.visits import purge_visits

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="welcome",
    title=N_("Welcome"),
    description=N_(
        "Greets new members with a message and a card, and says goodbye when they leave."
    ),
    category=Category.COMMUNITY,
    settings=WelcomeSettings,
    tables=("welcome_visits",),
    intents={"members": N_("I can't see who joins or leaves, so nobody is greeted.")},
    check=find_welcome_problems,
    purge=purge_visits,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.welcome.cog import Welcome

    await bot.add_feature(FEATURE, Welcome(bot))
