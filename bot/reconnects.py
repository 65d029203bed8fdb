"""When a lost connection to Discord is tried again, and how that is told: soon, and in one line.

discord.py waits up to 17 minutes between two attempts and remembers an outage for half an hour, so
that a break of seconds can keep the bot away for long; and it writes a traceback for each attempt.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import timedelta
from typing import Any

import aiohttp
import discord
from discord import shard

from bot.core.backoff import Backoff
from bot.websocket import SessionLost

# 1, 2, 4 … seconds, each a quarter more or less, so 15 at most: an attempt that reaches nobody
# costs nothing, and whoever comes back should not be waited out.
SOON = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=12), jitter=0.25)
# When sessions are begun in vain each attempt spends one of 1,000 a day; these last for a day.
SPARING = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=120), jitter=0.0)
# An outage is over when no attempt was needed for this long, in seconds.
OVER_AFTER = 300.0
# How a connection ends, or does not begin, when Discord or the network is away.
PASSING = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
_NO_SESSION = (
    aiohttp.ClientConnectionError,
    discord.HTTPException,
    discord.GatewayNotFound,
    OSError,
    TimeoutError,
)


class Reconnects:
    """Counts the attempts of one outage and says how long to wait before the next, in seconds."""

    def __init__(self) -> None:
        self._attempts = 0
        self._last_at = time.monotonic()
        self._backoff = SOON

    def note(self, error: BaseException | None) -> None:
        """Take what ended the connection, which says whether a session was spent on it."""
        reached = isinstance(error, SessionLost) or not isinstance(error, _NO_SESSION)
        self._backoff = SPARING if reached else SOON

    def delay(self) -> float:
        """Return the pause before the next attempt; the first one of an outage comes soon."""
        now = time.monotonic()
        if now - self._last_at > OVER_AFTER:
            self._attempts = 0
        self._last_at = now
        self._attempts += 1
        pause = self._backoff.pause(self._attempts, random.random())  # noqa: S311 - jitter
        return pause.total_seconds()


class LastingShard(shard.Shard):
    """A shard that comes back soon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # discord.py asks it for nothing but `delay()`.
        self._reconnects = Reconnects()
        self._backoff: Any = self._reconnects

    async def _handle_disconnect(self, e: Exception) -> None:
        self._reconnects.note(e)
        await super()._handle_disconnect(e)


def in_one_line(record: logging.LogRecord) -> bool:
    """Have discord.py's record of an attempt that failed say why in the line itself.

    What is no failure of the network keeps its traceback. To be used as a filter: drops nothing.
    """
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, (*PASSING, asyncio.TimeoutError)):
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        record.msg, record.args = f"{record.getMessage()} ({reason})", None
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def install() -> None:
    """Have discord.py make its shards of this class, in the whole process."""
    shard.Shard = LastingShard  # pyright: ignore[reportPrivateImportUsage]
    logging.getLogger(shard.__name__).addFilter(in_one_line)
