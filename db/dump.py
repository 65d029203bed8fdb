"""How each engine writes all it holds as bytes, takes it back, and tells that a bot is using it.

SQLite does it through its own backup interface, PostgreSQL through pg_dump, pg_restore and psql.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import text
from sqlalchemy.engine import URL

from db import schema
from db.engine import APPLICATION_NAME, Database
from db.version import MIGRATION_LOCK

_CHUNK = 1024 * 1024
_RUNNING = "a bot is running on this database: stop it first"
# The first thing in a restore's transaction: from here on no bot comes past its migration check,
# and one that did is seen. A connection that was closed just now is listed for a moment longer.
_ALONE = f"""
SELECT pg_advisory_xact_lock({MIGRATION_LOCK});
DO $$
BEGIN
  FOR attempt IN 1..20 LOOP
    PERFORM pg_stat_clear_snapshot();
    IF NOT EXISTS (
      SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = '{APPLICATION_NAME}'
    ) THEN
      RETURN;
    END IF;
    PERFORM pg_sleep(0.1);
  END LOOP;
  RAISE EXCEPTION '{_RUNNING}';
END
$$;
"""  # noqa: S608 - constants of ours


class BackupError(RuntimeError):
    """A backup could not be made or restored; the message says why, and what would help."""


async def refuse_running(database: Database) -> None:
    """Raise `BackupError` when another process is connected to a PostgreSQL database.

    This is only to refuse soon: what counts is found under the lock that the loading needs, for a
    SQLite file too.
    """
    if database.dialect != "postgresql":
        return
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = :name AND pid <> pg_backend_pid()"
    )
    async with database.read() as session:
        if await session.scalar(query, {"name": APPLICATION_NAME}):
            raise BackupError(_RUNNING)


def dump(database: Database, folder: Path) -> Iterator[bytes]:
    """Yield a consistent copy of all that the database holds, while others use it.

    `folder` is where a private temporary copy may lie.
    """
    if database.path is not None:
        return _dump_sqlite(database.path, folder)
    return _dump_postgres(database.url)


def load(database: Database, payload: Iterable[bytes], stamp: str) -> Path | None:
    """Replace all that the database holds by what `dump` gave, whole or not at all.

    A SQLite file that holds anything is first copied to `NAME.replaced-STAMP`, which is returned.
    Raises `BackupError` when a bot is using the file or the payload can't be loaded.
    """
    if database.path is not None:
        return _load_sqlite(database.path, payload, stamp)
    _load_postgres(database.url, payload)
    return None


# --- SQLite ---------------------------------------------------------------------------------


def _dump_sqlite(path: Path, folder: Path) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as private:
        copy = Path(private) / "copy.db"
        with _connecting(path) as source, _connecting(copy) as target:
            source.backup(target)
            # The copy is one file only when it needs no journal beside it.
            target.execute("PRAGMA journal_mode=DELETE")
        with copy.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _load_sqlite(path: Path, payload: Iterable[bytes], stamp: str) -> Path | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".restore-") as private:
        fresh = Path(private) / "fresh.db"
        with fresh.open("wb") as file:
            file.writelines(payload)
        is_new = not path.exists() or path.stat().st_size == 0
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with _connecting(fresh) as source, _connecting(path) as target:
            _check_sqlite(source)
            _lock_sqlite(target)
            kept = None if is_new else path.with_name(f"{path.name}.replaced-{stamp}")
            if kept is not None:
                _keep(target, kept)
            source.backup(target)
    return kept


def _keep(database: sqlite3.Connection, kept: Path) -> None:
    os.close(os.open(kept, os.O_CREAT | os.O_EXCL, 0o600))
    with _connecting(kept) as copy:
        database.backup(copy)


def _check_sqlite(source: sqlite3.Connection) -> None:
    try:
        verdict = source.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise BackupError(f"the backup holds no readable database: {error}") from error
    if verdict != "ok":
        raise BackupError(f"the database in the backup is damaged: {verdict}")


def _lock_sqlite(target: sqlite3.Connection) -> None:
    # A bot keeps connections open in WAL mode, and SQLite lets nobody leave that mode while
    # another connection is open. The exclusive mode then keeps newcomers out until the end.
    try:
        target.execute("PRAGMA locking_mode=EXCLUSIVE")
        target.execute("PRAGMA journal_mode=DELETE")
        target.execute("BEGIN EXCLUSIVE")
        target.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise BackupError(_RUNNING) from error


@contextlib.contextmanager
def _connecting(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        yield connection
    except sqlite3.Error as error:
        raise BackupError(f"{path.name}: {error}") from error
    finally:
        connection.close()


# --- PostgreSQL -----------------------------------------------------------------------------


def _dump_postgres(url: URL) -> Iterator[bytes]:
    options = ["--format=custom", "--no-owner", "--no-privileges"]
    with tempfile.TemporaryFile() as archive:
        _run([_find_program("pg_dump"), *options], url, archive)
        archive.seek(0)
        while chunk := archive.read(_CHUNK):
            yield chunk


def _load_postgres(url: URL, payload: Iterable[bytes]) -> None:
    psql, pg_restore = _find_program("psql"), _find_program("pg_restore")
    with tempfile.TemporaryDirectory(prefix="pegasus-") as private:
        archive, script = Path(private) / "archive", Path(private) / "script.sql"
        with archive.open("wb") as file:
            file.writelines(payload)
        # Tables that came after the backup was made are in its way as much as its own.
        ours = [*schema.metadata().tables, "alembic_version"]
        drops = "".join(f'DROP TABLE IF EXISTS "{name}" CASCADE;\n' for name in ours)
        script.write_text(_ALONE + drops)
        translate = [pg_restore, "--no-owner", "--no-privileges", "--file=-", str(archive)]
        with script.open("ab") as output:
            _run(translate, url, output)
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        try:
            _run([psql, *options, f"--file={script}"], url, subprocess.DEVNULL)
        except BackupError as error:
            if _RUNNING in str(error):
                raise BackupError(_RUNNING) from None
            raise


def _run(command: list[str], url: URL, output: IO[bytes] | int) -> None:
    # The command is this module's own, and nothing of it comes from outside.
    done = subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        env=_environment(url),
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"{Path(command[0]).name} failed: {_message(done.stderr)}")


def _environment(url: URL) -> dict[str, str]:
    """Return the environment that connects libpq; arguments would show in the process list."""
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    settings = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": str(url.port) if url.port else query.get("port"),
        "PGUSER": url.username or query.get("user"),
        "PGDATABASE": url.database or query.get("database"),
        "PGPASSWORD": url.password or query.get("password"),
        "PGSSLMODE": query.get("ssl") or query.get("sslmode"),
        "PGAPPNAME": "pegasus-backup",
        "PGCONNECT_TIMEOUT": "10",
    }
    return dict(os.environ) | {name: value for name, value in settings.items() if value}


def _find_program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise BackupError(
            f"{name} was not found: install PostgreSQL's client programs of the server's version"
        )
    return program


def _message(output: bytes) -> str:
    return output.decode(errors="replace").strip()
