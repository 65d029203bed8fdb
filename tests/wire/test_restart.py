"""What a process leaves behind when it is stopped or killed, and what the next one makes of it."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import bot_process, execute, scalar, until

USED = "SELECT count(*) FROM command_usage"
SENT = "SELECT count(*) FROM outbox WHERE state = 'sent'"


async def set_up(sandbox: Sandbox, guild: Guild) -> None:
    """Have the owner switch greetings on that are deleted again later."""
    await until(lambda: sandbox.application.commands)
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    staff = guild.channel("staff")
    for field, value in (
        ("join_channel_id", str(guild.channel("welcome").id)),
        ("card_enabled", "false"),
        ("delete_after", "1h"),
    ):
        options = {"feature": "welcome", "field": field, "value": value}
        await owner.slash(staff, "settings set", options=options)
    await owner.slash(staff, "feature enable", options={"feature": "welcome"})


async def test_killed_process_loses_no_setting_and_no_job(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    welcome = guild.channel("welcome")
    async with bot_process(sandbox, sqlite_url, tmp_path) as first:
        await set_up(sandbox, guild)
        ada = sandbox.join(guild, "ada")
        greeting = await sandbox.wait_for_message(welcome, containing=ada.mention)
        # Killed before that, the delivery would lie under its claim, and the removal would wait.
        await until(lambda: scalar(sqlite_url, SENT))
        await until(lambda: scalar(sqlite_url, f"{USED} WHERE outcome = 'ok'"), within=5)
        await first.kill()

    # While nobody runs, the time comes at which the greeting is to be deleted.
    past = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
    await execute(sqlite_url, "UPDATE outbox SET sent_at = :past", past=past)
    await execute(
        sqlite_url, "UPDATE jobs SET due_at = :past WHERE kind = 'welcome.delete'", past=past
    )
    async with bot_process(sandbox, sqlite_url, tmp_path):
        await until(lambda: greeting.deleted, within=30)
        bea = sandbox.join(guild, "bea")
        await sandbox.wait_for_message(welcome, containing=bea.mention)
        deletions = sandbox.recorder.calls_to("DELETE", f"/channels/{welcome.id}/messages/*")
        assert len(deletions) == 1
        assert len(sandbox.recorder.calls_to("POST", f"/channels/{welcome.id}/messages")) == 2


async def test_term_is_obeyed_in_time_and_loses_no_statistics(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    async with bot_process(sandbox, sqlite_url, tmp_path) as bot:
        await until(lambda: sandbox.application.commands)
        ada = sandbox.join(guild, "ada")
        for _ in range(5):
            await ada.slash(guild.channel("general"), "about")
        bot.signal(signal.SIGTERM)
        assert await bot.wait(within=10) == 0
        assert not [entry for entry in bot.log if str(entry["event"]).startswith("stop_step")]
    assert await scalar(sqlite_url, USED) == 5
    async with bot_process(sandbox, sqlite_url, tmp_path) as bot:
        _, stats = await bot.get("/api/stats")
        assert {"command": "about", "count": 5} in stats["topCommands"]


async def test_term_is_obeyed_in_time_while_the_database_is_locked(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    async with bot_process(sandbox, sqlite_url, tmp_path) as bot:
        await until(lambda: sandbox.application.commands)
        ada = sandbox.join(guild, "ada")
        with closing(_connect(sqlite_url)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            for _ in range(5):
                await ada.slash(guild.channel("general"), "about")
            bot.signal(signal.SIGTERM)
            # Docker kills ten seconds after it asked.
            assert await bot.wait(within=10) == 0


async def test_second_signal_ends_at_once(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    async with bot_process(sandbox, sqlite_url, tmp_path) as bot:
        bot.signal(signal.SIGINT)
        bot.signal(signal.SIGTERM)
        assert await bot.wait(within=5) == 130


def _connect(url: str) -> sqlite3.Connection:
    return sqlite3.connect(str(make_url(url).database), isolation_level=None)
