"""`python -m bot sandbox`: the simulated Discord by itself, for any bot to connect to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from .community import Community
from .openapi import RequestValidator
from .server import Sandbox

DEFAULT_PORT = 8100


async def run_sandbox(
    *,
    port: int | None = None,
    openapi: Path | None = None,
    community: bool = True,
    exit_with_stdin: bool = False,
) -> int:
    """Run until a signal, or until standard input ends; returns the exit status.

    The first line on standard output is JSON with `api_base_url`, `cdn_base_url`, `page_url` and
    `token`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    sandbox = Sandbox(port=DEFAULT_PORT if port is None else port)
    validator = None
    if openapi is not None:
        validator = _validate(sandbox, openapi)
        if validator is None:
            return 2
    try:
        await sandbox.start()
    except OSError as error:
        told = f"Port {sandbox.port} of the simulated Discord can't be used: {error.strerror}."
        print(f"{told} Choose another with --discord-port.", file=sys.stderr)  # noqa: T201
        return 2
    life = asyncio.create_task(Community(sandbox).live()) if community else None
    if exit_with_stdin:
        await _watch_stdin(stop)
    addresses = {
        "api_base_url": sandbox.api_base_url,
        "cdn_base_url": sandbox.cdn_url,
        "page_url": f"{sandbox.base_url}/",
        "token": sandbox.token,
    }
    print(json.dumps(addresses), flush=True)  # noqa: T201 - this is the command's answer
    await stop.wait()
    if life is not None:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
    await sandbox.stop()
    return _report(validator)


def _validate(sandbox: Sandbox, document: Path) -> RequestValidator | None:
    try:
        validator = RequestValidator(document)
    except ModuleNotFoundError:
        print("--openapi needs jsonschema: pip install jsonschema", file=sys.stderr)  # noqa: T201
    except (OSError, ValueError) as error:
        print(f"{document} can't be read: {error}", file=sys.stderr)  # noqa: T201
    else:
        sandbox.validate_with(validator)
        return validator
    return None


def _report(validator: RequestValidator | None) -> int:
    """Say what the document does not allow; returns 1 when there was anything."""
    if validator is None:
        return 0
    for violation in validator.violations:
        print(f"OpenAPI: {violation}", file=sys.stderr)  # noqa: T201
    count = len(validator.violations)
    print(f"OpenAPI: {validator.checked} requests, {count} violations.", file=sys.stderr)  # noqa: T201
    return 1 if count else 0


async def _watch_stdin(stop: asyncio.Event) -> None:
    """Stop when whoever started this is gone: then the other end of the pipe is closed."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def watch() -> None:
        await reader.read()
        stop.set()

    task = asyncio.create_task(watch())
    task.add_done_callback(lambda _: None)
    _WATCHING.add(task)


# A task that nobody refers to may be collected while it waits.
_WATCHING: set[asyncio.Task[None]] = set()
