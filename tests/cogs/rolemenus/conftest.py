"""Role menus, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.rolemenus.world import World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> World:
    """Return a process with role menus switched on."""
    world = World(database, FakeClock())
    await world.start()
    return world
