"""SQLite's driver as the engine uses it: one step of the connection's thread for each statement.

aiosqlite gives each call to a thread of the connection and waits for it, and SQLAlchemy makes four
of them for a statement: open a cursor, execute, fetch, close. To go there and back costs far more
than SQLite takes for an ordinary query, so here the four are one.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiosqlite

# Whoever wants more fetches all, which is one step more, or reads a long result page by page.
FIRST_ROWS = 1000
_CHUNK = 64


async def connect(path: str, **options: Any) -> aiosqlite.Connection:
    """Open a connection; the options are those of `sqlite3.connect`."""
    connection = SteppingConnection(partial(sqlite3.connect, path, **options), _CHUNK)
    # A connection that nobody closed must not keep the program alive.
    connection._thread.daemon = True
    return await connection


class SteppingConnection(aiosqlite.Connection):
    """A connection whose cursors take as few steps of its thread as possible."""

    def cursor(self) -> SteppingCursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a cursor, without a step."""
        return SteppingCursor(self)


class SteppingCursor:
    """What SQLAlchemy wants of a driver's cursor.

    `description`, `rowcount` and `lastrowid` are as in PEP 249. The rows beyond the first 1000 stay
    with SQLite until they are asked for.
    """

    def __init__(self, connection: SteppingConnection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        self._rows = deque[Any]()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> SteppingCursor:
        return self

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (row := await self.fetchone()) is not None:
            yield row

    async def execute(self, operation: str, parameters: Any = ()) -> SteppingCursor:
        """Execute a statement."""
        await self._step(self._run, sqlite3.Cursor.execute, operation, parameters)
        return self

    async def executemany(self, operation: str, parameters: Any) -> SteppingCursor:
        """Execute a statement once for each of several sets of parameters."""
        await self._step(self._run, sqlite3.Cursor.executemany, operation, parameters)
        return self

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, at most that many."""
        size = size or self.arraysize
        if len(self._rows) < size and self._open is not None:
            await self._step(self._read, max(size, FIRST_ROWS))
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if self._open is not None:
            await self._step(self._read, None)
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        """Let go of the rows that nobody asked for."""
        self._rows.clear()
        if self._open is not None:
            await self._step(self._end)

    async def _step(self, function: Callable[..., None], *arguments: Any) -> None:
        await self._connection._execute(function, *arguments)

    # --- in the connection's thread ---------------------------------------------------------

    def _run(self, execute: Callable[..., Any], operation: str, parameters: Any) -> None:
        self._end()
        self._open = self._connection._conn.cursor()
        try:
            execute(self._open, operation, parameters)
            self.description = self._open.description
            self.lastrowid = self._open.lastrowid
            self._rows.clear()
            # What has no columns has no rows, and has ended.
            self._read(FIRST_ROWS if self.description else None)
        except BaseException:
            self._end()
            raise

    def _read(self, size: int | None) -> None:
        if self._open is None:
            return
        rows = self._open.fetchall() if size is None else self._open.fetchmany(size)
        self._rows.extend(rows)
        # Of what is returned for changed rows, SQLite's driver counts when all has been read.
        self.rowcount = self._open.rowcount
        if size is None or len(rows) < size:
            self._end()

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
