"""What the parts that run giveaways share: services, what the guild has set; no discord.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.guild_locale import locale_of_guild
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.roles import RoleService
from bot.core.settings import SettingsStore
from cogs.giveaways.eligibility import House
from cogs.giveaways.ports import Board, Members, Vault
from cogs.giveaways.settings import KEY, GiveawaySettings
from db.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Backstage:
    """The services, and the few things that every part does with them."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    outbox: OutboxService
    roles: RoleService
    state: Callable[[], BotState]
    board: Board
    members: Members
    vault: Vault

    async def is_on(self, guild_id: int) -> bool:
        """Tell whether the guild has giveaways switched on."""
        return (await self.settings.get(guild_id, KEY)).enabled

    async def recall(self, guild_id: int) -> None:
        """Have what the guild has set in memory: whoever holds rows needs no second connection."""
        await self.settings.get(guild_id, KEY)

    async def set_by(self, guild_id: int) -> GiveawaySettings:
        """Return what the guild has set."""
        return (await self.settings.get(guild_id, KEY)).settings

    async def house(self, guild_id: int) -> House:
        """Return what the guild asks of everybody who enters."""
        settings = await self.set_by(guild_id)
        return House(
            blocked_roles=frozenset(settings.blocked_roles),
            bypass_roles=frozenset(settings.bypass_roles),
            min_account_age=settings.min_account_age,
        )

    def guild_name(self, guild_id: int) -> str:
        """Return what a guild is called."""
        guild = self.state().guild(guild_id)
        return guild.name if guild else "Discord"

    async def locale(self, guild_id: int) -> str | None:
        """Return the guild's language."""
        return await locale_of_guild(self.settings, self.state(), guild_id)
