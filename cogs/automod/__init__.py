"""Judges messages and names by the guild's rules, before anybody else sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.automod.settings import AutomodSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="automod",
    title=N_("Automod"),
    description=N_("Finds spam, insults and scams by your rules, and acts before anyone is hurt."),
    category=Category.SAFETY,
    settings=AutomodSettings,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
