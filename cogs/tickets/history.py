"""Reads messages from Discord: what was missed, and fresh addresses of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.core.jobs import Retry
from cogs.tickets.ports import RoomGone

if TYPE_CHECKING:
    from bot.client import Pegasus

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE = 10003, 10008
_MISSING = frozenset({50001, 50013})
_PAUSE = timedelta(seconds=30)


class DiscordHistory:
    """Reads through a client that is logged in; see `cogs.tickets.capturing.History`."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    async def read(
        self, channel_id: int, after: int, limit: int
    ) -> Sequence[Mapping[str, Any]] | None:
        """Return up to `limit` messages with higher ids, the oldest first; `None` if denied."""
        try:
            found: Any = await self._bot.http.logs_from(channel_id, limit, after=after)
        except discord.HTTPException as error:
            if error.code == _UNKNOWN_CHANNEL:
                raise RoomGone from error
            if error.code in _MISSING:
                return None
            raise Retry(_PAUSE, f"{error.status} {error.code}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Retry(_PAUSE, type(error).__name__) from error
        return sorted(found, key=lambda one: int(one["id"]))

    async def fetch(self, channel_id: int, message_id: int) -> Mapping[str, Any] | None:
        """Return one message; `None` when it is gone."""
        try:
            found: Any = await self._bot.http.get_message(channel_id, message_id)
        except discord.HTTPException as error:
            if error.code in {_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, *_MISSING}:
                return None
            raise Retry(_PAUSE, f"{error.status} {error.code}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Retry(_PAUSE, type(error).__name__) from error
        return found
