"""The engine: one `Database` over SQLite or PostgreSQL, chosen by URL alone.

Callers ask for a `read()` or a `write()` session; how each engine locks is this module's secret.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from functools import partial
from pathlib import Path
from traceback import walk_tb
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidatePoolError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import NullPool

from db.sqlite_driver import connect

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
# By this name PostgreSQL lists the connections of a running bot.
APPLICATION_NAME = "pegasus"
_WRITE = "pegasus_write"
# A server that is there answers sooner, unless this machine or that one has far too much to do.
_CONNECT_TIMEOUT = 5.0
_COMMAND_TIMEOUT = 30.0
# A connection that was used this many seconds ago is taken to live still.
_TRUSTED_SECONDS = 1.0
_USED_AT = "used_at"
# A burst of presses waits its turn for longer than a connection that is refused takes to fail.
_POOL_TIMEOUT = 10.0
# How often, and how many seconds apart, closing looks for connections that are at work.
_CLOSE_LOOKS, _CLOSE_PAUSE = 400, 0.005
_LOCK_PATIENCE_MS = 2000
# A thread that waits for SQLite's lock can't be called back, so it waits this long at a time, and
# the loop pauses in between; by how much is left to chance, so that no waiter always comes second.
_LOCK_ATTEMPT = 0.1
_LOCK_PAUSES = (0.005, 0.05)
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    f"journal_size_limit={64 * 1024 * 1024}",
)
# Lost or refused connections, resources used up, shutdown, failed login, no such database:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNAVAILABLE_STATES = ("08", "53", "57P", "28", "3D")
# Two rows for one key, wrong values, broken constraints.
_ROW_STATES = ("21", "22", "23")
_SQLITE_UNAVAILABLE = (
    "unable to open database",
    "disk i/o error",
    "database is locked",
    "database or disk is full",
    "readonly database",
    "file is not a database",
    "malformed",
)


class DatabaseUnusable(OSError):
    """The database answers queries, but nothing can be kept in it."""


class UnsupportedDatabase(ValueError):
    """The URL names a database engine that Pegasus does not run on."""


def driver_url(url: str) -> URL:
    """Return the URL with the async driver that Pegasus uses for its engine.

    `sqlite:///path`, `postgres://…` and `postgresql://…` are accepted as operators write them.
    Raises `UnsupportedDatabase`, which never repeats the URL, for anything else.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The original error quotes the URL, and with it the password.
        raise UnsupportedDatabase("the database URL can't be read") from None
    driver = _DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        name = parsed.drivername
        raise UnsupportedDatabase(f"{name!r} is not supported: use sqlite or postgresql")
    if driver == _DRIVERS["sqlite"] and parsed.database in (None, "", ":memory:"):
        # There every connection would have a database of its own.
        raise UnsupportedDatabase("a SQLite database needs a file: sqlite:///path/to/pegasus.db")
    return parsed.set(drivername=driver)


def safe_url(url: URL) -> str:
    """Return a URL as text without its password, for people and logs."""
    hidden = {name: "***" for name in ("password", "passfile", "sslpassword") if name in url.query}
    plain = url.set(drivername=url.get_backend_name()).update_query_dict(hidden)
    return plain.render_as_string(hide_password=True)


def is_connection_error(error: BaseException) -> bool:
    """Return whether an error says that the database can't be used now, not that a query is wrong.

    Looks through the chain of causes, because drivers and SQLAlchemy wrap each other's errors.
    """
    return any(_is_unavailable(link) for link in _causes_of(error))


def is_about_rows(error: BaseException) -> bool:
    """Return whether the database refuses the rows of a statement, so that fewer may be taken.

    Such a statement fails however often it is tried. A wrong statement, and whatever passes by
    itself (a lost connection, a lock, a deadlock, a time limit), is about no row.
    """
    if not isinstance(error, DBAPIError):
        # The drivers let through as they are what they can't put into a statement.
        return isinstance(error, (StatementError, UnicodeError, OverflowError))
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_ROW_STATES)
    return not is_connection_error(error) and not isinstance(
        error, (OperationalError, ProgrammingError)
    )


class Database:
    """One pool of connections: reads never wait for writers, writes commit whole or not at all."""

    def __init__(self, url: str, *, pool_size: int = 10, busy_timeout: float = 10.0) -> None:
        self.url = driver_url(url)
        self.dialect = self.url.get_backend_name()
        self.busy_timeout = busy_timeout
        self.engine = _create_engine(self.url, pool_size, busy_timeout)
        writer = self.engine.execution_options(**{_WRITE: True})
        self._read = async_sessionmaker(self.engine, expire_on_commit=False)
        self._write = async_sessionmaker(writer, expire_on_commit=False)
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else None
        self._file: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"Database({self.safe_url!r})"

    @property
    def safe_url(self) -> str:
        """The URL without its password."""
        return safe_url(self.url)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        return sqlite_path(self.url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries; whatever it changed is rolled back at the end."""
        async with self._read() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for queries that all see the database as it is when the first one runs."""
        async with self._read() as session:
            # On SQLite every transaction reads one state of the file.
            if self.path is None:
                options = {"isolation_level": "REPEATABLE READ"}
                await session.connection(execution_options=options)
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed when the block ends, rolled back when it raises.

        On SQLite the transaction takes the write lock at once (`BEGIN IMMEDIATE`), so that a read
        followed by a write can't fail half-way because another writer came between. One `write()`
        inside another of the same task can therefore never end well. The wait for another process
        ends after `busy_timeout` with `OperationalError`, or at once when the caller is cancelled.
        """
        async with self._queue(), self._write() as session, session.begin():
            yield session

    async def ping(self) -> float:
        """Return the seconds that the smallest possible query took.

        Raises `DatabaseUnusable` when SQLite's file was deleted or replaced: its open connections
        go on to answer, from a file that nobody will find again.
        """
        started = time.perf_counter()
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        seconds = time.perf_counter() - started
        if self.path is not None:
            self._check_file(self.path)
        return seconds

    async def check_writable(self) -> None:
        """Raise `DatabaseUnusable` when nothing can be written.

        That is when another process holds the lock of a SQLite file, or a server takes no writes.
        """
        if self.path is not None:
            await asyncio.to_thread(_take_write_lock, self.path)
            return
        async with self.read() as session:
            if await session.scalar(text("SHOW transaction_read_only")) == "on":
                raise DatabaseUnusable("the server takes no writes")

    async def close(self) -> None:
        """Close every connection, once those at work have come back or some time has passed.

        One that came back later would stay open, on SQLite perhaps with the lock of the file.
        """
        await self._come_to_rest()
        await self.engine.dispose()
        self._file = None

    async def _come_to_rest(self) -> None:
        pool: Any = self.engine.pool
        for _look in range(_CLOSE_LOOKS):
            if not pool.checkedout():
                return
            await asyncio.sleep(_CLOSE_PAUSE)

    def _check_file(self, path: Path) -> None:
        try:
            found = path.stat()
        except OSError as error:
            raise DatabaseUnusable("the database's file is gone") from error
        if self._file is None:
            self._file = (found.st_dev, found.st_ino)
        elif self._file != (found.st_dev, found.st_ino):
            raise DatabaseUnusable("the database's file was replaced")

    def _queue(self) -> Any:
        # SQLite has one writer and lets the others poll, the unlucky ones for long. Within this
        # process a queue is fair and leaves the connections to the readers. The file's own lock
        # still decides; this is only about speed.
        return nullcontext() if self._turn is None else self._turn


def sqlite_path(url: URL) -> Path | None:
    """Return the file that a SQLite URL names; None for PostgreSQL."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def _take_write_lock(path: Path) -> None:
    # A connection of its own, because all pooled ones may be waiting for this very lock.
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        ) as connection:
            connection.execute(f"PRAGMA busy_timeout={_LOCK_PATIENCE_MS}")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise DatabaseUnusable(str(error)) from error


def create_unpooled_engine(url: URL, busy_timeout: float) -> AsyncEngine:
    """Return an engine for migrations and listening: new connections, without time limits.

    It leaves foreign keys off on SQLite, which can't alter most of a table: migrations copy it,
    drop it and rename the copy, and with foreign keys on the drop would delete its children's rows.
    """
    if url.get_backend_name() == "postgresql":
        return create_async_engine(url, poolclass=NullPool, connect_args=_postgres_arguments())
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args=_sqlite_arguments(busy_timeout),
        execution_options={_WRITE: True},
    )
    _set_up_sqlite(engine, busy_timeout)
    return engine


def _create_engine(url: URL, pool_size: int, busy_timeout: float) -> AsyncEngine:
    options: dict[str, Any] = {
        # Parameters are data of people and secrets: no error may print them.
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": _POOL_TIMEOUT,
    }
    if url.get_backend_name() == "postgresql":
        arguments = _postgres_arguments() | {"command_timeout": _COMMAND_TIMEOUT}
        options |= {"pool_recycle": 1800}
        engine = create_async_engine(url, connect_args=arguments, **options)
        _check_before_use(engine)
        return engine
    engine = create_async_engine(url, connect_args=_sqlite_arguments(busy_timeout), **options)
    _set_up_sqlite(engine, busy_timeout, _PRAGMAS)
    return engine


def _postgres_arguments() -> dict[str, Any]:
    settings = {"application_name": APPLICATION_NAME}
    return {"timeout": _CONNECT_TIMEOUT, "server_settings": settings}


def _sqlite_arguments(busy_timeout: float) -> dict[str, Any]:
    return {
        "timeout": min(busy_timeout, _LOCK_ATTEMPT),
        "isolation_level": None,
        "async_creator_fn": connect,
    }


def _check_before_use(engine: AsyncEngine) -> None:
    """Have a connection that is lost replaced before it is used.

    SQLAlchemy's own check asks the server each time, three ways there and back, which is more than
    most transactions need. That a server has closed a connection is known here as a rule; it is
    asked only about one that has rested, which something on the way may have dropped unheard.
    """
    dialect = engine.sync_engine.dialect

    def note(_connection: object, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    def check(connection: Any, record: Any, _proxy: object) -> None:
        # What has not been used yet is new.
        used_at = record.info.get(_USED_AT)
        if used_at is None:
            return
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - used_at < _TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if not dialect.is_disconnect(error, connection, None):
                raise
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", note)
    event.listen(engine.sync_engine, "checkout", check)


def _set_up_sqlite(engine: AsyncEngine, busy_timeout: float, pragmas: Sequence[str] = ()) -> None:
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            # While others change a new file to WAL, SQLite refuses at once, however long the
            # timeout: it takes the wait for a deadlock.
            _when_free(connection, busy_timeout, partial(cursor.execute, f"PRAGMA {pragma}"))
        cursor.close()

    def begin(connection: Connection) -> None:
        # The driver's own transaction handling is switched off (isolation_level None), because it
        # starts transactions late and lets DDL slip out of them.
        write = connection.get_execution_options().get(_WRITE, False)
        statement = "BEGIN IMMEDIATE" if write else "BEGIN"
        driver: Any = connection.connection.dbapi_connection
        try:
            # One step of the driver's thread, where a cursor of SQLAlchemy takes three.
            driver.run_async(lambda raw: raw.execute(statement))
        except sqlite3.OperationalError:
            # Once more, for an error that says of which statement it is.
            _when_free(driver, busy_timeout, partial(connection.exec_driver_sql, statement))

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)


def _when_free(driver: Any, busy_timeout: float, step: Callable[[], object]) -> None:
    """Do a step on a connection as soon as nobody's lock is in its way, or raise what is."""
    give_up_at = time.monotonic() + busy_timeout
    while True:
        try:
            step()
        except (sqlite3.OperationalError, OperationalError) as error:
            if not _is_busy(error) or time.monotonic() >= give_up_at:
                raise
        else:
            return
        seconds = random.uniform(*_LOCK_PAUSES)  # noqa: S311 - nothing is kept secret by it
        driver.run_async(lambda _driver, seconds=seconds: asyncio.sleep(seconds))


def _is_busy(error: Exception) -> bool:
    # The lowest byte is the kind; the rest of the code says why.
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        original = link.orig if isinstance(link, DBAPIError) else None
        link = original or link.__cause__


def _is_unavailable(error: BaseException) -> bool:
    if isinstance(error, PoolTimeoutError):
        return True
    if isinstance(error, OSError):  # a TimeoutError is one too
        # The drivers let these through as they are, and so do HTTP clients: the way tells.
        return _came_through("sqlalchemy", error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_UNAVAILABLE_STATES)
    if isinstance(error, sqlite3.DatabaseError):
        return any(sign in str(error).lower() for sign in _SQLITE_UNAVAILABLE)
    # The PostgreSQL driver's word for using a connection that is closed.
    return type(error).__name__ == "InterfaceError" and "connection" in str(error).lower()


def _came_through(package: str, error: BaseException) -> bool:
    modules = (
        str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(error.__traceback__)
    )
    return any(name.partition(".")[0] == package for name in modules)
