"""Looks up whether a server has an emoji of its own: the cache has none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import discord

if TYPE_CHECKING:
    from bot.client import Pegasus


async def has_emoji(bot: Pegasus, guild_id: int, emoji_id: int) -> bool:
    """Return whether a server has an emoji, True also while Discord does not answer.

    An emoji is chosen seldom, and nobody is to wait for Discord to be there again only for that.
    """
    try:
        await bot.http.get_custom_emoji(guild_id, emoji_id)
    except discord.NotFound:
        return False
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        return True
    return True
