"""The operator's commands on the database: migrate, back up, restore, erase, adopt; no bot runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from bot.core.config import load_config
from bot.core.errors import AppError, DatabaseUnavailable, InvalidInput
from bot.core.i18n import N_, Message, _
from bot.core.log import configure_logging
from db.backup import BackupError, NotABackup, backup, restore
from db.bot_identity import release_database
from db.engine import Database, driver_url, is_connection_error, safe_url, sqlite_path
from db.migrate import MigrationError, upgrade
from db.people import erase_person


class MaintenanceFailed(AppError):
    """The command could not do its work (E001); the database is as it was."""

    code, status, title = "E001", 500, N_("Database maintenance failed")


async def migrate_database(config_path: Path | None) -> str:
    """Bring the configured database to the newest schema; returns a sentence for the operator.

    Raises `MaintenanceFailed` or `DatabaseUnavailable`, as all commands here do.
    """
    database = _open(config_path)
    with told_in_words(database.safe_url):
        try:
            await upgrade(database)
        finally:
            await database.close()
    return f"The database at {database.safe_url} is up to date."


async def backup_database(config_path: Path | None, file: Path) -> str:
    """Write a backup file, over an older backup of that name; returns a sentence for the operator.

    Raises `MaintenanceFailed` when a file of that name is no backup.
    """
    database = _open(config_path)
    replaces = file.exists()  # noqa: ASYNC240 - nothing else runs in this process
    with told_in_words(database.safe_url):
        try:
            await backup(database, file)
        finally:
            await database.close()
    return f"Backup written to {file}" + (", over an older one." if replaces else ".")


async def restore_database(config_path: Path | None, file: Path) -> str:
    """Restore the configured database from a backup file; returns a sentence for the operator."""
    url = _database_url(config_path)
    with told_in_words(safe_url(driver_url(url))):
        done = await restore(url, file)
    aside = f" What was there before is in {done.kept}." if done.kept else ""
    return f"The database was restored from {file}.{aside}"


async def erase_data(config_path: Path | None, user_id: int) -> str:
    """Erase a person, what staff recorded about them included; returns a sentence.

    What is in force, such as a ban that is to be lifted, stays until it is over. A running bot may
    keep what it has in memory for some seconds and write it afterwards.
    """
    database = _open(config_path)
    with told_in_words(database.safe_url):
        try:
            async with database.write() as session:
                counts = await erase_person(session, user_id)
        finally:
            await database.close()
    return f"{sum(counts.values())} records about {user_id} are erased."


async def adopt_database(config_path: Path | None) -> str:
    """Let the bot that logs in next have the database; returns a sentence for the operator."""
    database = _open(config_path)
    with told_in_words(database.safe_url):
        try:
            async with database.write() as session:
                released = await release_database(session)
        finally:
            await database.close()
    if not released:
        return f"The database at {database.safe_url} belongs to no bot yet."
    return f"The database at {database.safe_url} is taken by the bot that logs in next."


def _open(config_path: Path | None) -> Database:
    return Database(_database_url(config_path))


def _database_url(config_path: Path | None) -> str:
    config = load_config(config_path, os.environ, {})
    configure_logging(config.log, config.secrets())
    return config.database.url.get_secret_value()


@contextmanager
def told_in_words(url: str) -> Iterator[None]:
    """Turn what keeps a database from being used into an error that an operator can read.

    Raises `MaintenanceFailed`, `DatabaseUnavailable`, or `InvalidInput` for a file that is no
    backup; what is a fault of ours passes through.
    """
    try:
        yield
    except NotABackup as error:
        raise InvalidInput(_sentence(error)) from error
    except (BackupError, MigrationError) as error:
        raise MaintenanceFailed(_sentence(error)) from error
    except Exception as error:
        if is_connection_error(error):
            _refuse_folder(url, error)
            message = _("The database at {url} can't be reached.", url=url)
            raise DatabaseUnavailable(message) from error
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            message = _("The database at {url} can't be opened: {reason}.", url=url, reason=reason)
            hint = _("Set database.url to a file that this user can open.")
            raise MaintenanceFailed(message, hint=hint) from error
        raise


def _refuse_folder(url: str, error: Exception) -> None:
    """Say what is wrong for good, where SQLite only says that it can't open the file now."""
    path = sqlite_path(make_url(url))
    if path is not None and os.path.isdir(path):  # noqa: PTH112 - Path's raises where it may not look
        inside = url.rstrip("/") + "/pegasus.db"
        raise MaintenanceFailed(
            _("{path} is a folder, and the database needs a file.", path=str(path)),
            hint=_("Set database.url to a file in it, such as {url}.", url=inside),
        ) from error


def _sentence(error: Exception) -> Message:
    """Return a reason as a sentence; one that begins with a file's name keeps its letters."""
    reason = str(error)
    if reason.partition(" ")[0].isalpha():
        reason = reason[0].upper() + reason[1:]
    return Message("{reason}.", {"reason": reason})
