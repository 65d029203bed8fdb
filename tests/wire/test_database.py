"""The database goes away and comes back: the bot says so, stays, and loses nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlalchemy import make_url

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.proxy import wired
from tests.wire.running import Bot, config_for, running, scalar, until

GONE = "can't be reached"


async def test_lost_server_is_reported_outlived_and_recovered_from(
    sandbox: Sandbox, guild: Guild, postgres_url: str
) -> None:
    async with wired(postgres_url) as (wire, url), running(config_for(sandbox, url)) as bot:
        await until(lambda: sandbox.application.commands)
        await bot.until_health("healthy")
        limits = bot.kernel.health.limits
        bot.kernel.health.limits = replace(limits, database_unhealthy=1.5)
        ada = sandbox.join(guild, "ada")
        channel = guild.channel("general")
        await wire.cut()

        body = await bot.until_health("degraded")
        assert "has not answered" in str(body["checks"]["database"]["reasons"])
        refused = await ada.slash(channel, "ping")
        assert refused.response is not None
        assert GONE in refused.response.content
        # What needs no database goes on.
        assert (await ada.slash(channel, "about")).response is not None
        status, problem = await bot.get("/api/logs")
        assert (status, problem["code"]) == (503, "E001")
        body = await bot.until_health("unhealthy")
        assert not await bot.ready()
        assert await bot.metric("db_up") == 0

        await wire.mend()
        await bot.until_health("healthy", within=60)
        assert await bot.ready()
        answered = await ada.slash(channel, "ping")
        assert answered.response is not None
        assert GONE not in answered.response.content
        await until(lambda: _used(postgres_url, 3), within=20)


async def test_work_that_was_due_meanwhile_is_done_afterwards(
    sandbox: Sandbox, guild: Guild, postgres_url: str
) -> None:
    async with wired(postgres_url) as (wire, url), running(config_for(sandbox, url)) as bot:
        await _greet(bot, guild)
        await wire.cut()
        await bot.until_health("degraded")
        await wire.mend()
        await bot.until_health("healthy", within=60)
        ada = sandbox.join(guild, "ada")
        await sandbox.wait_for_message(guild.channel("welcome"), containing=ada.mention, within=15)
        failed = await bot.metric("background_task_up")
        tasks = len(bot.kernel.supervisor.statuses())
        assert failed == tasks


async def test_locked_file_is_told_and_forgotten(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    config = config_for(sandbox, sqlite_url, database={"busy_timeout": 0.2})
    async with running(config) as bot:
        await until(lambda: sandbox.application.commands)
        owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
        channel = guild.channel("general")
        change = {"feature": "welcome"}
        intruder = sqlite3.connect(_path(sqlite_url), isolation_level=None, check_same_thread=False)
        with closing(intruder):
            # In a thread: the bot may be writing, and could not end that while the loop waits.
            await asyncio.to_thread(intruder.execute, "BEGIN IMMEDIATE")
            refused = await owner.slash(channel, "feature enable", options=change)
            assert refused.response is not None
            assert GONE in refused.response.content
            assert not bot.kernel.settings.peek(guild.id, "welcome").enabled
            intruder.execute("ROLLBACK")
        accepted = await owner.slash(channel, "feature enable", options=change)
        assert accepted.response is not None
        assert bot.kernel.settings.peek(guild.id, "welcome").enabled
        # The command that failed is counted, too.
        await until(lambda: _used(sqlite_url, 2))


async def _greet(bot: Bot, guild: Guild) -> None:
    await bot.kernel.settings.change(
        guild.id,
        "welcome",
        {"join_channel_id": guild.channel("welcome").id, "card_enabled": False},
        actor=SYSTEM,
        enabled=True,
    )


async def _used(url: str, times: int) -> bool:
    return await scalar(url, "SELECT count(*) FROM command_usage") == times


def _path(url: str) -> Path:
    return Path(str(make_url(url).database))
