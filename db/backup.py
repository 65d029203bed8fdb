"""Backups: one private file with a manifest, the whole database and a checksum; and the way back.

The file is `PEGASUS-BACKUP 1`, a line of JSON, the engine's own dump, and last the SHA-256 of all
that precedes it. How each engine dumps and loads is in `db.dump`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

from db import dump
from db.backup_log import add_backup_made
from db.dump import BackupError
from db.engine import Database
from db.migrate import is_known, upgrade
from db.version import current, head

_MAGIC = b"PEGASUS-BACKUP 1\n"
_CHECKSUM_LENGTH = hashlib.sha256().digest_size * 2
_MANIFEST_LIMIT = 4096
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, to be judged before anything is touched."""

    engine: str
    schema: str
    created_at: str
    application: str


class NotABackup(BackupError):
    """The file is no backup, or not whole."""


async def backup(database: Database, path: Path) -> Manifest:
    """Write a backup of a database that may be in use; readable by its owner alone.

    The file appears under its name only when it is complete, and the audit log then says so. Raises
    `BackupError`, with what to do about it, when there is no database or nothing in it, a program
    is missing, or the file can't be written or is one that is no backup.
    """
    _refuse_own_files(database, path)
    _refuse_other_files(path)
    if database.path is not None and not database.path.exists():
        raise BackupError(f"there is no database at {database.path}")
    schema = await current(database)
    if schema is None:
        raise BackupError("the database is empty: there is nothing to back up")
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(database.dialect, schema, created_at, _application_version())
    await asyncio.to_thread(_write, database, path, manifest)
    if schema != head():
        # Backups are made before a migration too, and older tables may take no such entry.
        return manifest
    async with database.write() as session:
        await add_backup_made(session, datetime.now(UTC))
    return manifest


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database was restored from, and the file that keeps what was there before, if any."""

    manifest: Manifest
    kept: Path | None


async def restore(database_url: str, path: Path) -> Restored:
    """Replace a database's content by a backup's and bring it to the newest schema.

    Nothing is touched unless the file is whole, of the same engine and not newer than this code,
    and no bot runs on the database; the content is replaced whole or not at all. What was there is
    kept: for SQLite beside the database, for PostgreSQL as a backup beside `path`, both named
    `….replaced-TIME`. Raises `BackupError` when it refuses or fails.
    """
    database = Database(database_url)
    kept: Path | None = None
    try:
        manifest = await asyncio.to_thread(verify, path)
        _refuse_unsuitable(manifest, database)
        await dump.refuse_running(database)
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        if database.path is None and await current(database) is not None:
            kept = path.with_name(f"{path.name}.replaced-{stamp}")
            await backup(database, kept)
        await database.close()
        kept = await asyncio.to_thread(_load, database, path, stamp) or kept
        await upgrade(database)
    finally:
        await database.close()
    return Restored(manifest, kept)


def verify(path: Path) -> Manifest:
    """Return a backup's manifest after checking every byte of the file.

    Raises `NotABackup` when it is no backup, incomplete or altered, `BackupError` when it can't be
    read.
    """
    with _reading(path) as file:
        payload_at, manifest = _read_manifest(file)
        end = path.stat().st_size - _CHECKSUM_LENGTH
        if end < payload_at:
            raise NotABackup(f"{path} is incomplete")
        file.seek(0)
        digest = hashlib.sha256()
        for chunk in _chunks(file, end):
            digest.update(chunk)
        if not secrets.compare_digest(digest.hexdigest().encode(), file.read()):
            raise NotABackup(f"{path} is damaged or incomplete: its checksum does not match")
    return manifest


def _write(database: Database, path: Path, manifest: Manifest) -> None:
    with _replacing(path) as file:
        header = _MAGIC + json.dumps(asdict(manifest)).encode() + b"\n"
        digest = hashlib.sha256(header)
        file.write(header)
        for chunk in dump.dump(database, path.parent):
            digest.update(chunk)
            file.write(chunk)
        file.write(digest.hexdigest().encode())


def _refuse_own_files(database: Database, path: Path) -> None:
    if database.path is None:
        return
    own = database.path.resolve()
    if path.resolve() in {
        own.with_name(own.name + end) for end in ("", "-wal", "-shm", "-journal")
    }:
        raise BackupError("the backup would overwrite the database itself")


def _refuse_other_files(path: Path) -> None:
    """Only a backup may be overwritten by a backup: a slip of the hand must cost no other file."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with _reading(path) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BackupError(f"{path} is there already and is no backup: choose another name")


def _load(database: Database, path: Path, stamp: str) -> Path | None:
    with _reading(path) as file:
        payload_at, _ = _read_manifest(file)
        file.seek(payload_at)
        length = path.stat().st_size - _CHECKSUM_LENGTH - payload_at
        return dump.load(database, _chunks(file, length), stamp)


def _refuse_unsuitable(manifest: Manifest, database: Database) -> None:
    if manifest.engine != database.dialect:
        raise BackupError(
            f"this is a backup of a {manifest.engine} database, and the configured one is "
            f"{database.dialect}"
        )
    if not is_known(manifest.schema):
        raise BackupError(
            f"the backup was made by Pegasus {manifest.application} with schema "
            f"{manifest.schema}, which this version does not know: install that version or a newer"
        )


def _read_manifest(file: BinaryIO) -> tuple[int, Manifest]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise NotABackup("this is not a Pegasus backup")
    try:
        manifest = Manifest(**json.loads(file.readline(_MANIFEST_LIMIT)))
    except (ValueError, TypeError) as error:
        raise NotABackup("the backup is damaged: its manifest can't be read") from error
    return file.tell(), manifest


def _chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (chunk := file.read(min(_CHUNK, length))):
        length -= len(chunk)
        yield chunk


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror or error}") from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a private file that takes its final name when the block ends without an error."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise BackupError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _application_version() -> str:
    try:
        return metadata.version("pegasus-bot")
    except metadata.PackageNotFoundError:
        return "unknown"
