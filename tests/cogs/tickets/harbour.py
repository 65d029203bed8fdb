"""A guild in a running bot, with an admin, staff and a member, for what people do with tickets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord

from db.engine import Database
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench


@dataclass
class Desk:
    """A guild with an admin, a member of the staff and a member."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    sam: Any
    ada: Any
    role: Any
    crew: Any

    @property
    def cog(self) -> Any:
        return self.bench.bot.get_cog("Tickets")

    async def ask(self, who: Any, command: str, /, **options: Any) -> str:
        return text_of(await who.slash(self.channel, command, **options))

    async def panel(self) -> Any:
        (row,) = await self.cog.desk.list(self.guild.id)
        return row


@asynccontextmanager
async def harbour(database: Database) -> AsyncIterator[Desk]:
    """Have the guild in a running bot."""
    async with running_bench(database) as bench:
        guild = bench.env.create_guild("Harbour")
        manages = discord.Permissions(manage_guild=True)
        admins = guild.create_role("Crew", permissions=manages)
        role = guild.create_role("Helpers")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[admins])
        sam = guild.add_member(bench.env.create_user("sam"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        channel = guild.create_text_channel("general")
        yield Desk(bench, guild, channel, boss, sam, ada, role, admins)


async def made(desk: Desk) -> None:
    """Have a panel."""
    answer = await desk.boss.slash(
        desk.channel, "ticket panel create", name="Support", staff=desk.role
    )
    assert "Support" in str(answer.response.components)
