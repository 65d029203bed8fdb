"""What the economy's commands share: the guild's settings and currency, and errors in its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import discord

from bot.checks import MANAGES, guild_id_of
from bot.core.features import RateClass
from bot.core.guild_locale import locale_of_guild
from bot.core.ledger import InsufficientFunds
from cogs.economy.settings import KEY, EconomySettings
from cogs.economy.wording import Currency, too_little

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

# Looking costs nothing; the economy's own limit is for what moves money.
LOOKS: Any = {"rate_class": RateClass.DEFAULT}
MOVES: Any = {"rate_class": RateClass.ECONOMY}
MANAGED: Any = {
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
    MANAGES: KEY,
}


async def settings_of(interaction: Interaction) -> EconomySettings:
    """Return the economy's settings in the guild of an interaction."""
    kernel = interaction.client.kernel
    state = await kernel.settings.get(guild_id_of(interaction), KEY)
    settings: EconomySettings = state.settings
    return settings


async def zone_of(interaction: Interaction) -> str:
    """Return the time zone in which the guild's days begin."""
    state = await interaction.client.kernel.settings.get(guild_id_of(interaction), "general")
    zone: str = state.settings.time_zone
    return zone


async def public_locale(interaction: discord.Interaction[Any]) -> str | None:
    """Return the language of what everybody sees."""
    kernel = interaction.client.kernel
    return await locale_of_guild(kernel.settings, kernel.state(), guild_id_of(interaction))


@contextmanager
def priced(currency: Currency) -> Iterator[None]:
    """Have whoever can't afford something read it in the guild's currency."""
    try:
        yield
    except InsufficientFunds as error:
        raise too_little(currency, error) from error
