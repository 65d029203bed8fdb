"""Fetches avatars from Discord's CDN, and from nowhere else, into a small cache.

Addresses are made here from ids and hashes that were checked, so no text of a stranger can lead
elsewhere. A picture that can't be had is `None`, never an error: a card does without.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict

import aiohttp
import structlog

log = structlog.get_logger(__name__)

CDN = "https://cdn.discordapp.com"
PIXELS = 256
MOST_BYTES = 512 * 1024
MOST_CACHED = 64
SECONDS = 5.0

_HASH = re.compile(r"(?:a_)?[0-9a-f]{32}")


def avatar_address(user_id: int, avatar: str | None, *, base: str = CDN) -> str:
    """Return the address of a person's picture, or of the one Discord gives those without.

    Source: https://discord.com/developers/docs/reference#image-formatting
    """
    if avatar is None or not _HASH.fullmatch(avatar):
        return f"{base}/embed/avatars/{(user_id >> 22) % 6}.png"
    return f"{base}/avatars/{user_id}/{avatar}.png?size={PIXELS}"


class AvatarFetcher:
    """Keeps one HTTP session and the pictures last used; `close()` ends the session."""

    def __init__(self, base: str = CDN) -> None:
        self._base = base.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._cache: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    async def fetch(self, user_id: int, avatar: str | None) -> bytes | None:
        """Return the picture's bytes; `None` when there is none, it is too large or too slow."""
        if avatar is None or not _HASH.fullmatch(avatar):
            return None
        key = (user_id, avatar)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        try:
            data = await self._download(avatar_address(user_id, avatar, base=self._base))
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("avatar_not_fetched", user_id=user_id, reason=type(error).__name__)
            return None
        if data is not None:
            self._cache[key] = data
            if len(self._cache) > MOST_CACHED:
                self._cache.popitem(last=False)
        return data

    async def close(self) -> None:
        """Close the HTTP session; a later fetch opens a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _download(self, address: str) -> bytes | None:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with (
            asyncio.timeout(SECONDS),
            self._session.get(address, allow_redirects=False) as response,
        ):
            if response.status != 200:
                return None
            data = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                data += chunk
                if len(data) > MOST_BYTES:
                    return None
            return bytes(data)
