"""Visitors of the web server, in a process of their own on the core that the bot does not have.

    python -m tests.benchmarks.visitor HOST PORT

It speaks HTTP by hand, since any client library would be slower than the server it measures.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import cast

from bot.__main__ import run_loop
from tests.benchmarks.lines import WORLD_CORE, Answer, obey, pin, say

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Visitor(asyncio.Protocol):
    """One kept-alive connection that asks for a path; each answer has its latency in seconds."""

    def __init__(self, path: str, host: str) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._buffer = b""
        self._answered: asyncio.Future[float] | None = None
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the line."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits for an answer."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server closed the line"))

    def data_received(self, data: bytes) -> None:
        """Answer the waiting request once its whole body is there; refusals fail it."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        assert self._answered is not None
        if head.startswith(b"HTTP/1.1 200"):
            self._answered.set_result(time.perf_counter() - self._asked_at)
        else:
            self._answered.set_exception(RuntimeError(head.split(b"\r\n")[0].decode()))

    def ask(self) -> asyncio.Future[float]:
        """Send the request; the future is done with the answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._asked_at = time.perf_counter()
        self._transport.write(self._request)
        return self._answered

    def leave(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()


async def crowd(host: str, port: int, path: str, size: int) -> list[Visitor]:
    """Return so many connected visitors of a path."""
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Visitor(path, host), host, port) for _ in range(size)
    ]
    return [visitor for _, visitor in made]


async def rush(host: str, port: int, path: str, count: int, size: int = 16) -> Answer:
    """Ask as fast as the server answers; answers with the requests per second."""
    visitors = await crowd(host, port, path, size)
    started = time.perf_counter()

    async def visit(visitor: Visitor) -> None:
        for _ in range(count // size):
            await visitor.ask()

    await asyncio.gather(*map(visit, visitors))
    took = time.perf_counter() - started
    for visitor in visitors:
        visitor.leave()
    return {"per_second": count // size * size / took}


async def pace(host: str, port: int, path: str, rate: int, seconds: float) -> Answer:
    """Ask at a steady rate per second; answers with the latencies in ms."""
    (visitor,) = await crowd(host, port, path, 1)
    started = time.perf_counter()
    latencies = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
        latencies.append(await visitor.ask() * 1000)
    visitor.leave()
    return {"latencies": latencies}


async def main(host: str, port: int) -> int:
    """Obey the parent."""
    say({})

    async def rush_here(path: str, count: int) -> Answer:
        return await rush(host, port, path, count)

    async def pace_here(path: str, rate: int, seconds: float) -> Answer:
        return await pace(host, port, path, rate, seconds)

    await obey({"rush": rush_here, "pace": pace_here})
    return 0


if __name__ == "__main__":
    pin(WORLD_CORE)
    run_loop(main(sys.argv[1], int(sys.argv[2])))
