"""Looks for members by name at Discord, which knows them all: none are cached here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
from discord.http import Route

from bot.core.namesearch import NamedMember, no_answer

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

# Somebody waits for a page.
_SECONDS = 5.0
_MOST = 100


class DiscordSearch:
    """Searches through the client that there is at the moment."""

    def __init__(self, client: Callable[[], Pegasus | None]) -> None:
        self._client = client

    async def search(self, guild_id: int, text: str) -> Sequence[NamedMember]:
        """Return at most 100 whose user name or nickname begins so; raises `DiscordFailed`.

        https://discord.com/developers/docs/resources/guild#search-guild-members
        """
        client = self._client()
        if client is None:
            raise no_answer()
        route = Route("GET", "/guilds/{guild_id}/members/search", guild_id=guild_id)
        try:
            async with asyncio.timeout(_SECONDS):
                found: Any = await client.http.request(
                    route, params={"query": text, "limit": _MOST}
                )
        except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("members_not_searched", guild=guild_id, error=type(error).__name__)
            raise no_answer() from error
        return [_named(one) for one in found]


def _named(payload: dict[str, Any]) -> NamedMember:
    user = payload["user"]
    names = (payload.get("nick"), user.get("global_name"), user["username"])
    return NamedMember(int(user["id"]), tuple(one for one in names if one))
