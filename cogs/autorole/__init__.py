"""Gives members roles by themselves: on joining, on coming back, for a time, and after the fact.

What is decided here becomes wishes of the kernel's queue (`bot.core.roles`), which gives the roles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.autorole.problems import find_autorole_problems
from cogs.autorole.service import purge_autorole
from cogs.autorole.settings import AutoroleSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="autorole",
    title=N_("Autorole"),
    description=N_("Roles for whoever joins or comes back, and roles for a time."),
    category=Category.COMMUNITY,
    settings=AutoroleSettings,
    # With nothing set nobody gets a role.
    default_enabled=True,
    off_note=N_("Roles that were not given yet are not given any more."),
    rate_class=RateClass.ADMIN,
    tables=("autorole_members", "autorole_waiting", "autorole_temporary"),
    intents={
        "members": N_("I can't see who joins or leaves, so nobody gets a role for it."),
    },
    check=find_autorole_problems,
    purge=purge_autorole,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.autorole.cog import Autorole
    from cogs.autorole.lending import Lending

    await bot.add_feature(FEATURE, Autorole(bot), Lending(bot))
