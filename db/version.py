"""Which schema a database has and which one this code needs, told without loading Alembic.

A start that finds the newest schema, which is nearly every start, then never pays Alembic's 12 MB.
"""

from __future__ import annotations

import functools
from importlib import resources

from sqlalchemy import Connection, inspect, text

from db.engine import Database

_TABLE = "alembic_version"


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


def _current_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608
