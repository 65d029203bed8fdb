"""What the parts of raids share: the kernel's services, where the log is, and its language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.guild_locale import BASICS, locale_of_guild

if TYPE_CHECKING:
    from bot.core.cases import CaseService
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.jobs import JobService
    from bot.core.outbox import OutboxService
    from bot.core.problems import ProblemService
    from bot.core.reach import Reach
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor
    from cogs.automod.raid.controls import GuildControls
    from cogs.automod.settings import AutomodSettings
    from db.engine import Database

FEATURE = "automod"


@dataclass(slots=True, kw_only=True)
class RaidDesk:
    """The services at hand; `controls` turns what Discord has, `reach` knows whom to spare."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    outbox: OutboxService
    problems: ProblemService
    cases: CaseService
    supervisor: TaskSupervisor
    state: Callable[[], BotState]
    controls: GuildControls
    reach: Reach
    count: Callable[[str], None] = lambda _happening: None

    async def settings_of(self, guild_id: int) -> AutomodSettings | None:
        """Return the guild's settings of Automod, `None` while raids are not watched for."""
        state = await self.settings.get(guild_id, FEATURE)
        settings: AutomodSettings = state.settings
        return settings if state.enabled and settings.raid_enabled else None

    async def log_channel(self, guild_id: int) -> int | None:
        """Return the channel for news of raids: Automod's, else the guild's log channel."""
        automod: Any = (await self.settings.get(guild_id, FEATURE)).settings
        if automod.log_channel_id is not None:
            return automod.log_channel_id
        basics: Any = (await self.settings.get(guild_id, BASICS)).settings
        return basics.log_channel_id

    async def locale(self, guild_id: int) -> str | None:
        """Return the language of what all of the guild's staff read."""
        return await locale_of_guild(self.settings, self.state(), guild_id)
