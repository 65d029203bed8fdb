"""Autorole, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.autorole.world import AutoroleWorld
from tests.fakes import FakeClock


@pytest.fixture
def world(database: Database, clock: FakeClock) -> AutoroleWorld:
    """Return a process with Autorole."""
    return AutoroleWorld(database, clock)
