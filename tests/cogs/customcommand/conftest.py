"""Custom commands, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.customcommand.world import World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> World:
    """Return a process whose guild has the feature on and no commands yet."""
    world = World(database, FakeClock())
    await world.switch()
    return world
