"""A guild with staff, for the tests of moderation in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.cogs.moderation.world import Place, moderated_place


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with moderated_place(sqlite_database) as place:
        yield place
