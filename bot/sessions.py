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
# How long to wait at least, in seconds, before Discord is asked again.
SHORTEST_WAIT = 1.0
# With this few left, something restarts again and again.
FEW = 50


class SessionsUsedUp(discord.DiscordException):
    """Discord takes no more new sessions for a while; `after` is how long, in seconds."""

    def __init__(self, after: float) -> None:
        self.after = after
        super().__init__(f"no new session for {after:.0f} s")


class Sessions:
    """Knows how many sessions may still be begun and when; `on_change` hears each new number.

    Discord is asked when a client begins and when none is left. It resets the token of a bot that
    goes on without, so a session then waits until there is one, however long that is.
    """

    def __init__(self, on_change: Callable[[int], None] = lambda _: None) -> None:
        self._on_change = on_change
        self._http: HTTPClient | None = None
        self._remaining: int | None = None
        self._renewal: asyncio.TimerHandle | None = None
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
        self._http = http
        self._buckets = max(1, limits["max_concurrency"])
        after = limits["reset_after"] / 1000
        self._note(limits["remaining"])
        self._renew_later(after, limits["total"])
        if limits["remaining"] <= 0:
            raise SessionsUsedUp(after)
        if limits["remaining"] < FEW:
            log.warning("few_sessions_left", remaining=limits["remaining"])
        return shards

    async def wait_turn(self, shard_id: int) -> None:
        """Wait until Discord takes a new session of this shard, and count it."""
        while self._remaining == 0 and self._http is not None:
            await self._wait_for_more(self._http)
        if self._remaining:
            self._note(self._remaining - 1)
        loop = asyncio.get_running_loop()
        bucket = shard_id % self._buckets
        turn = max(loop.time(), self._free_at.get(bucket, 0.0))
        self._free_at[bucket] = turn + IDENTIFY_SECONDS
        await asyncio.sleep(turn - loop.time())

    async def _wait_for_more(self, http: HTTPClient) -> None:
        try:
            await self.look_up(http)
        except SessionsUsedUp as error:
            log.error("no_session_left", until_renewed_seconds=round(error.after))  # noqa: TRY400
            await asyncio.sleep(max(error.after, SHORTEST_WAIT))

    def _renew_later(self, after: float, total: int) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = asyncio.get_running_loop().call_later(after, self._note, total)

    def _note(self, remaining: int) -> None:
        self._remaining = remaining
        self._on_change(remaining)
