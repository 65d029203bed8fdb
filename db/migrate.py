"""Brings a database to the schema of this code, whole or not at all, in one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from db.engine import Database, create_unpooled_engine
from db.version import MIGRATION_LOCK, current


class MigrationError(RuntimeError):
    """The database can't be brought to this schema; it was left as it was."""


async def upgrade(database: Database, config: Config | None = None) -> bool:
    """Bring the database to the newest schema; False when it already was there.

    All revisions run in one transaction. A SQLite file that holds an older schema is first copied
    beside itself, as `NAME.before-REVISION`. Raises `MigrationError` when the schema is newer than
    this code or a revision would break references between tables.
    """
    config = config or make_config()
    target = _head_of(config)
    if database.path is not None:
        await asyncio.to_thread(_create_private_file, database.path)
    before = await current(database)
    if before == target:
        return False
    _refuse_unknown(before, config)
    if database.path is not None and before is not None:
        copy = database.path.with_name(f"{database.path.name}.before-{target}")
        await asyncio.to_thread(_copy_sqlite, database.path, copy)
    engine = create_unpooled_engine(database.url, database.busy_timeout)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_locked, config, target)
    finally:
        await engine.dispose()
    return True


def is_known(revision: str) -> bool:
    """Return whether a revision belongs to this code's history, its head included."""
    return revision in _history_of(make_config())


def make_config() -> Config:
    """Return Alembic's configuration for the migrations that ship with this package."""
    config = Config()
    config.set_main_option("script_location", "db:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _upgrade_locked(connection: Connection, config: Config, target: str) -> None:
    if connection.dialect.name == "postgresql":
        lock = {"key": MIGRATION_LOCK}
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), lock)
    # Another process may have migrated while this one waited for its turn.
    _refuse_unknown(_current_of(connection), config)
    config.attributes["connection"] = connection
    command.upgrade(config, target)
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise MigrationError(f"the migration would leave rows without their parent in {tables}")


def _refuse_unknown(revision: str | None, config: Config) -> None:
    if revision is not None and revision not in _history_of(config):
        raise MigrationError(
            f"the database has schema {revision}, which this version does not know: "
            "it was written by a newer one"
        )


def _current_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head_of(config: Config) -> str:
    return str(ScriptDirectory.from_config(config).get_current_head())


def _history_of(config: Config) -> set[str]:
    scripts = ScriptDirectory.from_config(config)
    return {script.revision for script in scripts.walk_revisions()}


def _create_private_file(path: Path) -> None:
    # SQLite would create it readable to all; its journals take over these permissions.
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _copy_sqlite(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    _create_private_file(target)
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
