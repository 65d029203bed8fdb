"""Reads members from Discord: one from a gateway payload, or a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord.utils import parse_time, snowflake_time

from bot.core.batches import Later, Refused
from bot.core.cases import Delayed
from bot.enforcement import judge
from cogs.autorole.rules import Newcomer

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.clock import Clock


def member_in(payload: Mapping[str, Any], guild_id: int, now: datetime) -> Newcomer:
    """Return the member in a payload; one that tells no time of joining has joined just now."""
    user_id = int(payload["user"]["id"])
    return Newcomer(
        guild_id,
        user_id,
        parse_time(payload.get("joined_at")) or now,
        snowflake_time(user_id),
        is_bot=payload["user"].get("bot", False),
        pending=payload.get("pending", False),
        role_ids=frozenset(map(int, payload.get("roles", ()))),
    )


class DiscordMembers:
    """Pages of members over discord.py's HTTP client; see `cogs.autorole.backfill.MemberLister`."""

    def __init__(self, bot: Pegasus, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Newcomer]:
        """Return members whose ids are higher, in order."""
        try:
            page: Any = await self._bot.http.get_members(guild_id, limit, after)
        except discord.HTTPException as error:
            outcome = judge(error)
            if isinstance(outcome, Delayed):
                raise Later(str(outcome)) from error
            raise Refused(error.text or str(error.status)) from error
        except (discord.RateLimited, aiohttp.ClientError, OSError) as error:
            raise Later(type(error).__name__) from error
        now = self._clock.now()
        return sorted((member_in(one, guild_id, now) for one in page), key=lambda one: one.user_id)
