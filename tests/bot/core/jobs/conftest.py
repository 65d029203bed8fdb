"""A job service on each database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.bot.core.jobs.world import World, create_effects, make_world
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    await create_effects(database)
    async with make_world(database, clock) as world:
        yield world
