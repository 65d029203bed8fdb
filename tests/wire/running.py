"""The real application against a sandbox, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from sqlalchemy import text

from bot.application import Application
from bot.core.config import Config
from bot.core.kernel import Kernel
from bot.runtime import Runtime
from bot.sandbox import Sandbox
from db.engine import Database

ROOT = Path(__file__).parents[2]
_CLASSES = ("default", "economy", "admin", "moderation", "api", "heavy", "press")
GENEROUS = dict.fromkeys(_CLASSES, "1000/60") | {
    "api_per_minute": 10_000,
    "api_per_hour": 10_000,
}
# Discord's OpenAPI document, where the operator of the tests has a copy.
DOCUMENT = os.environ.get("PEGASUS_DISCORD_OPENAPI")
T = TypeVar("T")


async def until(
    look: Callable[[], Awaitable[T]] | Callable[[], T], *, within: float = 10.0, what: str = ""
) -> T:
    """Look again and again until what is seen is true, and return it."""
    deadline = asyncio.get_running_loop().time() + within
    seen: Any = None
    while asyncio.get_running_loop().time() < deadline:
        seen = look()
        if isinstance(seen, Awaitable):
            seen = await seen
        if seen:
            return seen
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what or look} did not come true in {within} s; last seen: {seen!r}")


def config_for(sandbox: Sandbox, database_url: str, **sections: Mapping[str, Any]) -> Config:
    """Return a configuration for the sandbox; sections add to it key by key."""
    values: dict[str, dict[str, Any]] = {
        "discord": {
            "token": sandbox.token,
            "api_base_url": sandbox.api_base_url,
            "cdn_base_url": sandbox.cdn_url,
        },
        "database": {"url": database_url},
        "web": {"port": 0},
        "limits": dict(GENEROUS),
        "health": {"sample_seconds": 1.0, "loop_lag_ms": 60_000, "database_ping_ms": 60_000},
    }
    for name, section in sections.items():
        values[name] = values.get(name, {}) | dict(section)
    return Config.model_validate(values)


@dataclass
class Web:
    """What a running bot says over HTTP."""

    base_url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body."""
        async with self.session.get(self.base_url + path) as response:
            return response.status, await response.json()

    async def health(self) -> dict[str, Any]:
        return (await self.get("/health"))[1]

    async def ready(self) -> bool:
        return (await self.get("/ready"))[0] == 200

    async def until_health(self, status: str, *, within: float = 30.0) -> dict[str, Any]:
        """Wait until /health has this status, and return its body."""

        body: dict[str, Any] = {}

        async def look() -> bool:
            nonlocal body
            body = await self.health()
            return body["status"] == status

        try:
            await until(look, within=within, what=f"/health {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer: {body}") from None
        return body

    async def until_ready(self) -> None:
        await until(self.ready, within=15.0, what="/ready")

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels."""
        return sum(await self.samples(name, **labels))

    async def samples(self, name: str, **labels: str) -> list[float]:
        """Return the values of a metric's samples that have these labels."""
        async with self.session.get(self.base_url + "/metrics") as response:
            lines = (await response.text()).splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return [
            float(line.rpartition(" ")[2])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == f"pegasus_bot_{name}"
            and all(label in line for label in wanted)
        ]


@dataclass
class Bot(Web):
    """An application that runs in this process."""

    application: Application
    task: asyncio.Task[int]

    @property
    def runtime(self) -> Runtime:
        assert self.application.runtime is not None
        return self.application.runtime

    @property
    def kernel(self) -> Kernel:
        return self.runtime.kernel

    async def stop(self) -> int:
        """Stop as a signal does, and return the exit status."""
        if not self.task.done():
            self.application.request_stop()
        return await self.task


@asynccontextmanager
async def running(config: Config, *, ready: bool = True) -> AsyncIterator[Bot]:
    """Run the application until the block ends; by default it is ready when the block begins."""
    application = Application(config)
    task = asyncio.create_task(application.run())
    started = asyncio.create_task(application.started.wait())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    if task.done():
        task.result()
    assert application.runtime is not None
    async with aiohttp.ClientSession() as session:
        bot = Bot(application.runtime.base_url, session, application, task)
        try:
            if ready:
                await bot.until_ready()
            yield bot
        finally:
            await bot.stop()


@dataclass
class Process(Web):
    """A bot in a process of its own, with what it logged."""

    process: asyncio.subprocess.Process
    log: list[dict[str, Any]] = field(default_factory=list)

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End the process without a word of goodbye."""
        self.process.kill()
        await self.process.wait()

    async def wait(self, *, within: float = 15.0) -> int:
        return await asyncio.wait_for(self.process.wait(), within)


def plain_environment() -> dict[str, str]:
    """Return the environment without what configures tests or somebody's own bot."""
    ours = ("PEGASUS_", "DISCORD_", "DATABASE_")
    rest = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return rest | {"PYTHONPATH": str(ROOT)}


def environment(sandbox: Sandbox, database_url: str, **more: str) -> dict[str, str]:
    """Return the environment of a bot that is to run against the sandbox."""
    return {
        **plain_environment(),
        "DISCORD_TOKEN": sandbox.token,
        "DATABASE_URL": database_url,
        "PEGASUS_DISCORD__API_BASE_URL": sandbox.api_base_url,
        "PEGASUS_DISCORD__CDN_BASE_URL": sandbox.cdn_url,
        "PEGASUS_WEB__PORT": "0",
        "PEGASUS_LOG__FORMAT": "json",
        "PEGASUS_HEALTH__SAMPLE_SECONDS": "1",
        "PEGASUS_LIMITS__DEFAULT": "1000/60",
        "PEGASUS_LIMITS__ADMIN": "1000/60",
        "PEGASUS_LIMITS__MODERATION": "1000/60",
        "PEGASUS_LIMITS__API_PER_MINUTE": "1000",
        **more,
    }


@asynccontextmanager
async def bot_process(
    sandbox: Sandbox, database_url: str, folder: Path, **more: str
) -> AsyncIterator[Process]:
    """Run `python -m bot run` in a folder until the block ends; it is ready when that begins."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        cwd=folder,
        env=environment(sandbox, database_url, **more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    log: list[dict[str, Any]] = []
    reader = asyncio.create_task(_read_log(process, log, listening))
    try:
        await asyncio.wait({listening, reader}, return_when=asyncio.FIRST_COMPLETED)
        assert listening.done(), log
        async with aiohttp.ClientSession() as session:
            bot = Process(listening.result(), session, process, log)
            await bot.until_ready()
            yield bot
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reader


async def _read_log(
    process: asyncio.subprocess.Process,
    log: list[dict[str, Any]],
    listening: asyncio.Future[str],
) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = {"event": line.decode(errors="replace")}
        log.append(entry)
        if entry.get("event") == "web_listening":
            listening.set_result(entry["addresses"][0])


async def scalar(database_url: str, query: str) -> Any:
    """Return the one value of a query on the bot's database."""
    database = Database(database_url)
    try:
        async with database.read() as session:
            return await session.scalar(text(query))
    finally:
        await database.close()


async def execute(database_url: str, statement: str, **values: Any) -> None:
    """Change the bot's database behind its back."""
    database = Database(database_url)
    try:
        async with database.write() as session:
            await session.execute(text(statement), values)
    finally:
        await database.close()
