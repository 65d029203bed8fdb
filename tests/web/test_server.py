"""The server on real sockets: binding, splitting, draining."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.core.errors import ConfigurationError
from tests.web.support import World
from web.app import make_app
from web.options import Address
from web.routes import Part
from web.server import WebServer

ALL_PATHS: dict[Part, str] = {
    "health": "/health",
    "metrics": "/metrics",
    "api": "/api/health",
    "dashboard": "/",
}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def test_server_answers_on_a_free_port(served: str, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{served}/livez") as response:
        assert response.status == 200
        assert response.headers["Server"] == "Pegasus"


async def test_server_taken_port_is_named_with_its_key(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        listeners = [Address("127.0.0.1", 0), Address("127.0.0.1", port, key="web.listeners[1]")]
        server = WebServer(make_app(world.services), listeners)
        with pytest.raises(ConfigurationError) as caught:
            await server.bind()
    text = caught.value.render("en")
    assert f"127.0.0.1:{port}" in text
    assert "web.listeners[1]" in text
    assert "in use" in text
    assert server.urls == []


async def test_server_host_that_is_not_here(world: World) -> None:
    server = WebServer(make_app(world.services), [Address("192.0.2.1", 0)])
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        await server.bind()


async def test_server_two_cannot_bind_one_port_though_neither_serves(world: World) -> None:
    first = WebServer(make_app(world.services), [Address("127.0.0.1", 0)])
    await first.bind()
    port = int(first.urls[0].rpartition(":")[2])
    second = WebServer(make_app(world.services), [Address("127.0.0.1", port)])
    with pytest.raises(ConfigurationError):
        await second.bind()
    await first.stop()


async def test_server_early_clients_wait_until_it_serves(
    world: World, http: aiohttp.ClientSession
) -> None:
    server = WebServer(make_app(world.services), [Address("127.0.0.1", 0)])
    await server.bind()
    early = asyncio.create_task(_status(http, f"{server.base_url}/livez"))
    await asyncio.sleep(0)
    await server.serve()
    assert await early == 200
    await server.stop()


async def test_server_listeners_serve_their_parts_only(
    world: World, http: aiohttp.ClientSession
) -> None:
    listeners = [Address("127.0.0.1", 0, frozenset({part})) for part in ALL_PATHS]
    server = WebServer(make_app(world.services), listeners)
    await server.bind()
    await server.serve()
    for url, part in zip(server.urls, ALL_PATHS, strict=True):
        for other, path in ALL_PATHS.items():
            expected = 200 if other == part else 404
            assert await _status(http, url + path) == expected, (part, path)
    assert server.base_url == server.urls[3]
    await server.stop()


async def test_server_listener_on_every_address(world: World, http: aiohttp.ClientSession) -> None:
    server = WebServer(make_app(world.services), [Address("0.0.0.0", 0, frozenset({"health"}))])
    await server.bind()
    await server.serve()
    assert server.urls[0].startswith("http://127.0.0.1:")
    assert await _status(http, server.urls[0] + "/health") == 200
    assert await _status(http, server.urls[0] + "/metrics") == 404
    await server.stop()


async def test_server_open_requests_finish_and_new_ones_are_refused(
    world: World, http: aiohttp.ClientSession
) -> None:
    entered, release = asyncio.Event(), asyncio.Event()
    usage = world.services.usage

    class Slow:
        async def statistics(self) -> object:
            entered.set()
            await release.wait()
            return await usage.statistics()

    object.__setattr__(world.services, "usage", Slow())
    server = WebServer(make_app(world.services), [Address("127.0.0.1", 0)], shutdown_timeout=5)
    await server.bind()
    await server.serve()
    url = server.base_url
    request = asyncio.create_task(_status(http, f"{url}/api/stats"))
    await entered.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as fresh:
            await _status(fresh, f"{url}/livez")
    release.set()
    assert await request == 200
    await stopping


async def test_server_stops_in_time_though_a_request_hangs(
    world: World, http: aiohttp.ClientSession
) -> None:
    entered = asyncio.Event()

    class Hanging:
        async def statistics(self) -> object:
            entered.set()
            return await asyncio.Event().wait()

    object.__setattr__(world.services, "usage", Hanging())
    server = WebServer(make_app(world.services), [Address("127.0.0.1", 0)], shutdown_timeout=0.3)
    await server.bind()
    await server.serve()
    request = asyncio.create_task(_status(http, f"{server.base_url}/api/stats"))
    await entered.wait()
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < 20
    with pytest.raises(aiohttp.ClientError):
        await request


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status
