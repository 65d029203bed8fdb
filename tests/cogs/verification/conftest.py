"""A gate on each database, and one in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.cogs.verification.gateworld import GateWorld, Yard, running_yard
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database) -> GateWorld:
    """Return a process with verification switched on: a picture, one role to give, one to take."""
    world = GateWorld(database, FakeClock())
    await world.start()
    await world.set(method="captcha")
    return world


@pytest.fixture
async def yard(sqlite_database: Database) -> AsyncIterator[Yard]:
    async with running_yard(sqlite_database) as yard:
        yield yard
