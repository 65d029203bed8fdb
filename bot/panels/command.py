"""The command that opens a feature's panel; `client.add_feature` attaches it to the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.checks import MANAGES, ensure_manages
from bot.core.features import Feature, RateClass
from bot.core.i18n import N_
from bot.localization import described
from bot.panels.panel import SettingsPanel

if TYPE_CHECKING:
    from bot.client import Pegasus


def settings_command(feature: Feature) -> app_commands.Command[Any, ..., None]:
    """Return the `settings` command of a feature's group, which opens its panel."""

    async def open_panel(interaction: discord.Interaction[Pegasus]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, feature.key)
        panel = await SettingsPanel.create(interaction, feature)
        await interaction.followup.send(view=panel, ephemeral=True, wait=True)

    return app_commands.Command(
        name="settings",
        description=described(
            N_("Show and change the settings of {feature}"), feature=feature.title
        ),
        callback=open_panel,
        extras={"settings_panel": True, "rate_class": RateClass.ADMIN, MANAGES: feature.key},
    )
