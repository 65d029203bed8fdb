"""Takes reactions to Discord, and asks it about members, over discord.py's HTTP client.

That client keeps to Discord's pace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import discord

from bot.core.outbox.deliveries import NOT_CONNECTED, Delayed, NotPermitted, Undeliverable
from cogs.rolemenus.emoji import plain, reaction_in
from cogs.rolemenus.posts import EMOJI_GONE, MESSAGE_GONE

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_GONE = {10003, 10008}
_UNKNOWN_EMOJI = 10014
_MISSING = {50001, 50013}
_NO_MEMBER = {10007, 10013}


class DiscordReactor:
    """A `Reactor` and `MemberLookup` by a client that is logged in."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def set_reactions(self, channel_id: int, message_id: int, emoji: list[str]) -> None:
        """Have the bot react to a message with exactly these, in this order."""
        http = self._client.http
        with self._judging():
            message: Any = await http.get_message(channel_id, message_id)
            own = [
                reaction_in(one["emoji"]) for one in message.get("reactions", ()) if one.get("me")
            ]
            wanted, present = {plain(one) for one in emoji}, {plain(one) for one in own}
            for one in own:
                if plain(one) not in wanted:
                    await http.remove_own_reaction(channel_id, message_id, one)
            for one in emoji:
                if plain(one) not in present:
                    await http.add_reaction(channel_id, message_id, one)

    async def take_back(self, channel_id: int, message_id: int, emoji: str, user_id: int) -> None:
        """Take a member's reaction away."""
        with self._judging():
            await self._client.http.remove_reaction(channel_id, message_id, emoji, user_id)

    async def list_reactors(
        self, channel_id: int, message_id: int, emoji: str, *, after: int, limit: int
    ) -> list[tuple[int, bool]]:
        """Return who reacts with an emoji, by id and whether it is a bot; higher ids, in order."""
        with self._judging():
            users: Any = await self._client.http.get_reaction_users(
                channel_id, message_id, emoji, limit, after
            )
        return sorted((int(one["id"]), bool(one.get("bot"))) for one in users)

    async def roles_of(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        """Return a member's roles, `None` for somebody who is no member."""
        with self._judging():
            try:
                member: Any = await self._client.http.get_member(guild_id, user_id)
            except discord.HTTPException as error:
                if error.code in _NO_MEMBER:
                    return None
                raise
        return frozenset(map(int, member["roles"]))

    @contextmanager
    def _judging(self) -> Iterator[None]:
        if self._client.is_closed():
            raise Delayed(NOT_CONNECTED)
        try:
            yield
        except discord.HTTPException as error:
            text = f"{error.status} {error.code} {error.text}"
            if error.code in _GONE:
                raise Undeliverable(MESSAGE_GONE, text) from error
            if error.code == _UNKNOWN_EMOJI:
                raise Undeliverable(EMOJI_GONE, text) from error
            if error.code in _MISSING:
                raise NotPermitted("missing_permissions", text) from error
            if error.status >= 500 or error.status == 429:
                raise Delayed("discord_error", text) from error
            raise Undeliverable(f"rejected_{error.code}", text) from error
        except discord.RateLimited as error:
            raise Delayed("rate_limited", after=timedelta(seconds=error.retry_after)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Delayed("connection", type(error).__name__) from error
