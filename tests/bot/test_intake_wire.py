"""Intake and live state over a real connection to the sandbox, through resumes and new sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import discord
import pytest
import yarl
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from bot.core.clock import SystemClock
from bot.core.messages import Verdict
from bot.core.supervisor import TaskSupervisor
from bot.intake import Intake
from bot.sandbox import Actor, Sandbox
from bot.state import DiscordState


class Wire:
    """A client with intake and state, connected to a sandbox with one guild and one person."""

    def __init__(self, sandbox: Sandbox, client: commands.AutoShardedBot) -> None:
        self.sandbox = sandbox
        self.client = client
        self.guild = sandbox.add_guild("Harbour")
        self.channel = self.guild.channel("general")
        self.ada: Actor = sandbox.join(self.guild, "ada")
        supervisor = TaskSupervisor()
        self.intake = Intake(SystemClock(), supervisor.spawn)
        self.intake.add_gate("automod", lambda one: Verdict("spam" not in one.content), order=10)
        self.intake.attach(client)
        self.state = DiscordState(client, SystemClock(), self.intake.last_event_age)
        self.heard: list[str] = []
        client.add_listener(self._hear, "on_message")

    async def _hear(self, message: discord.Message) -> None:
        self.heard.append(message.content)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not happened():
                await asyncio.sleep(0.01)


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    async with Sandbox() as sandbox:
        monkeypatch.setattr(discord.http.Route, "BASE", sandbox.api_base_url)
        # For a new session discord.py goes to its own address, not to the one /gateway/bot gave.
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))
        client = commands.AutoShardedBot(
            "!",
            intents=discord.Intents.all(),
            help_command=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.1,
        )
        wire = Wire(sandbox, client)
        async with client:
            running = asyncio.create_task(client.start(sandbox.token))
            await wire.until(lambda: wire.state.gateway().first_ready)
            yield wire
            await client.close()
            await running


async def test_a_rejected_message_never_reaches_a_listener(wire: Wire) -> None:
    wire.ada.send(wire.channel, "spam spam")
    wire.ada.send(wire.channel, "hello")
    await wire.until(lambda: bool(wire.heard))
    assert wire.heard == ["hello"]
    assert wire.intake.snapshot().rejected == {"automod": 1}


@pytest.mark.parametrize("event", ["MESSAGE_CREATE", "GUILD_UPDATE", "INTERACTION_CREATE"])
async def test_the_connection_outlives_a_malformed_dispatch(wire: Wire, event: str) -> None:
    wire.sandbox.faults.send_dispatch(event, {"id": {}, "guild_id": []})
    wire.sandbox.faults.send_dispatch(event, None)
    wire.ada.send(wire.channel, "still here")
    await wire.until(lambda: bool(wire.heard))
    assert wire.intake.snapshot().malformed == {event: 2}
    assert wire.state.gateway().shards[0].connected


async def test_the_intake_stays_in_place_after_a_resume_and_a_new_session(wire: Wire) -> None:
    for number, trouble in enumerate(
        (wire.sandbox.faults.reconnect, wire.sandbox.faults.invalidate)
    ):
        before = dict(wire.intake.snapshot().events)
        trouble()
        await wire.until(
            lambda known=before: _sessions(wire.intake.snapshot().events) > _sessions(known)
        )
        wire.ada.send(wire.channel, "spam")
        wire.ada.send(wire.channel, f"back {number}")
        await wire.until(lambda wanted=number: f"back {wanted}" in wire.heard)
    assert wire.heard == ["back 0", "back 1"]
    assert wire.intake.snapshot().rejected == {"automod": 2}


def _sessions(events: dict[str, int]) -> int:
    return events.get("READY", 0) + events.get("RESUMED", 0)


async def test_state_follows_a_real_connection(wire: Wire) -> None:
    await wire.until(lambda: wire.state.gateway().shards[0].latency is not None)
    shard = wire.state.gateway().shards[0]
    assert shard.connected
    assert shard.ack_age is not None
    assert 0 <= shard.ack_age < 10
    assert wire.state.counts().guilds == 1
    assert wire.state.counts().users == len(wire.guild.members)

    wire.sandbox.faults.refuse_connections(60)
    wire.sandbox.faults.drop()
    await wire.until(lambda: not wire.state.gateway().shards[0].connected)
    lost = wire.state.gateway().shards[0]
    assert 0 <= lost.disconnected_for < 10
    assert (lost.latency, lost.ack_age) == (None, None)
