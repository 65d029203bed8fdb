"""A guild with moderators of different rank, in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord

from bot.core.contracts import SYSTEM
from db.engine import Database
from tests.simcord_env import Bench, running_bench

STAFF_RIGHTS = discord.Permissions(
    moderate_members=True,
    kick_members=True,
    ban_members=True,
    manage_messages=True,
    manage_channels=True,
)


@dataclass
class Place:
    """A guild: the bot ranks above `boss`, who ranks above `mod`, who ranks above `ada`."""

    bench: Bench
    guild: Any
    channel: Any
    log: Any
    boss: Any
    mod: Any
    ada: Any
    roles: dict[str, Any]

    async def set(self, **changes: Any) -> None:
        await self.bench.kernel.settings.change(self.guild.id, "moderation", changes, actor=SYSTEM)

    async def run(self, who: Any, command: str, **options: Any) -> Any:
        return await who.slash(self.channel, command, **options)

    async def say(self, who: Any, command: str, **options: Any) -> str:
        """Run a command and return all that was answered, to the moderator alone."""
        result = await self.run(who, command, **options)
        assert result.response.ephemeral
        return text_of(result)

    async def limit_bot(self, *kept: str) -> None:
        """Leave the bot with these permissions only, besides seeing and writing."""
        rights = discord.Permissions(view_channel=True, send_messages=True)
        rights.update(**dict.fromkeys(kept, True))
        guild = self.backend.get_guild(self.guild.id)
        (role,) = (one for one in guild.roles.values() if one.managed)
        self.backend.edit_role(self.guild.id, role.id, {"permissions": rights.value})
        await self.bench.env.settle()

    async def promote(self, user_id: int) -> None:
        """Put a member as high as `boss`."""
        roles = [self.roles["Boss"].id]
        self.backend.edit_member(self.guild.id, user_id, {"role_ids": roles})
        await self.bench.env.settle()

    async def show_command(self, who: Any, name: str) -> None:
        """Have Discord show a command to somebody without the right, as an admin can."""
        command = self.backend.find_command(name, self.guild.id, type=1)
        self.guild.set_command_permissions(int(command["id"]), {who: True})
        await self.bench.env.settle()

    def dms(self, who: Any) -> list[str]:
        """Return what the bot wrote to somebody in private."""
        return [one.content for one in who.user.dm_channel.history()]

    @property
    def cases(self) -> Any:
        return self.bench.kernel.cases

    @property
    def backend(self) -> Any:
        return self.bench.env.backend

    def calls(self, method: str, part: str) -> list[Any]:
        """Return the requests to Discord of this kind."""
        return [
            one for one in self.bench.env.http_requests if one.method == method and part in one.path
        ]


def text_of(result: Any) -> str:
    """Return what an interaction was answered, text and embeds together."""
    parts: list[str] = []
    for message in (result.response, *result.followups):
        if message is None:
            continue
        parts.append(message.content or "")
        for embed in message.embeds:
            parts += [embed.title or "", embed.description or ""]
            parts += [f"{one.name}: {one.value}" for one in embed.fields]
    return "\n".join(dict.fromkeys(parts))


@asynccontextmanager
async def moderated_place(database: Database, **settings: Any) -> AsyncIterator[Place]:
    """Run a bot in a guild with staff; `settings` are sections of the configuration."""
    async with running_bench(database, settings=settings) as bench:
        # Nothing is delivered by itself here: nobody waits for it.
        bench.kernel.cases._desk.dm_seconds = 0
        await bench.kernel.cases.start()
        _work_at_once(bench)
        guild = bench.env.create_guild("Harbour")
        roles = {
            name: guild.create_role(name, permissions=rights)
            for name, rights in (
                # Each goes below those before it.
                ("Boss", discord.Permissions(STAFF_RIGHTS.value | 1 << 5)),
                ("Mod", STAFF_RIGHTS),
                ("Member", discord.Permissions.none()),
                ("Muted", discord.Permissions.none()),
            )
        }
        place = Place(
            bench,
            guild,
            guild.create_text_channel("general"),
            guild.create_text_channel("log"),
            guild.add_member(bench.env.create_user("boss"), roles=[roles["Boss"]]),
            guild.add_member(bench.env.create_user("mod"), roles=[roles["Mod"]]),
            guild.add_member(bench.env.create_user("ada"), roles=[roles["Member"]]),
            roles,
        )
        await bench.env.settle()
        yield place


def _work_at_once(bench: Bench) -> None:
    """Have batches done as soon as they are begun: whoever follows one would wait for a worker."""
    service: Any = bench.kernel.batches
    begin = service.begin

    async def begin_and_work(order: Any) -> Any:
        batch = await begin(order)
        await bench.kernel.jobs.run_due()
        return batch

    service.begin = begin_and_work
