"""Stickers of guilds: making one, and finding those that a message shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .models import Json

if TYPE_CHECKING:
    from .guild import Guild
    from .world import World

MOST_PER_MESSAGE = 3
_GUILD_STICKER, _PNG = 2, 1


def add_sticker(guild: Guild, name: str, *, description: str = "", tags: str = "🙂") -> Json:
    """Add a sticker to a guild, announce it and return it."""
    sticker: Json = {
        "id": str(guild.world.snowflakes.next()),
        "name": name,
        "description": description or None,
        "tags": tags,
        "type": _GUILD_STICKER,
        "format_type": _PNG,
        "available": True,
        "guild_id": str(guild.id),
    }
    guild.stickers.append(sticker)
    data = {"guild_id": str(guild.id), "stickers": guild.stickers}
    guild.world.dispatch("GUILD_STICKERS_UPDATE", data, guild=guild)
    return sticker


def find_stickers(world: World, ids: Iterable[int]) -> list[Json]:
    """Return stickers as a message shows them; raises KeyError for an unknown id."""
    known = {int(entry["id"]): entry for guild in world.guilds.values() for entry in guild.stickers}
    return [
        {key: known[sticker_id][key] for key in ("id", "name", "format_type")} for sticker_id in ids
    ]
