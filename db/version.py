"""Which schema a database has and which one this code needs, told without loading Alembic.

A start that finds the newest schema, which is nearly every start, then never pays Alembic's 12 MB.
"""

from __future__ import annotations

import functools
from importlib import resources

from sqlalchemy import Connection, func, inspect, select, text

from db.engine import Database

_TABLE = "alembic_version"
# Any number that no other program uses for an advisory lock in the same database: "pegasus" in hex.
MIGRATION_LOCK = 0x70656761737573


@functools.cache
def head() -> str:
    """Return the newest revision that this code knows.

    Revisions are numbered, and their files begin with the number; `db.revision` writes them so.
    """
    files = (resources.files("db") / "migrations" / "versions").iterdir()
    return max(file.name.partition("_")[0] for file in files if file.name[:4].isdigit())


async def current(database: Database) -> str | None:
    """Return the revision that the database is at; None when it is empty."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_current_of)


async def is_at_head(database: Database) -> bool:
    """Return whether the database has exactly the schema of this code."""
    return await current(database) == head()


async def starts_at_head(database: Database) -> bool:
    """Return the same as `is_at_head` to a bot that starts, once nobody replaces the content.

    On PostgreSQL it waits while a migration or a restore is under way. A bot that asks this before
    it reads anything else can't hold what a restore is about to replace: either the restore sees
    its connection and refuses, or the bot waits for the end.
    """
    async with database.engine.connect() as connection:
        if database.dialect == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock_shared(MIGRATION_LOCK)))
        return await connection.run_sync(_current_of) == head()


def _current_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608
