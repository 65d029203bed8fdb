"""Discord's register of a guild's commands over discord.py's HTTP client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import discord

from cogs.customcommand.registrations import Registered
from cogs.customcommand.sync import DailyLimit, Gone, NoAccess, NotNow, Refused

_CHAT_INPUT = 1
_SOON = timedelta(seconds=30)
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_MISSING_ACCESS = frozenset({50001, 50013})
_DAILY_CREATIONS = 30034


class DiscordRegistrar:
    """Makes the calls through a client that is logged in; see `Registrar` in `sync`."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def commands(self, guild_id: int) -> Sequence[Registered]:
        """Return the slash commands that are registered."""
        with self._judging():
            found: Any = await self._client.http.get_guild_commands(self._application, guild_id)
        return [_registered(one) for one in found if one.get("type", 1) == _CHAT_INPUT]

    async def put(self, guild_id: int, body: Mapping[str, Any]) -> None:
        """Create a command, or replace the one of its name."""
        with self._judging():
            await self._client.http.upsert_guild_command(self._application, guild_id, dict(body))

    async def delete(self, guild_id: int, command_id: int) -> None:
        """Delete a command; one that is gone is as good."""
        try:
            with self._judging():
                await self._client.http.delete_guild_command(
                    self._application, guild_id, command_id
                )
        except Gone:
            return

    @property
    def _application(self) -> int:
        if self._client.is_closed() or self._client.application_id is None:
            raise NotNow(_SOON)
        return self._client.application_id

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """Turn what discord.py raises into an outcome."""
        try:
            yield
        except discord.HTTPException as error:
            raise _judge(error) from error
        except discord.RateLimited as error:
            raise NotNow(timedelta(seconds=error.retry_after)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotNow(_SOON) from error


def _judge(error: discord.HTTPException) -> Exception:
    if error.code == _DAILY_CREATIONS:
        return DailyLimit()
    if error.code in _MISSING_ACCESS:
        return NoAccess()
    if error.status == 404:
        return Gone(error.text)
    if error.status >= 500 or error.status in (401, 403, 429):
        return NotNow(_SOON)
    return Refused(error.text)


def _registered(data: Mapping[str, Any]) -> Registered:
    options = tuple((one["name"], one["description"]) for one in data.get("options") or ())
    return Registered(int(data["id"]), data["name"], data.get("description") or "", options)
