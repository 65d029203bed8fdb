"""Listens to the audit log for what staff do in Discord itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.core.cases import Target
from cogs.moderation.attribution import Attribution
from cogs.moderation.policy import KEY

if TYPE_CHECKING:
    from bot.client import Pegasus

_MOST_NAMES = 512


class Watching(commands.Cog):
    """Hands audit log entries on."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self._names: OrderedDict[int, Target] = OrderedDict()
        self.attribution = Attribution(kernel.cases, kernel.settings, kernel.clock, self.who_is)

    async def cog_load(self) -> None:
        """Begin to listen."""
        self.bot.intake.listen("GUILD_AUDIT_LOG_ENTRY_CREATE", KEY, self.on_entry)

    def on_entry(self, payload: Mapping[str, Any]) -> None:
        """Hand an entry on; raw, since discord.py drops those of members it does not know."""
        if self.bot.user is None:
            return
        work = self.attribution.note(payload, self.bot.user.id)
        self.bot.kernel.supervisor.spawn("moderation.audit_entry", work)

    async def who_is(self, user_id: int) -> Target:
        """Return somebody's account, asking Discord for one not met lately."""
        if (known := self._names.get(user_id)) is not None:
            self._names.move_to_end(user_id)
            return known
        try:
            user = self.bot.get_user(user_id) or await self.bot.fetch_user(user_id)
        except discord.HTTPException:
            # The case matters more than the name in it.
            return Target(user_id, "")
        self._names[user_id] = found = Target(user.id, user.name, user.bot)
        if len(self._names) > _MOST_NAMES:
            self._names.popitem(last=False)
        return found
