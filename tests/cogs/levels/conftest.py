"""Levels, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.levels.world import LevelWorld
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> LevelWorld:
    """Return a process with levels switched on in its guild."""
    world = LevelWorld(database, clock)
    await world.set()
    return world
