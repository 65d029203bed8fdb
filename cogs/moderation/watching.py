"""Listens to the audit log for what staff do in Discord itself, and reads what was missed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.core.cases import Target
from cogs.moderation.attribution import Attribution
from cogs.moderation.catchup import PAGE, CatchUp, Unreadable
from cogs.moderation.policy import KEY
from cogs.moderation.problems import sees_audit_log

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
        self.catch_up = CatchUp(kernel.database, kernel.clock, DiscordAuditLog(bot), self._note)

    async def cog_load(self) -> None:
        """Begin to listen."""
        self.bot.intake.listen("GUILD_AUDIT_LOG_ENTRY_CREATE", KEY, self.on_entry)

    def on_entry(self, payload: Mapping[str, Any]) -> None:
        """Hand an entry on; raw, since discord.py drops those of members it does not know."""
        self.bot.kernel.supervisor.spawn("moderation.audit_entry", self.catch_up.hear(payload))

    async def _note(self, entry: Mapping[str, Any]) -> None:
        if self.bot.user is not None:
            await self.attribution.note(entry, self.bot.user.id)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Read what was missed: a session that begins afresh brings no events of before."""
        self._begin([one.id for one in self.bot.guilds if one.shard_id == shard_id])

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Read what was missed while Discord had lost a guild; at the start all are yet to come."""
        if self.bot.is_ready():
            self._begin([guild.id])

    def _begin(self, guild_ids: Collection[int]) -> None:
        work = self.catch_up.begin_session(guild_ids)
        self.bot.kernel.supervisor.spawn("moderation.audit_catch_up", work)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot has left."""
        self.catch_up.forget(guild.id)

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


class DiscordAuditLog:
    """Reads the audit log over discord.py's HTTP client."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    def may_read(self, guild_id: int) -> bool:
        """Tell whether the bot has View Audit Log."""
        me = self._bot.kernel.state().me(guild_id)
        return me is not None and sees_audit_log(me.permissions)

    async def read(self, guild_id: int, after: int) -> Sequence[Mapping[str, Any]]:
        """Return up to a page of the entries after an id; raises `Unreadable`."""
        try:
            page: Any = await self._bot.http.get_audit_logs(guild_id, limit=PAGE, after=after)
        except discord.HTTPException as error:
            raise Unreadable(f"{error.status} {error.text}") from error
        return page["audit_log_entries"]
