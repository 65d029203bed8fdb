"""Emojis and stickers of a guild: what there is; guilds here are founded without any."""

from __future__ import annotations

from typing import Any

from .call import Call
from .errors import not_found
from .routing import route

Json = dict[str, Any]


@route("GET", "/guilds/{guild_id}/emojis")
def list_emojis(call: Call) -> list[Json]:
    """Return a guild's emojis."""
    return call.guild().emojis


@route("GET", "/guilds/{guild_id}/emojis/{emoji_id}")
def get_emoji(call: Call) -> Json:
    """Return an emoji."""
    return _find(call.guild().emojis, call.params["emoji_id"], 10014)


@route("GET", "/guilds/{guild_id}/stickers")
def list_stickers(call: Call) -> list[Json]:
    """Return a guild's stickers."""
    return call.guild().stickers


@route("GET", "/guilds/{guild_id}/stickers/{sticker_id}")
def get_sticker(call: Call) -> Json:
    """Return a sticker."""
    return _find(call.guild().stickers, call.params["sticker_id"], 10060)


@route("GET", "/guilds/{guild_id}/soundboard-sounds")
def list_sounds(call: Call) -> Json:
    """Return a guild's sounds: none."""
    call.guild()
    return {"items": []}


def _find(entries: list[Json], wanted: str, code: int) -> Json:
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    raise not_found(code)
