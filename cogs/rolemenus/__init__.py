"""Lets members choose roles by buttons, from a select or by reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings
from cogs.rolemenus.pressing import purge_choices
from cogs.rolemenus.reading import KEY
from cogs.rolemenus.resource import RESOURCE

if TYPE_CHECKING:
    from bot.client import Pegasus


class RoleMenuSettings(FeatureSettings):
    """Nothing to set: each menu has settings of its own."""


FEATURE = Feature(
    key=KEY,
    title=N_("Role menus"),
    description=N_("Lets members choose roles by buttons, from a select or by reactions."),
    category=Category.COMMUNITY,
    settings=RoleMenuSettings,
    tables=("role_menu_choices", "role_menu_reactions"),
    intents={
        "members": N_(
            "I can't see who leaves or loses a role, so places of full roles get free late."
        )
    },
    purge=purge_choices,
    resources=(RESOURCE,),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.rolemenus.cog import RoleMenus

    await bot.add_feature(FEATURE, RoleMenus(bot))
