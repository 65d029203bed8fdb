"""Reads members from Discord: one from a gateway payload, or a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from discord.utils import parse_time, snowflake_time

from bot.membership import list_page
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
        page = await list_page(self._bot, guild_id, after=after, limit=limit)
        now = self._clock.now()
        return [member_in(one, guild_id, now) for one in page]
