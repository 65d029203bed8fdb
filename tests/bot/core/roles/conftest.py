"""The queue of role changes on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.bot.core.roles.world import World
from tests.fakes import FakeClock


@pytest.fixture
def world(database: Database, clock: FakeClock) -> World:
    """Return a process with the queue."""
    return World(database, clock)
