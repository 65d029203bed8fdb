"""Joins raids and lockdowns to Discord: hears of joins, and finds the services for the commands."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.reach import MemberReach
from cogs.automod.raid.approving import KIND, approval_kind
from cogs.automod.raid.commands import LockdownCommands, RaidCommands
from cogs.automod.raid.desk import FEATURE, RaidDesk
from cogs.automod.raid.discord_controls import DiscordControls
from cogs.automod.raid.lockdown import LockdownService
from cogs.automod.raid.rules import Joiner
from cogs.automod.raid.service import RaidService
from cogs.automod.raid.views import RaidButton

if TYPE_CHECKING:
    from bot.client import Pegasus

LISTENER = "automod.raid"


class Raids(commands.Cog):
    """Watches for raids in one process."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.desk = RaidDesk(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            problems=kernel.problems,
            cases=kernel.cases,
            supervisor=kernel.supervisor,
            state=kernel.state,
            controls=DiscordControls(bot),
            reach=MemberReach(bot),
            count=functools.partial(kernel.metrics.feature_event, FEATURE),
        )
        self.lockdowns = LockdownService(self.desk)
        self.raids = RaidService(self.desk, self.lockdowns)

    async def cog_load(self) -> None:
        """Take up earlier raids and lockdowns, and begin to listen."""
        self.lockdowns.start()
        await self.raids.start()
        self.bot.kernel.approvals.register(KIND, approval_kind(self.raids))
        self.bot.intake.listen("GUILD_MEMBER_ADD", LISTENER, self.on_join)
        self.bot.add_dynamic_items(RaidButton)

    def on_join(self, payload: Mapping[str, Any]) -> None:
        """Count a join; bots are invited by staff and are no raid."""
        user = payload["user"]
        if not user.get("bot"):
            self.raids.note_join(int(payload["guild_id"]), self._joiner_in(payload, user))

    def _joiner_in(self, payload: Mapping[str, Any], user: Mapping[str, Any]) -> Joiner:
        joined_at = discord.utils.parse_time(payload.get("joined_at"))
        user_id = int(user["id"])
        return Joiner(
            user_id,
            user.get("global_name") or user["username"],
            user.get("avatar"),
            discord.utils.snowflake_time(user_id),
            joined_at or self.bot.kernel.clock.now(),
        )


def add_raid_commands(bot: Pegasus) -> None:
    """Add /automod raid and /automod lockdown to the feature's group, which is there already."""
    group: Any = bot.tree.get_command(FEATURE)
    for one in (RaidCommands(), LockdownCommands()):
        group.add_command(one)
