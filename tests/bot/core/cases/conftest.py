"""Cases, ordered on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.bot.core.cases.world import World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> World:
    """Return a process that orders cases, with a log channel."""
    return await World(database, clock).start()
