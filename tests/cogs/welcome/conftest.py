"""Welcome, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.welcome.world import Discord, World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> World:
    """Return a process with Welcome switched on and nothing else set."""
    world = World(database, FakeClock(), Discord())
    await world.service.start()
    await world.set()
    return world
