"""The controls of a guild over discord.py's HTTP client; its answers become outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord

from bot.core.cases.outcomes import Delayed, Gone
from bot.enforcement import judge

# Unknown channel, unknown overwrite.
_GONE = {10003: "channel_gone", 10009: "overwrite_gone"}


class DiscordControls:
    """Turns a guild's controls; see `cogs.automod.raid.controls.GuildControls`."""

    def __init__(self, client: discord.Client) -> None:
        self._http = client.http

    async def read_guild(self, guild_id: int) -> Any:
        """Return Discord's guild object."""
        with _judging():
            return await self._http.get_guild(guild_id, with_counts=False)

    async def read_channels(self, guild_id: int) -> Sequence[Any]:
        """Return Discord's objects of all channels but threads."""
        with _judging():
            return await self._http.get_all_guild_channels(guild_id)

    async def set_overwrite(  # noqa: PLR0917 - where, whose, what
        self, channel_id: int, overwrite_id: int, kind: int, allow: int, deny: int, reason: str
    ) -> None:
        """Set one permission overwrite of a channel."""
        whose: Any = kind
        with _judging():
            await self._http.edit_channel_permissions(
                channel_id, overwrite_id, str(allow), str(deny), whose, reason=reason
            )

    async def delete_overwrite(self, channel_id: int, overwrite_id: int, reason: str) -> None:
        """Remove one permission overwrite of a channel."""
        with _judging():
            await self._http.delete_channel_permissions(channel_id, overwrite_id, reason=reason)

    async def pause_invites(self, guild_id: int, until: datetime | None) -> None:
        """Let nobody join until an instant at most 24 hours ahead; `None` ends that."""
        payload: Any = {"invites_disabled_until": until.isoformat() if until else None}
        with _judging():
            await self._http.edit_incident_actions(guild_id, payload)

    async def set_verification(self, guild_id: int, level: int, reason: str) -> None:
        """Set the guild's verification level, from 0 to 4."""
        with _judging():
            await self._http.edit_guild(guild_id, verification_level=level, reason=reason)


@contextmanager
def _judging() -> Iterator[None]:
    try:
        yield
    except discord.HTTPException as error:
        if reason := _GONE.get(error.code):
            raise Gone(reason, error.text) from error
        raise judge(error) from error
    except discord.RateLimited as error:
        raise Delayed("rate_limited", after=timedelta(seconds=error.retry_after)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise Delayed("connection", type(error).__name__) from error
