"""Looks up who is a member, as Discord has them now: members are not cached."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.core.batches import Later, Refused
from bot.core.cases import Delayed
from bot.core.cases.outcomes import Gone
from bot.core.contracts import MemberFacts
from bot.core.jobs import Retry
from bot.enforcement import judge

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

# Up to so many are asked for one by one; more are asked for at the gateway, a hundred at a time,
# where Discord takes 120 requests of all kinds a minute.
_FEW, _ASKED_AT_ONCE = 5, 100
# Calls at once: commands have to get through, too.
_CONCURRENCY = 4
_PAUSE, _GUILD_PAUSE = timedelta(seconds=10), timedelta(seconds=30)
_LEFT = ("member_gone", "user_gone")


async def list_page(bot: Pegasus, guild_id: int, *, after: int, limit: int) -> list[Any]:
    """Return the payloads of members whose ids are higher, in the order of their ids.

    At most 1000 at a time: https://discord.com/developers/docs/resources/guild#list-guild-members.
    Raises `Later` and `Refused` of the batches.
    """
    try:
        page: Any = await bot.http.get_members(guild_id, limit, after)
    except discord.HTTPException as error:
        outcome = judge(error)
        if isinstance(outcome, Delayed):
            raise Later(str(outcome)) from error
        raise Refused(error.text or str(error.status)) from error
    except (discord.RateLimited, aiohttp.ClientError, OSError) as error:
        raise Later(type(error).__name__) from error
    return sorted(page, key=lambda one: int(one["user"]["id"]))


class DiscordMembers:
    """Asks Discord for members, without filling the cache."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self._places = asyncio.Semaphore(_CONCURRENCY)

    async def find(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        """Return the roles of those who are members; raises `Retry` as `look_up` does."""
        found = await self.look_up(guild_id, user_ids)
        return {user_id: member.role_ids for user_id, member in found.items()}

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        """Return the roles of those who are members, and when they joined; no more is filled in.

        Raises `Retry` where Discord does not answer for all of them. That somebody has left is only
        believed when Discord says so of them alone: an answer of the gateway leaves people out for
        other reasons, too.
        """
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable:
            raise Retry(_GUILD_PAUSE, "the guild is not there")
        ids = list(user_ids)
        found = await self._ask_gateway(guild, ids) if len(ids) > _FEW else {}
        rest = [one for one in ids if one not in found]
        asked = await asyncio.gather(*(self._ask_for(guild_id, one) for one in rest))
        known = zip(rest, asked, strict=True)
        return found | {user_id: member for user_id, member in known if member is not None}

    async def _ask_gateway(
        self, guild: discord.Guild, ids: Sequence[int]
    ) -> dict[int, MemberFacts]:
        found: dict[int, MemberFacts] = {}
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            part = list(ids[start : start + _ASKED_AT_ONCE])
            try:
                members = await guild.query_members(user_ids=part, limit=len(part), cache=False)
            except (TimeoutError, discord.DiscordException) as error:
                # They are asked for one by one then.
                log.info("members_not_answered", guild=guild.id, error=type(error).__name__)
                return found
            # Whoever has no role has @everyone.
            found |= {
                one.id: _facts(guild.id, one.id, (role.id for role in one.roles), one.joined_at)
                for one in members
            }
        return found

    async def _ask_for(self, guild_id: int, user_id: int) -> MemberFacts | None:
        async with self._places:
            try:
                member: Any = await self._bot.http.get_member(guild_id, user_id)
            except discord.HTTPException as error:
                outcome = judge(error)
                if isinstance(outcome, Gone) and outcome.reason in _LEFT:
                    return None
                raise Retry(_PAUSE, str(outcome)) from error
            except discord.RateLimited as error:
                raise Retry(timedelta(seconds=error.retry_after), "rate limited") from error
            except (aiohttp.ClientError, OSError) as error:
                raise Retry(_PAUSE, type(error).__name__) from error
        joined_at = discord.utils.parse_time(member.get("joined_at"))
        return _facts(guild_id, user_id, map(int, member["roles"]), joined_at)


def _facts(
    guild_id: int, user_id: int, role_ids: Iterable[int], joined_at: datetime | None
) -> MemberFacts:
    return MemberFacts(user_id, guild_id, "", role_ids=frozenset(role_ids), joined_at=joined_at)
