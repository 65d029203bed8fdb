"""What Discord offers while an option of these commands is typed; wrong input offers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import discord
from discord import app_commands

from bot.checks import guild_id_of, managed_keys, manages
from bot.core.errors import NotFound
from bot.core.features import Feature
from bot.core.fields import describe_fields
from bot.core.i18n import _
from bot.core.permissions import EVERY_FEATURE
from bot.localization import locale_of
from bot.panels.screens import changed_titles
from cogs.admin.rules import (
    MAX_OFFERS,
    MAX_TEXT,
    Offer,
    feature_offers,
    field_offers,
    fitting,
    value_offers,
)

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"
Choices: TypeAlias = list[app_commands.Choice[str]]


async def managed_features(interaction: Interaction) -> list[Feature]:
    """Return the features that the person may manage."""
    keys = await managed_keys(interaction)
    return [one for one in interaction.client.kernel.registry.all() if one.key in keys]


async def complete_feature(interaction: Interaction, current: str) -> Choices:
    """Offer features that have settings."""
    features = [one for one in await managed_features(interaction) if one.settings.model_fields]
    return _choices(fitting(feature_offers(features, locale_of(interaction)), current))


async def complete_switch(interaction: Interaction, current: str) -> Choices:
    """Offer features that can be switched."""
    features = [one for one in await managed_features(interaction) if not one.always_on]
    return _choices(fitting(feature_offers(features, locale_of(interaction)), current))


async def complete_grant(interaction: Interaction, current: str) -> Choices:
    """Offer all features, singly and together."""
    locale = locale_of(interaction)
    features = feature_offers(interaction.client.kernel.registry.all(), locale)
    everything = Offer(_("All features").render(locale), EVERY_FEATURE)
    return _choices(fitting([everything, *features], current))


async def complete_field(interaction: Interaction, current: str) -> Choices:
    """Offer the settings of the feature that was chosen."""
    feature = await _chosen(interaction)
    if feature is None:
        return []
    return _choices(fitting(field_offers(feature, locale_of(interaction)), current))


async def complete_value(interaction: Interaction, current: str) -> Choices:
    """Offer values for the setting that was chosen."""
    feature = await _chosen(interaction)
    if feature is None:
        return []
    name = interaction.namespace.field
    field = next((one for one in describe_fields(feature.settings) if one.name == name), None)
    if field is None:
        return []
    kernel = interaction.client.kernel
    state = await kernel.settings.get(guild_id_of(interaction), feature.key)
    return _choices(value_offers(field, state, kernel.state(), current, locale_of(interaction)))


async def complete_revision(
    interaction: Interaction, current: str | int
) -> list[app_commands.Choice[int]]:
    """Offer the revisions of the chosen feature, newest first."""
    feature = await _chosen(interaction)
    if feature is None:
        return []
    locale = locale_of(interaction)
    settings = interaction.client.kernel.settings
    revisions = await settings.history(guild_id_of(interaction), feature.key, MAX_OFFERS)
    offers = []
    for one in revisions:
        titles = ", ".join(title.render(locale) for title in changed_titles(feature, one.diff))
        name = f"#{one.revision} · {one.at:%Y-%m-%d %H:%M} UTC · {titles}"
        offers.append(app_commands.Choice(name=name[:MAX_TEXT], value=one.revision))
    return [one for one in offers if str(current) in one.name]


async def _chosen(interaction: Interaction) -> Feature | None:
    """Return the feature that the other option names, if the person may manage it."""
    registry = interaction.client.kernel.registry
    try:
        feature = registry.find(interaction.namespace.feature or "")
    except NotFound:
        return None
    return feature if await manages(interaction, feature.key) else None


def _choices(offers: list[Offer]) -> Choices:
    return [app_commands.Choice(name=one.name, value=one.value) for one in offers]
