"""A person's own data: see it, take it along, have it erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings

if TYPE_CHECKING:
    from bot.client import Pegasus


class PrivacySettings(FeatureSettings):
    """Nothing to set: these rights don't depend on an admin."""


FEATURE = Feature(
    key="privacy",
    title=N_("Privacy"),
    description=N_("Export or delete what I have stored about you."),
    category=Category.ESSENTIALS,
    settings=PrivacySettings,
    always_on=True,
    default_enabled=True,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.privacy.cog import Privacy

    await bot.add_feature(FEATURE, Privacy(bot))
