"""An outbox on each database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.bot.core.outbox.world import World, make_world
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    async with make_world(database, clock) as world:
        yield world
