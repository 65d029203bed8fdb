"""The language of a guild: for texts that everyone there sees, as no single reader decides it."""

from __future__ import annotations

from bot.core.contracts import BotState
from bot.core.settings import SettingsStore

# The feature that holds the guild's basics.
BASICS = "general"


async def locale_of_guild(settings: SettingsStore, state: BotState, guild_id: int) -> str | None:
    """Return the locale that is set for the guild, else the one it has in Discord.

    `None` when neither is known; raises `NotFound` where the feature with the basics is missing.
    """
    chosen = (await settings.get(guild_id, BASICS)).settings.language
    if chosen:
        return chosen
    guild = state.guild(guild_id)
    return guild.locale if guild else None
