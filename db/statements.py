"""Statements that SQLAlchemy leaves to each dialect or types loosely, once for both engines."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import Base


def insert_for(session: AsyncSession, table: type[Base] | Table) -> postgresql.Insert:
    """Return an INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    # SQLite's class has the same methods; naming both types would burden every caller.
    statement: Any = sqlite.insert(table)
    return statement


def table_of(entity: type[Base]) -> Table:
    """Return the table of an entity, for statements that run many times with many parameters."""
    return cast("Table", entity.__table__)


async def count_changed(session: AsyncSession, statement: Executable) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it touched.

    Objects that the session has loaded keep their old values.
    """
    options = {"synchronize_session": False}
    result = await session.execute(statement, execution_options=options)
    return cast("CursorResult[Any]", result).rowcount
