"""Configuration by command: settings and features of the guild, and who may manage them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.admin.settings import AdminSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="admin",
    title=N_("Administration"),
    description=N_("Change settings, switch features on and off, and hand their management on."),
    category=Category.ESSENTIALS,
    settings=AdminSettings,
    always_on=True,
    default_enabled=True,
    rate_class=RateClass.ADMIN,
    tables=("user_permissions", "settings_revisions", "feature_settings"),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.admin.cog import Admin

    await bot.add_feature(FEATURE, Admin(bot))
