"""Backups of a bot that runs, and the refusal to restore under it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, plain_environment, running, scalar


async def pegasus(folder: Path, database_url: str, *arguments: str) -> tuple[int | None, str]:
    """Run a command of the command line; returns its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env={**plain_environment(), "DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


async def test_running_database_is_backed_up_but_not_overwritten(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "pegasus.backup")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await bot.kernel.roster.flush()
        status, said = await pegasus(tmp_path, sqlite_url, "backup", file)
        assert status == 0, said
        status, said = await pegasus(tmp_path, sqlite_url, "restore", file)
        assert status == 1, said
        assert "A bot is running" in said
        assert "Traceback" not in said
    status, said = await pegasus(tmp_path, sqlite_url, "restore", file)
    assert status == 0, said
    assert await scalar(sqlite_url, "SELECT count(*) FROM guilds") == 1
