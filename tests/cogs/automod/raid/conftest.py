"""A process that guards a guild, on each database."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.cogs.automod.raid.raidworld import FakeGuild, World
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> World:
    """Return a process that watches for raids and does nothing else about them."""
    world = World(database, FakeClock(), FakeGuild())
    await world.start(raid_enabled=True, raid_pause_invites=False)
    return world
