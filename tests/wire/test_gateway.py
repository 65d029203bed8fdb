"""What the gateway can do to the bot, and how it goes on."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import client
from bot.core.contracts import SYSTEM
from bot.core.outbox import Delivery
from bot.sandbox import Sandbox
from bot.sandbox.events import Intent
from bot.sandbox.guild import Guild
from bot.sandbox.recorder import GatewayFrame
from tests.wire.running import Bot, config_for, running, scalar, until

RESUME = 6


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        yield running_bot


def is_resume(frame: GatewayFrame) -> bool:
    return frame.op == RESUME


async def answers(sandbox: Sandbox, guild: Guild, name: str = "ada") -> None:
    """Hold that a command is answered."""
    person = sandbox.join(guild, name)
    answer = await person.slash(guild.channel("general"), "about")
    assert answer.response is not None


async def test_lost_connection_is_resumed_without_losing_events(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    await bot.kernel.settings.change(
        guild.id,
        "welcome",
        {"join_channel_id": guild.channel("welcome").id, "card_enabled": False},
        actor=SYSTEM,
        enabled=True,
    )
    assert sandbox.faults.drop() == 1
    ada = sandbox.join(guild, "ada")
    await sandbox.recorder.frames.wait_for(is_resume, within=10)
    await sandbox.wait_for_message(guild.channel("welcome"), containing=ada.mention)
    assert sandbox.gateway.identifies == 1
    assert await bot.metric("gateway_sessions_total", kind="resume") == 1
    assert await bot.metric("gateway_disconnects_total", shard="0") == 1
    bea = sandbox.join(guild, "bea")
    await sandbox.wait_for_message(guild.channel("welcome"), containing=bea.mention)
    assert len(guild.channel("welcome").messages) == 2


async def test_reconnect_request_is_followed_by_a_resume(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    sandbox.faults.reconnect()
    await sandbox.recorder.frames.wait_for(is_resume, within=10)
    await answers(sandbox, guild)
    assert sandbox.gateway.identifies == 1


async def test_invalid_session_that_can_be_resumed_is(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    sandbox.faults.invalidate(resumable=True)
    await sandbox.recorder.frames.wait_for(is_resume, within=10)
    await answers(sandbox, guild)
    assert sandbox.gateway.identifies == 1


async def test_invalid_session_begins_another_at_the_same_place(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    sandbox.faults.invalidate(resumable=False)
    await until(lambda: sandbox.gateway.identifies == 2)
    await bot.until_health("healthy")
    await answers(sandbox, guild)
    assert await bot.metric("gateway_identify_remaining") == 998


async def test_unanswered_heartbeats_end_the_connection(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.5)
    sandbox.gateway.heartbeat_interval = 0.2
    async with running(config_for(sandbox, sqlite_url)):
        sandbox.faults.ignore_heartbeats()
        await sandbox.recorder.frames.wait_for(is_resume, within=10)
        sandbox.faults.ignore_heartbeats(ignore=False)
        await answers(sandbox, guild)
        assert sandbox.gateway.identifies == 1


async def test_shard_without_a_session_is_not_up_however_open_its_socket(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENCE_SECONDS", 1.0)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        sandbox.gateway.heartbeat_interval = 0.3
        sandbox.faults.ignore_sessions()
        sandbox.faults.ignore_heartbeats()
        sandbox.faults.drop()
        await sandbox.recorder.frames.wait_for(is_resume, within=10)
        assert sandbox.gateway.connections
        assert await bot.metric("gateway_up") == 0
        sandbox.faults.clear()
        sandbox.faults.ignore_heartbeats()
        await until(lambda: bot.kernel.state().gateway().shards[0].connected, within=15)
        sandbox.faults.clear()
        assert sandbox.gateway.identifies == 1


async def test_gateway_that_is_down_is_waited_for(sandbox: Sandbox, guild: Guild, bot: Bot) -> None:
    sandbox.faults.refuse_connections(0.5)
    sandbox.faults.drop()
    # discord.py gives the session up when resuming fails once.
    await until(lambda: sandbox.gateway.identifies == 2, within=15)
    await bot.until_health("healthy")
    await answers(sandbox, guild)


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("GUILD_MEMBER_ADD", {"guild_id": "x"}),
        ("MESSAGE_CREATE", {"channel_id": None}),
        ("INTERACTION_CREATE", {"type": 2, "data": []}),
        ("GUILD_CREATE", []),
        ("CHANNEL_UPDATE", "nonsense"),
    ],
)
async def test_malformed_event_is_outlived_and_counted(
    sandbox: Sandbox, guild: Guild, bot: Bot, event: str, payload: Any
) -> None:
    sandbox.faults.send_dispatch(event, payload)
    await answers(sandbox, guild)
    assert await bot.metric("gateway_malformed_events_total", event=event) == 1
    assert sandbox.gateway.identifies == 1


@pytest.mark.parametrize(
    ("code", "advice"), [(4004, "Reset"), (4013, "update"), (4014, "Server Members")]
)
async def test_close_that_no_retry_can_cure_is_told_and_not_retried(
    sandbox: Sandbox, guild: Guild, bot: Bot, code: int, advice: str
) -> None:
    assert await sandbox.faults.close(code) == 1
    body = await bot.until_health("unhealthy")
    assert advice in str(body["checks"]["discord"]["reasons"])
    assert await bot.metric("health_status", check="auth") == 2
    assert await bot.samples("gateway_up") == [0]
    await until(lambda: not _is_connecting(bot))
    assert not await bot.ready()
    assert sandbox.gateway.identifies == 1
    assert not sandbox.gateway.connections


async def test_refused_bot_keeps_its_deliveries_for_the_next_start(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    welcome = guild.channel("welcome")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await sandbox.faults.close(4014)
        await until(lambda: not _is_connecting(bot))
        async with bot.kernel.database.write() as session:
            delivery = Delivery.message(
                welcome.id, {"content": "hello"}, dedupe_key="kept", guild_id=guild.id
            )
            await bot.kernel.outbox.send(session, delivery)
        with pytest.raises(RuntimeError, match="no courier"):
            await bot.kernel.outbox.run_due()
    async with running(config_for(sandbox, sqlite_url)):
        await sandbox.wait_for_message(welcome, containing="hello")
    assert await scalar(sqlite_url, "SELECT attempts FROM outbox") == 1


async def test_unknown_token_is_told_and_not_retried(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    config = config_for(sandbox, sqlite_url, discord={"token": "sandbox.token.of-nobody"})
    async with running(config, ready=False) as bot:
        body = await bot.until_health("unhealthy")
        assert "does not accept the bot token" in str(body["checks"]["discord"]["reasons"])
        assert await bot.samples("gateway_up") == [0]
        await until(lambda: not _is_connecting(bot))
        assert len(sandbox.recorder.calls_to("GET", "/users/@me")) == 1
        assert sandbox.gateway.identifies == 0


@pytest.mark.parametrize("sandbox_options", [{"allowed_intents": Intent.ALL & ~Intent.PRIVILEGED}])
async def test_intents_that_are_switched_off_are_told_and_not_retried(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url), ready=False) as bot:
        body = await bot.until_health("unhealthy")
        assert "members_intent" in str(body["checks"]["discord"]["reasons"])
        await until(lambda: not _is_connecting(bot))
        identified = [frame for frame in sandbox.recorder.frames if frame.op == 2]
        assert len(identified) == 1


@pytest.mark.parametrize("sandbox_options", [{"allowed_intents": Intent.ALL & ~Intent.PRIVILEGED}])
async def test_bot_works_without_privileged_intents(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    without = {"members_intent": False, "message_content_intent": False}
    async with running(config_for(sandbox, sqlite_url, discord=without)) as bot:
        await until(lambda: sandbox.application.commands)
        await answers(sandbox, guild)
        assert (await bot.health())["status"] == "healthy"


async def test_last_session_of_the_day_is_told(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    sandbox.gateway.starts.leave(1)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        assert await bot.metric("gateway_identify_remaining") == 0


async def test_no_session_is_begun_before_discord_takes_one_again(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    sandbox.gateway.starts.leave(1, reset_after=60)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        sandbox.gateway.starts.leave(0, reset_after=2)
        renewed_at = asyncio.get_running_loop().time() + 2
        sandbox.faults.invalidate()
        # The sandbox, like Discord, takes the token away from a bot that asks for one too many.
        await until(lambda: sandbox.gateway.identifies == 2)
        assert asyncio.get_running_loop().time() >= renewed_at
        await until(lambda: _is_connected(bot))
        # The wait for the session is none of the connection's.
        assert await until(lambda: _latency(bot) < 1.0, within=5.0, what="the latency")
        await bot.until_health("healthy")
        assert await bot.metric("gateway_identify_remaining") == 999


def _is_connected(bot: Bot) -> bool:
    (shard,) = bot.kernel.state().gateway().shards
    return shard.connected


def _latency(bot: Bot) -> float:
    (shard,) = bot.kernel.state().gateway().shards
    return math.inf if shard.latency is None else shard.latency


def _is_connecting(bot: Bot) -> bool:
    return any(status.name == "discord" for status in bot.kernel.supervisor.statuses())
