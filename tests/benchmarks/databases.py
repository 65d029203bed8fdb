"""A fresh database of each kind for a scenario: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from db.engine import Database
from db.migrate import upgrade
from tests.postgres import PostgresAdmin, PostgresUnavailable, TestRun

T = TypeVar("T")


def on_each(name: str, measure: Callable[[str, Database], Awaitable[list[T]]]) -> list[T]:
    """Return what a scenario measures, told the engine's name, on all there are."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/pegasus.db"
        found = asyncio.run(_measure("SQLite", url, measure))
    try:
        with _postgres(name) as url:
            found += asyncio.run(_measure("PostgreSQL", url, measure))
    except PostgresUnavailable:
        # The table then has no rows of it.
        return found
    return found


@contextmanager
def _postgres(scenario: str) -> Iterator[str]:
    run = TestRun.begin()
    try:
        with PostgresAdmin(run.start_server()) as admin:
            name = f"{run.name}_{scenario}"
            yield admin.create_database(name)
            admin.drop_database(name)
    finally:
        run.end()


async def _measure(
    engine: str, url: str, measure: Callable[[str, Database], Awaitable[list[T]]]
) -> list[T]:
    database = Database(url)
    try:
        await upgrade(database)
        return await measure(engine, database)
    finally:
        await database.close()
