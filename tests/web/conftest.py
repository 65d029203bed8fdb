"""The web's fixtures: a world with a client, closed when the test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import BEHIND_PROXY, World, open_world
from web.app import make_app
from web.options import Address
from web.server import WebServer

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def open_web(sqlite_database: Database, clock: FakeClock) -> AsyncIterator[OpenWorld]:
    """Opens worlds with the options that a test gives, on SQLite."""
    worlds: list[World] = []

    async def open_one(**options: object) -> World:
        worlds.append(await open_world(sqlite_database, clock, **options))
        return worlds[-1]

    yield open_one
    for world in worlds:
        await world.client.close()


@pytest.fixture
async def world(open_web: OpenWorld) -> World:
    """A world whose client comes from a trusted network."""
    return await open_web()


@pytest.fixture
async def outside(open_web: OpenWorld) -> World:
    """A world whose client may claim any address; see `FROM_OUTSIDE`."""
    return await open_web(**BEHIND_PROXY)


@pytest.fixture
async def served(world: World) -> AsyncIterator[str]:
    """The address of a real server on a free port, with the world's services behind it."""
    async with serve(world) as url:
        yield url


@asynccontextmanager
async def serve(world: World) -> AsyncIterator[str]:
    """Serve a world on a free port; gives the address."""
    server = WebServer(make_app(world.services), [Address("127.0.0.1", 0)], shutdown_timeout=1)
    await server.bind()
    await server.serve()
    yield server.urls[0]
    await server.stop()
