"""The economy, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.economy.world import EconomyWorld
from tests.fakes import FakeClock


@pytest.fixture
def world(database: Database, clock: FakeClock) -> EconomyWorld:
    """Return a process with an economy."""
    return EconomyWorld(database, clock)
