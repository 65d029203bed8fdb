"""From start to READY, what is then true, and the way back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import ConfigurationError, DatabaseUnavailable
from bot.core.jobs import Job
from bot.core.usage import UsageEvent
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from db.guilds import SeenUser
from tests.wire.running import config_for, execute, running, scalar, until


@pytest.fixture
def second_guild(sandbox: Sandbox) -> Guild:
    guild = sandbox.add_guild("Atelier", channels=("general",))
    guild.add_channel("Lounge", ChannelType.VOICE)
    for name in ("bea", "cho"):
        sandbox.join(guild, name)
    return guild


async def test_start_is_healthy_and_ready_as_soon_as_discord_is(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url), ready=False) as bot:
        assert (await bot.health())["status"] != "healthy"
        assert not await bot.ready()
        body = await bot.until_health("healthy", within=5.0)
        assert body["checks"]["discord"]["guilds"] == 1
        assert await bot.ready()


async def test_another_bots_database_is_left_alone(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    await execute(sqlite_url, "INSERT INTO bot_identity (slot, bot_id) VALUES (1, 4711)")
    elsewhere = "INSERT INTO guilds (id, name, joined_at, settings) VALUES (7, 'Far', :at, '{}')"
    await execute(sqlite_url, elsewhere, at="2026-01-01 00:00:00.000000")
    async with running(config_for(sandbox, sqlite_url), ready=False) as bot:
        body = await bot.until_health("unhealthy")
        assert "another bot" in str(body["checks"]["discord"]["reasons"])
        assert "pegasus adopt" in str(body["checks"]["discord"]["reasons"])
        assert sandbox.gateway.identifies == 0
    assert await scalar(sqlite_url, "SELECT left_at FROM guilds WHERE id = 7") is None


async def test_statistics_equal_the_world(
    sandbox: Sandbox, guild: Guild, second_guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        _, stats = await bot.get("/api/stats")
        world = sandbox.world.guilds.values()
        assert stats["bot"]["guilds"] == 2
        assert stats["bot"]["users"] == sum(len(one.members) for one in world)
        assert stats["bot"]["channels"] == sum(len(one.channels) for one in world)
        assert await bot.metric("guilds") == 2
        assert await bot.metric("channels", type="voice") == 1


async def test_commands_are_registered_and_answered(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await until(lambda: sandbox.application.commands)
        ada = sandbox.join(guild, "ada")
        answer = await ada.slash(guild.channel("general"), "ping")
        assert answer.response is not None
        assert "database" in answer.response.content
        assert answer.response.ephemeral
        assert await bot.metric("commands_total", command="ping", outcome="ok") == 1
        assert await bot.metric("interaction_ack_seconds_count", kind="command") == 1


async def test_sessions_left_today_are_measured(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        assert await bot.metric("gateway_identify_remaining") == 999


async def test_stop_writes_what_was_recorded(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await until(lambda: sandbox.application.commands)
        ada = sandbox.join(guild, "ada")
        for _ in range(3):
            await ada.slash(guild.channel("general"), "about")
        assert await bot.stop() == 0
    assert await scalar(sqlite_url, "SELECT count(*) FROM command_usage") == 3
    assert await scalar(sqlite_url, f"SELECT count(*) FROM users WHERE id = {ada.id}") == 1
    assert await scalar(sqlite_url, "SELECT count(*) FROM processes") == 0


async def test_stop_says_goodbye_to_discord(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        assert sandbox.gateway.sessions
        await bot.stop()
        # A close with 1000 ends the session; a mere loss would leave it to be resumed.
        await until(lambda: not sandbox.gateway.sessions)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "discord"]


async def test_stop_takes_readiness_away_first(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def last_work(job: Job, session: AsyncSession) -> None:
        begun.set()
        await may_end.wait()

    async with running(config_for(sandbox, sqlite_url)) as bot:
        jobs = bot.kernel.jobs
        jobs.register("last_work", last_work)
        async with bot.kernel.database.write() as session:
            await jobs.schedule(session, "last_work", bot.kernel.clock.now(), dedupe_key="last")
        await begun.wait()
        bot.application.request_stop()

        async def draining() -> bool:
            return "shutting down" in str((await bot.get("/ready"))[1])

        await until(draining, within=1.0)
        assert not bot.task.done()
        may_end.set()
        assert await bot.task == 0
    assert await scalar(sqlite_url, "SELECT state FROM jobs WHERE dedupe_key = 'last'") == "done"


async def test_taken_port_is_named(sandbox: Sandbox, sqlite_url: str) -> None:
    config = config_for(sandbox, sqlite_url, web={"port": sandbox.port})
    with pytest.raises(ConfigurationError, match=str(sandbox.port)):
        async with running(config):
            raise AssertionError("it started")


async def test_database_out_of_reach_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, "postgresql://someone:secret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable) as caught:
        async with running(config):
            raise AssertionError("it started")
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_what_is_noted_while_stopping_is_stored(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel

        async def end_late() -> None:
            """Work as a command does that ends when the gateway is closed already."""
            await until(lambda: not sandbox.gateway.connections)
            now = kernel.clock.now()
            kernel.usage.record(
                UsageEvent(
                    guild_id=guild.id,
                    user_id=7,
                    command="late",
                    kind="slash",
                    outcome="ok",
                    duration_ms=1,
                    at=now,
                )
            )
            kernel.roster.user_seen(SeenUser(7, "late", None, now))

        kernel.supervisor.spawn("late", end_late())
        await bot.stop()
    assert await scalar(sqlite_url, "SELECT count(*) FROM command_usage") == 1
    assert await scalar(sqlite_url, "SELECT count(*) FROM users WHERE id = 7") == 1


async def test_guild_that_removes_the_bot_is_forgotten(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        async with kernel.database.write() as session:
            await kernel.jobs.schedule(
                session,
                "welcome.delete",
                kernel.clock.now().replace(year=2999),
                {"channel_id": 1, "key": "k"},
                dedupe_key="later",
                guild_id=guild.id,
            )
        guild.remove_member(sandbox.application.user.id)
        await until(
            lambda: scalar(sqlite_url, "SELECT count(*) FROM guilds WHERE left_at IS NOT NULL")
        )
        state = await scalar(sqlite_url, "SELECT state FROM jobs WHERE dedupe_key = 'later'")
        assert state == "cancelled"

        async def nothing_is_left() -> bool:
            return (await bot.get("/api/stats"))[1]["bot"]["guilds"] == 0

        await until(nothing_is_left)
