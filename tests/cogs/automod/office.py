"""A running bot, a guild with somebody who manages its rules, and what they see and do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord

from db.engine import Database
from tests.simcord_env import Bench, running_bench


@dataclass
class Office:
    """A guild with an admin, a plain member and a channel, and perhaps an open panel."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any
    crew: Any
    panel: Any = None

    async def say(self, command: str, *, who: Any = None, **options: Any) -> str:
        """Run a command and return what was answered, text and embeds together."""
        result = await (who or self.boss).slash(self.channel, command, **options)
        assert result.response.ephemeral
        return text_of(result.response)

    async def complete(self, command: str, option: str, typed: str, *, who: Any = None) -> Any:
        """Return what is offered while an option is typed, by name."""
        found = await (who or self.boss).autocomplete(self.channel, command, option, typed)
        return {one["name"]: one["value"] for one in found}

    async def settings(self) -> Any:
        """Return Automod's settings as the store has them."""
        return (await self.bench.kernel.settings.get(self.guild.id, "automod")).settings

    async def rules(self) -> Any:
        """Return the rules as the store has them."""
        return (await self.settings()).rules

    async def open_panel(self, rule: str) -> None:
        """Open the panel of a rule."""
        self.panel = (await self.boss.slash(self.channel, "automod rule edit", rule=rule)).response

    async def choose(self, part: str) -> Any:
        """Choose what to change, and return the form."""
        return await self.boss.select(self.panel, [part], custom_id="automod:panel:edit")

    async def fill(self, part: str, **values: Any) -> None:
        """Change a part of the rule through its form."""
        await self.boss.submit_modal(await self.choose(part), values)

    async def press(self, name: str) -> None:
        """Press a switch of the panel."""
        await self.boss.click(self.panel, custom_id=f"automod:panel:{name}")

    def shown(self) -> str:
        """Return every text of the panel as it is now."""
        message = self.panel.message if hasattr(self.panel, "message") else self.panel
        return "\n".join(_texts(message.components))


def text_of(message: Any) -> str:
    """Return a message's text and its embeds together."""
    parts = [message.content or ""]
    parts += [f"{one.title}\n{one.description}" for one in message.embeds]
    return "\n".join(parts)


def _texts(components: Any) -> list[str]:
    found: list[str] = []
    for one in components:
        if isinstance(one, discord.TextDisplay):
            found.append(one.content)
        found += _texts(getattr(one, "children", ()))
    return found


@asynccontextmanager
async def opened_office(database: Database) -> AsyncIterator[Office]:
    """Run the bot with a guild in which the boss has Manage Server and Ada nothing."""
    async with running_bench(database) as bench:
        guild = bench.env.create_guild("Harbour")
        crew = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        yield Office(
            bench,
            guild,
            guild.create_text_channel("general"),
            guild.add_member(bench.env.create_user("boss"), roles=[crew]),
            guild.add_member(bench.env.create_user("ada")),
            crew,
        )
