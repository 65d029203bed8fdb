"""What the tests of tickets share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.engine import Database
from tests.cogs.tickets.harbour import Desk, harbour


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    async with harbour(sqlite_database) as found:
        yield found
