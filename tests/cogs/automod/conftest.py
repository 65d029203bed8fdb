"""Automod, running on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.automod.world import World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> World:
    """Return a process whose guild has no rules yet."""
    return World(database, FakeClock())
