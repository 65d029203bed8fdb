"""The enforcer: takes bans, kicks, timeouts and roles to Discord over discord.py's HTTP client.

Members are not cached, so everything goes by id. What Discord answers becomes one of the outcomes
of `bot.core.cases.outcomes`; nothing else of it leaves this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
from discord.utils import parse_time

from bot.core.cases.outcomes import NOT_CONNECTED, Delayed, EnforcementError, Gone, NotPermitted

SHORT_PAUSE = timedelta(seconds=30)
BLOCKED_PAUSE = timedelta(minutes=10)

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_GONE = {
    10004: "guild_gone",
    10007: "member_gone",
    10011: "role_gone",
    10013: "user_gone",
    10026: "not_banned",
    50028: "role_gone",
}
_MISSING = {50001: "missing_access", 50013: "missing_permissions"}
# Of bans of people who are no members, Discord takes so many in a time.
_BAN_CAP = 30035
_NONE_BANNED = 500_000


class DiscordEnforcer:
    """Makes the calls through a client that is logged in; see `bot.core.cases.values.Enforcer`.

    It is the role changer of `bot.core.roles`, too.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def ban(
        self, guild_id: int, user_id: int, *, reason: str, delete_window: timedelta
    ) -> None:
        """Ban a person, who need not be a member."""
        seconds = round(delete_window.total_seconds())
        with self._judging():
            await self._client.http.ban(user_id, guild_id, seconds, reason)

    async def ban_many(
        self, guild_id: int, user_ids: Sequence[int], *, reason: str, delete_window: timedelta
    ) -> frozenset[int]:
        """Ban up to 200 people with one call; returns those who could not be banned."""
        seconds = round(delete_window.total_seconds())
        # The library asks for objects and sends what it is given: ids are what Discord wants.
        ids: Any = list(user_ids)
        try:
            with self._judging():
                answer: Any = await self._client.http.bulk_ban(guild_id, ids, seconds, reason)
        except NoneBanned:
            return frozenset(user_ids)
        return frozenset(map(int, answer["failed_users"] or ()))

    async def unban(self, guild_id: int, user_id: int, *, reason: str) -> None:
        """Lift a ban; raises `Gone` when there is none."""
        with self._judging():
            await self._client.http.unban(user_id, guild_id, reason=reason)

    async def kick(self, guild_id: int, user_id: int, *, reason: str) -> None:
        """Remove a member."""
        with self._judging():
            await self._client.http.kick(user_id, guild_id, reason=reason)

    async def joined_at(self, guild_id: int, user_id: int) -> datetime | None:
        """Return since when a member is there, `None` where Discord doesn't say."""
        with self._judging():
            member = await self._client.http.get_member(guild_id, user_id)
        return parse_time(member.get("joined_at"))

    async def time_out(
        self, guild_id: int, user_id: int, *, until: datetime | None, reason: str
    ) -> None:
        """Time a member out until an instant at most 28 days ahead, or end it with `None`."""
        value = until.isoformat() if until is not None else None
        with self._judging():
            await self._client.http.edit_member(
                guild_id, user_id, reason=reason, communication_disabled_until=value
            )

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Give a role."""
        with self._judging():
            await self._client.http.add_role(guild_id, user_id, role_id, reason=reason)

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Take a role."""
        with self._judging():
            await self._client.http.remove_role(guild_id, user_id, role_id, reason=reason)

    async def is_pending(self, guild_id: int, user_id: int) -> bool:
        """Return whether a member has yet to pass membership screening."""
        with self._judging():
            member: Any = await self._client.http.get_member(guild_id, user_id)
        return bool(member.get("pending", False))

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """Turn what discord.py raises into an outcome."""
        if self._client.is_closed():
            raise Delayed(NOT_CONNECTED, after=SHORT_PAUSE)
        try:
            yield
        except discord.HTTPException as error:
            raise judge(error) from error
        except discord.RateLimited as error:
            raise Delayed("rate_limited", after=timedelta(seconds=error.retry_after)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Delayed("connection", type(error).__name__) from error
        except RuntimeError as error:
            # So aiohttp says that the client was closed meanwhile.
            if not self._client.is_closed():
                raise
            raise Delayed(NOT_CONNECTED, str(error), after=SHORT_PAUSE) from error


class NoneBanned(EnforcementError):
    """Of many not one could be banned."""


def judge(error: discord.HTTPException) -> EnforcementError:
    """Return what an error answer of Discord means for a case."""
    text = f"{error.status} {error.code} {error.text}"
    if (outcome := _judge_code(error.code, text)) is not None:
        return outcome
    if error.status >= 500 or error.status == 429:
        return Delayed(
            "discord_error" if error.status >= 500 else "rate_limited", text, after=SHORT_PAUSE
        )
    if error.code == 0 and error.status in (401, 403):
        # No answer of the API but of what stands before it, or the token has been reset.
        return Delayed("refused_at_the_door", text, after=BLOCKED_PAUSE)
    return EnforcementError(f"rejected_{error.code}", text)


def _judge_code(code: int, text: str) -> EnforcementError | None:
    if reason := _GONE.get(code):
        return Gone(reason, text)
    if reason := _MISSING.get(code):
        return NotPermitted(reason, text)
    if code == _BAN_CAP:
        return EnforcementError("ban_cap", text)
    return NoneBanned("none_banned", text) if code == _NONE_BANNED else None
