"""Keeps to Discord's limits on new gateway sessions: so many a day, and one in five seconds.

It outlives clients, because Discord counts for the bot and not for the connection.
https://discord.com/developers/docs/events/gateway#rate-limiting
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient

log = structlog.get_logger(__name__)

IDENTIFY_SECONDS = 5.0
# With this few left, something restarts again and again.
FEW = 50


class SessionsUsedUp(discord.DiscordException):
    """Discord takes no more new sessions for a while; `after` is how long, in seconds."""

    def __init__(self, after: float) -> None:
        self.after = after
        super().__init__(f"no new session for {after:.0f} s")


class Sessions:
    """Knows how many sessions may still be begun and when; `on_change` hears each new number."""

    def __init__(self, on_change: Callable[[int], None] = lambda _: None) -> None:
        self._on_change = on_change
        self._remaining: int | None = None
        self._buckets = 1
        self._free_at: dict[int, float] = {}

    async def look_up(self, http: HTTPClient) -> int:
        """Ask Discord where the gateway is and what may be begun; returns how many shards it wants.

        Raises `SessionsUsedUp` when nothing may be begun now.
        """
        shards, url, limits = await http.get_bot_gateway()
        # discord.py asks only when it does not know the number of shards, and goes to the public
        # gateway for a session that can't be resumed, whoever answers as the API.
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        self._buckets = max(1, limits["max_concurrency"])
        self._note(limits["remaining"])
        if limits["remaining"] <= 0:
            raise SessionsUsedUp(limits["reset_after"] / 1000)
        if limits["remaining"] < FEW:
            log.warning("few_sessions_left", remaining=limits["remaining"])
        return shards

    async def wait_turn(self, shard_id: int) -> None:
        """Wait until Discord takes a new session of this shard, and count it."""
        loop = asyncio.get_running_loop()
        bucket = shard_id % self._buckets
        turn = max(loop.time(), self._free_at.get(bucket, 0.0))
        self._free_at[bucket] = turn + IDENTIFY_SECONDS
        await asyncio.sleep(turn - loop.time())
        if self._remaining:
            self._note(self._remaining - 1)

    def _note(self, remaining: int) -> None:
        self._remaining = remaining
        self._on_change(remaining)
