"""Notices between processes: what one commits, the others hear of at once.

A notice is a hint that something changed, never the change itself: it may be lost while a
connection is down, so listeners are told of every gap and read the database again. PostgreSQL
carries notices between processes; SQLite serves one process, which hears itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Protocol, cast

from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from db.engine import Database, create_unpooled_engine

if TYPE_CHECKING:
    import asyncpg

Callback = Callable[[str], None]
GapCallback = Callable[[], None]

log = logging.getLogger(__name__)

# PostgreSQL refuses payloads of 8000 bytes or more.
PAYLOAD_LIMIT = 7999
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PENDING = "pegasus_notices"
_PROBE_EVERY = 15.0
_PATIENCE = 5.0
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0


class Notifier(Protocol):
    """Carries notices on named channels from whoever publishes to all who listen."""

    async def publish(self, channel: str, payload: str, session: AsyncSession) -> None:
        """Send a notice when the session's transaction commits, and never if it does not.

        Raises `ValueError` for a payload over `PAYLOAD_LIMIT` bytes or a malformed channel name.
        """
        ...

    def listen(self, channel: str, callback: Callback) -> None:
        """Call back with every payload on a channel, in order, from the event loop."""
        ...

    def on_gap(self, callback: GapCallback) -> None:
        """Call back whenever notices may have been missed."""
        ...

    async def run(self) -> None:
        """Receive notices until cancelled; for a supervised task."""
        ...


def make_notifier(database: Database) -> Notifier:
    """Return the notifier for a database's engine."""
    if database.dialect == "postgresql":
        return PostgresNotifier(database)
    return LocalNotifier()


class _Listeners:
    """Who listens to what, and how they are told."""

    def __init__(self) -> None:
        self._callbacks: defaultdict[str, list[Callback]] = defaultdict(list)
        self._gap_callbacks: list[GapCallback] = []

    def listen(self, channel: str, callback: Callback) -> None:
        """Call back with every payload on a channel, in order, from the event loop."""
        _check(channel, "")
        self._callbacks[channel].append(callback)

    def on_gap(self, callback: GapCallback) -> None:
        """Call back whenever notices may have been missed."""
        self._gap_callbacks.append(callback)

    def _tell(self, channel: str, payload: str) -> None:
        for callback in tuple(self._callbacks[channel]):
            callback(payload)

    def _tell_gap(self) -> None:
        for callback in tuple(self._gap_callbacks):
            callback()


class LocalNotifier(_Listeners):
    """Notices within this process, for SQLite; there are no gaps."""

    async def publish(self, channel: str, payload: str, session: AsyncSession) -> None:
        """Call the listeners right after the session's transaction commits."""
        _check(channel, payload)
        inner = session.sync_session
        if _PENDING not in inner.info:
            inner.info[_PENDING] = {}
            event.listen(inner, "after_commit", self._committed)
            event.listen(inner, "after_rollback", _forget)
        # Like PostgreSQL, one transaction gives the same notice once, in the order of the first.
        inner.info[_PENDING][channel, payload] = asyncio.get_running_loop()

    async def run(self) -> None:
        """Wait until cancelled: nothing has to be received."""
        await asyncio.Event().wait()

    def _committed(self, session: Session) -> None:
        if session.in_nested_transaction():  # only a savepoint was released
            return
        for (channel, payload), loop in session.info[_PENDING].items():
            loop.call_soon(self._tell, channel, payload)
        _forget(session)


class PostgresNotifier(_Listeners):
    """Notices by LISTEN and NOTIFY, received on a connection of its own.

    What is listened to must be known before `run` starts.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._connected = asyncio.Event()

    async def publish(self, channel: str, payload: str, session: AsyncSession) -> None:
        """Send a notice with the session's transaction; PostgreSQL delivers it on commit."""
        _check(channel, payload)
        notice = {"channel": channel, "payload": payload}
        await session.execute(text("SELECT pg_notify(:channel, :payload)"), notice)

    async def wait_connected(self) -> None:
        """Wait until notices are being received."""
        await self._connected.wait()

    async def run(self) -> None:
        """Receive notices until cancelled, connecting anew whenever the connection is lost.

        Every connection after the first is reported as a gap.
        """
        # Three megabytes that a bot on SQLite does without.
        from asyncpg import InterfaceError, PostgresError

        failures, had_connection = 0, False
        while True:
            try:
                async with self._connection() as connection:
                    failures = 0
                    if had_connection:
                        self._tell_gap()
                    had_connection = True
                    await self._stay(connection)
            except (OSError, SQLAlchemyError, PostgresError, InterfaceError) as error:
                log.warning("notices are not received: %s", type(error).__name__)
            failures += 1
            await asyncio.sleep(_wait_after(failures))

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        engine = create_unpooled_engine(self._database.url, self._database.busy_timeout)
        try:
            async with engine.connect() as wrapper:
                raw = await wrapper.get_raw_connection()
                connection = cast("asyncpg.Connection", raw.driver_connection)
                async with asyncio.timeout(_PATIENCE):
                    for channel in self._callbacks:
                        await connection.add_listener(channel, self._received)
                try:
                    yield connection
                finally:
                    self._connected.clear()
                    # It may be dead, so nothing more is said to it.
                    await wrapper.invalidate()
        finally:
            await engine.dispose()

    async def _stay(self, connection: asyncpg.Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        self._connected.set()
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), _PROBE_EVERY)
                return
            # A connection can die without a word; only asking shows it.
            await connection.execute("SELECT 1", timeout=_PATIENCE)

    def _received(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._tell(channel, str(payload))


def _forget(session: Session) -> None:
    session.info[_PENDING].clear()


def _wait_after(failures: int) -> float:
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(failures - 1, 10))
    # Many processes that lost the same server should not come back in the same moment.
    return random.uniform(longest / 2, longest)  # noqa: S311


def _check(channel: str, payload: str) -> None:
    if not _CHANNEL.fullmatch(channel):
        raise ValueError(f"{channel!r} is no channel name: lower-case letters, digits and _")
    if len(payload.encode()) > PAYLOAD_LIMIT:
        raise ValueError(f"a notice holds at most {PAYLOAD_LIMIT} bytes: send a key, not the data")
