"""The demo: its community at a high pace, and the command itself."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.sandbox import Sandbox
from bot.sandbox.community import Community
from db.giveaways import GiveawayEntry
from tests.wire.running import DOCUMENT, config_for, plain_environment, running, until


@pytest.mark.parametrize("sandbox_options", [{"global_limit": 0}])
async def test_lively_community_finds_no_fault(sandbox: Sandbox, sqlite_url: str) -> None:
    community = Community(sandbox, pace=40)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        living = asyncio.create_task(community.live())
        try:
            for town in community.towns:
                await sandbox.wait_for_message(
                    town.welcome, author=sandbox.application.user, within=60
                )

            async def much_was_done() -> bool:
                return await bot.metric("commands_total", outcome="ok") >= 60

            await until(much_was_done, within=60)
        finally:
            living.cancel()
        assert await bot.metric("listener_failures_total") == 0
        assert await bot.metric("gateway_malformed_events_total") == 0
        assert await bot.metric("background_task_failures_total") == 0
        assert await bot.metric("commands_total", outcome="error") == 0
        # What the owners set up was accepted.
        assert await bot.metric("commands_total", command="settings set", outcome="ok") >= 6
        # Each town holds a giveaway, and people enter it.
        assert await bot.metric("commands_total", command="giveaway start", outcome="ok") >= 3
        async with bot.kernel.database.read() as session:
            assert await session.scalar(select(func.count()).select_from(GiveawayEntry))
        assert not bot.kernel.supervisor.statuses() or all(
            status.up for status in bot.kernel.supervisor.statuses()
        )


async def test_founder_of_the_demo_opens_the_admin_pages(sandbox: Sandbox, sqlite_url: str) -> None:
    town = Community(sandbox).towns[1]
    async with running(config_for(sandbox, sqlite_url)):
        await until(lambda: sandbox.application.commands)
        refused = await town.staff[0].slash(town.log, "dashboard")
        given = await town.owner.slash(town.log, "dashboard")
        assert refused.response is not None
        assert given.response is not None
        assert f"({town.staff[0].id}) to discord.owner_ids" in refused.response.content
        link = re.findall(r"http://\S+/login/\S+", given.response.content)[0]
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
            browser.post(link, headers={"Sec-Fetch-Site": "same-origin"}) as page,
        ):
            assert page.status == 200
            assert "Log out" in await page.text()


async def demo(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "bot", "demo", "--port", "0", "--discord-port", "0"]
    return await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        cwd=folder,
        env=plain_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def until_said(process: asyncio.subprocess.Process, words: str) -> str:
    """Return what the process said up to some words."""
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(30):
        while words.encode() not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line
    return said.decode()


async def test_demo_ends_by_itself(tmp_path: Path) -> None:
    checked = ["--openapi", DOCUMENT] if DOCUMENT else []
    process = await demo(tmp_path, "--for", "1", "--data", str(tmp_path / "kept"), *checked)
    out, errors = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, errors
    for what in ("Health", "Metrics", "Statistics", "Take part", "Stops by itself"):
        assert what in out.decode()
    assert b"Traceback" not in errors
    assert (tmp_path / "kept" / "pegasus.db").exists()


async def test_demo_that_is_killed_takes_its_sandbox_along(tmp_path: Path) -> None:
    process = await demo(tmp_path)
    try:
        said = await until_said(process, "Stop with Ctrl+C")
        port = re.findall(r"Take part +http://127.0.0.1:(\d+)/", said)[0]
        assert await _is_open(int(port))
        process.send_signal(signal.SIGKILL)
        await process.wait()

        async def is_gone() -> bool:
            return not await _is_open(int(port))

        await until(is_gone)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
