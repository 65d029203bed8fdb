"""The demo: a simulated Discord in a process of its own, and the real bot against it.

The bot starts through the production entry point. Nothing of the operator's own configuration,
environment or database is read or touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.application import Application
from bot.core.config import Config
from bot.core.errors import ConfigurationError
from bot.core.i18n import _
from bot.core.log import configure_logging

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asked for; `None` means the default."""

    port: int | None = None
    discord_port: int | None = None
    seconds: float | None = None
    data: Path | None = None
    openapi: Path | None = None


@dataclass(frozen=True, slots=True)
class SandboxAddresses:
    """Where the simulated Discord can be reached, and the token of its bot."""

    api_base_url: str
    cdn_base_url: str
    page_url: str
    token: str


async def run_demo(options: DemoOptions) -> int:
    """Run until stopped, or for the seconds asked for; returns the exit status.

    It is 1 when a request did not fit the OpenAPI document.
    """
    if options.port and options.port == options.discord_port:
        raise ConfigurationError(
            _(
                "--port and --discord-port are both {port}: the two need one each.",
                port=options.port,
            )
        )
    with _data_folder(options.data) as data:
        async with _sandbox_process(options) as process:
            addresses = await _addresses(process)
            config = demo_config(addresses, data, options.port)
            configure_logging(config.log, config.secrets())
            status = await _run(Application(config), addresses, options.seconds)
    return status or (1 if process.returncode else 0)


async def _run(application: Application, addresses: SandboxAddresses, seconds: float | None) -> int:
    guide = asyncio.create_task(_guide(application, addresses, seconds))
    try:
        return await application.run()
    finally:
        guide.cancel()


def demo_config(addresses: SandboxAddresses, data: Path, port: int | None) -> Config:
    """Return the production configuration with only the addresses replaced."""
    return Config.model_validate(
        {
            "discord": {
                "token": addresses.token,
                "api_base_url": addresses.api_base_url,
                "cdn_base_url": addresses.cdn_base_url,
            },
            "database": {"url": f"sqlite:///{data / 'pegasus.db'}"},
            "web": {} if port is None else {"port": port},
            "log": {"level": "warning"},
        }
    )


@contextlib.contextmanager
def _data_folder(wanted: Path | None) -> Any:
    if wanted is not None:
        yield _make_folder(wanted)
        return
    folder = Path(tempfile.mkdtemp(prefix="pegasus-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ConfigurationError(
            _("{path} is a file, not a folder.", path=str(path)),
            hint=_("Choose another with --data, or leave it out for a temporary one."),
        ) from error
    except OSError as error:
        raise ConfigurationError(
            _(
                "The folder {path} can't be used: {reason}.",
                path=str(path),
                reason=error.strerror or str(error),
            ),
            hint=_("Choose another with --data, or leave it out for a temporary one."),
        ) from error
    return path


@asynccontextmanager
async def _sandbox_process(options: DemoOptions) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "bot", "sandbox", "--exit-with-stdin"]
    if options.discord_port is not None:
        command += ["--discord-port", str(options.discord_port)]
    if options.openapi is not None:
        command += ["--openapi", str(options.openapi)]
    process = await asyncio.create_subprocess_exec(
        *command,
        # Its end of the pipe closes when this process dies, however it dies; then it goes too.
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A Ctrl+C in the terminal is for the bot, which still needs Discord to say goodbye.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _addresses(process: Process) -> SandboxAddresses:
    assert process.stdout is not None  # noqa: S101 - it was asked for above
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
    except TimeoutError:
        line = b""
    if not line:
        raise ConfigurationError(
            _("The simulated Discord did not start; its message is above."),
        )
    return SandboxAddresses(**json.loads(line))


async def _guide(
    application: Application, addresses: SandboxAddresses, seconds: float | None
) -> None:
    """Say where everything is once it is there, and stop after the time asked for."""
    await application.started.wait()
    assert application.runtime is not None  # noqa: S101 - set before `started`
    base = application.runtime.base_url
    lines = [
        "Pegasus is running against a simulated Discord. Nothing here is real, all of it works.",
        f"  Status page      {base}/",
        f"  Health           {base}/health",
        f"  Metrics          {base}/metrics",
        f"  Statistics       {base}/api/stats",
        f"  Audit log        {base}/api/logs",
        f"  Take part        {addresses.page_url}",
        "Stop with Ctrl+C." if seconds is None else f"Stops by itself after {seconds:g} s.",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201 - this is the command's answer
    if seconds is not None:
        await asyncio.sleep(seconds)
        application.request_stop()
