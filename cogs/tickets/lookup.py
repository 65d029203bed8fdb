"""Asks Discord who a member is; members are not cached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import discord

from bot.core.errors import DiscordFailed
from bot.core.i18n import _
from bot.state import member_facts

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.contracts import MemberFacts


class DiscordPeople:
    """See `cogs.tickets.people.People`."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    async def look_up(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return a member by their user name, `None` for who is none; raises `DiscordFailed`."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable:
            raise _silent()
        try:
            member = await guild.fetch_member(user_id)
        except discord.NotFound:
            return None
        except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as error:
            raise _silent() from error
        return replace(member_facts(member), name=member.name)


def _silent() -> DiscordFailed:
    return DiscordFailed(
        _("Discord does not tell who that is at the moment."), hint=_("Try again in a moment.")
    )
