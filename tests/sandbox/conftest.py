"""A running sandbox, and a real discord.py client connected to it over the wire."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
import yarl
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.sandbox.answers import answer_checker

Connect = Callable[..., Awaitable["Client"]]


class Client(commands.AutoShardedBot):
    """A plain discord.py bot that notes the events it gets."""

    def __init__(self, *, intents: discord.Intents | None = None) -> None:
        super().__init__(
            "!",
            intents=intents or discord.Intents.all(),
            guild_ready_timeout=0,
            chunk_guilds_at_startup=False,
            help_command=None,
        )
        self.seen: list[str] = []
        self.failures: list[BaseException] = []
        self.arrivals = asyncio.Condition()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once: the sandbox has no limit on it."""

    async def on_socket_event_type(self, event: str) -> None:
        await self._note(event)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        failure = sys.exception()
        if failure is not None:
            self.failures.append(failure)

    async def _note(self, name: str) -> None:
        async with self.arrivals:
            self.seen.append(name)
            self.arrivals.notify_all()

    async def until(self, event: str, *, times: int = 1) -> None:
        """Wait until the gateway event has come this many times."""
        async with asyncio.timeout(30), self.arrivals:
            await self.arrivals.wait_for(lambda: self.seen.count(event) >= times)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose answers, and the requests it got, are as the document has them."""
    async with Sandbox() as running:
        yield running
        checker = answer_checker()
        calls = running.recorder.calls if checker else ()
        assert [fault for call in calls if checker for fault in checker.check(call)] == []


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general", "welcome"))


@asynccontextmanager
async def connected(sandbox: Sandbox, client: Client) -> AsyncIterator[Client]:
    """Keep the client connected to the sandbox; it has received its guilds."""
    running = asyncio.create_task(client.start(sandbox.token))
    try:
        arrived = asyncio.create_task(client.until("READY"))
        await asyncio.wait({running, arrived}, return_when=asyncio.FIRST_COMPLETED)
        arrived.cancel()
        if running.done():
            running.result()
        guilds = sandbox.world.guilds_of(sandbox.application)
        if guilds:
            await client.until("GUILD_CREATE", times=len(guilds))
        yield client
    finally:
        await client.close()
        await asyncio.wait([running])
        if not running.cancelled() and running.exception() is not None:
            raise running.exception() or AssertionError
        if client.failures:
            raise client.failures[0]


@pytest.fixture
def wire(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Point discord.py at the sandbox."""
    monkeypatch.setattr(Route, "BASE", sandbox.api_base_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))
    return sandbox


@pytest.fixture
async def client(wire: Sandbox, guild: Guild) -> AsyncIterator[Client]:
    """A client with every intent, connected to the sandbox with one guild."""
    async with connected(wire, Client()) as running:
        yield running
