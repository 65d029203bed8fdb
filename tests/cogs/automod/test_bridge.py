"""Text files read from the CDN: over HTTP, within limits of size, time and place."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cogs.automod import bridge as bridge_module
from cogs.automod.bridge import DiscordBridge

MOST = 100


class Cdn:
    """A server that answers each path as the test wants it; what is asked is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.release = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        answer = self.answers[request.path]
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        return await answer(request)


@pytest.fixture
async def cdn() -> Cdn:
    return Cdn()


@pytest.fixture
async def server(cdn: Cdn) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{path:.*}", cdn.answer)
    server = TestServer(app)
    await server.start_server()
    yield server
    cdn.release.set()
    await server.close()


@pytest.fixture
async def bridge(server: TestServer) -> AsyncIterator[DiscordBridge]:
    client: Any = None
    bridge = DiscordBridge(client, str(server.make_url("")))
    yield bridge
    await bridge.close()


async def read(bridge: DiscordBridge, server: TestServer, path: str = "/a.txt") -> str:
    return await bridge.read_text(str(server.make_url(path)), MOST)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"get free nitro", "get free nitro"),
        ("\ufeffnítro".encode(), "nítro"),
        ("nitro ñ".encode("latin-1"), "nitro \ufffd"),
        ("free nitro".encode("utf-16"), "free nitro"),
        (b"\xfe\xff" + "free nitro".encode("utf-16-be"), "free nitro"),
        ("free nitro".encode("utf-32"), "free nitro"),
        (b"\xff\xfen", "\ufffd"),
        (b"", ""),
        (b"a" * MOST, "a" * MOST),
        (b"a" * 5_000, "a" * MOST),
    ],
)
async def test_file_is_read_in_its_encoding_up_to_the_limit(
    cdn: Cdn, server: TestServer, bridge: DiscordBridge, body: bytes, text: str
) -> None:
    cdn.answers["/a.txt"] = body

    assert await read(bridge, server) == text


async def test_packed_file_that_unpacks_to_much_is_cut(
    cdn: Cdn, server: TestServer, bridge: DiscordBridge
) -> None:
    packed = gzip.compress(b"a" * 1_000_000)
    cdn.answers["/a.txt"] = web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    assert await read(bridge, server) == "a" * MOST


async def test_server_that_drips_is_left(
    cdn: Cdn, server: TestServer, bridge: DiscordBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"nitro")
        await cdn.release.wait()
        return response

    monkeypatch.setattr(bridge_module, "READ_SECONDS", 0.05)
    cdn.answers["/a.txt"] = drip

    assert await read(bridge, server) == ""


@pytest.mark.parametrize("status", [302, 403, 404, 500])
async def test_refused_file_and_one_that_is_elsewhere_are_empty(
    cdn: Cdn, server: TestServer, bridge: DiscordBridge, status: int
) -> None:
    headers = {"Location": str(server.make_url("/other.txt"))}
    cdn.answers["/a.txt"] = web.Response(status=status, body=b"nitro", headers=headers)

    assert await read(bridge, server) == ""
    assert cdn.asked == ["/a.txt"]


async def test_broken_answer_is_empty(cdn: Cdn, server: TestServer, bridge: DiscordBridge) -> None:
    cdn.answers["/a.txt"] = web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})

    assert await read(bridge, server) == ""


async def test_server_that_is_gone_is_no_error(server: TestServer, bridge: DiscordBridge) -> None:
    url = str(server.make_url("/a.txt"))
    await server.close()

    assert await bridge.read_text(url, MOST) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://cdn.example.org/a.txt",
        "http://user:word@{host}:{port}/a.txt",
        "http://{host}.evil.example:{port}/a.txt",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
async def test_nothing_is_asked_of_another_place(
    cdn: Cdn, server: TestServer, bridge: DiscordBridge, url: str
) -> None:
    cdn.answers["/a.txt"] = b"nitro"

    assert await bridge.read_text(url.format(host=server.host, port=server.port), MOST) == ""
    assert cdn.asked == []
