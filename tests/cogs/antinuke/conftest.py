"""A guild with staff who may turn on it, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.cogs.antinuke.staffworld import ADMIN, BANNER, PLAIN, ROGUE, StaffWorld
from tests.cogs.moderation.world import Place, moderated_place
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> StaffWorld:
    """Return a process in whose guild the rogue has three roles, of which two are dangerous."""
    world = StaffWorld(database, clock)
    await world.start()
    world.discord.roles[ROGUE] = {ADMIN, BANNER, PLAIN}
    return world


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with moderated_place(sqlite_database) as place:
        yield place
