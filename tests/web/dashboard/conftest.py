"""The dashboard's fixtures: a world with a feature that keeps boats."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.fakes import FakeClock
from tests.web.dashboard.boats import Harbour, open_harbour


@pytest.fixture
async def harbour(sqlite_database: Database, clock: FakeClock) -> AsyncIterator[Harbour]:
    """A world with a feature that keeps boats."""
    world, fleet = await open_harbour(sqlite_database, clock)
    yield world, fleet
    await world.client.close()
