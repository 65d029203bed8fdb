"""Passes on thanks: the folder that a new feature is copied from.

It works, but it is never loaded: folders with a leading underscore are left out.
`docs/features.md` tells how to make a feature of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs._template.settings import TemplateSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key="template",
    title=N_("Thanks"),
    description=N_("Lets members thank each other in a channel of its own."),
    category=Category.FUN,
    settings=TemplateSettings,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs._template.cog import Template

    await bot.add_feature(FEATURE, Template(bot))
