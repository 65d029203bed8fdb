"""Backups: whole, private, verified, and never loaded over a running bot."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from db import backup as backups
from db.backup import backup, restore, verify
from db.backup_log import get_last_backup_at
from db.dump import BackupError
from db.engine import Database
from db.guilds import SeenGuild, get_guild, save_guilds
from db.version import MIGRATION_LOCK, head, is_at_head, starts_at_head
from tests.postgres import find_binaries

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def client_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own client programs on the path."""
    monkeypatch.setenv("PATH", str(find_binaries()), prepend=os.pathsep)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def rename(url: str, name: str) -> None:
    async with opened(url) as database, database.write() as session:
        await save_guilds(session, [SeenGuild(1, name, NOW)])


async def name_in(url: str) -> str | None:
    async with opened(url) as database, database.read() as session:
        row = await get_guild(session, 1)
        return None if row is None else row.name


async def back_up(url: str, path: Path) -> backups.Manifest:
    async with opened(url) as database:
        return await backup(database, path)


def rewrite_manifest(path: Path, **changes: Any) -> None:
    """Change a backup's manifest and give it a right checksum again."""
    magic, manifest, payload = path.read_bytes()[:-64].split(b"\n", 2)
    changed = json.dumps(json.loads(manifest) | changes).encode()
    body = b"\n".join([magic, changed, payload])
    path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())


async def test_restored_database_holds_what_was_backed_up(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "pegasus.backup"
    await rename(database_url, "before")
    written = await back_up(database_url, path)
    await rename(database_url, "after")
    assert (await restore(database_url, path)).manifest == written
    assert await name_in(database_url) == "before"
    async with opened(database_url) as database:
        assert await is_at_head(database)


async def test_manifest_says_what_the_file_holds(database_url: str, tmp_path: Path) -> None:
    manifest = await back_up(database_url, tmp_path / "b")
    assert verify(tmp_path / "b") == manifest
    assert manifest.engine == database_url.partition(":")[0]
    assert manifest.schema == head()
    assert datetime.fromisoformat(manifest.created_at).tzinfo is not None


async def test_backup_is_private_and_leaves_no_other_file(
    database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    await back_up(database_url, folder / "b")
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["b"]


async def test_backup_replaces_an_older_one(database_url: str, tmp_path: Path) -> None:
    await rename(database_url, "old")
    await back_up(database_url, tmp_path / "b")
    await rename(database_url, "new")
    await back_up(database_url, tmp_path / "b")
    await restore(database_url, tmp_path / "b")
    assert await name_in(database_url) == "new"


async def test_backup_spares_a_file_that_is_none(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(BackupError, match="is no backup"):
        await back_up(database_url, tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "mine"


async def test_backup_is_noted(database: Database, tmp_path: Path) -> None:
    await backup(database, tmp_path / "b")
    async with database.read() as session:
        made = await get_last_backup_at(session)
    assert made is not None
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=1)


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
async def test_backup_does_not_overwrite_the_database(sqlite_database: Database, end: str) -> None:
    assert sqlite_database.path is not None
    own = sqlite_database.path.with_name(sqlite_database.path.name + end)
    with pytest.raises(BackupError, match="overwrite"):
        await backup(sqlite_database, own)


async def test_backup_creates_no_missing_database(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no database"):
        await back_up(f"sqlite:///{tmp_path}/none/x.db", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


async def test_restore_into_nothing_puts_nothing_aside(
    sqlite_database: Database, tmp_path: Path
) -> None:
    await backup(sqlite_database, tmp_path / "b")
    fresh = tmp_path / "fresh"
    await restore(f"sqlite:///{fresh}/pegasus.db", tmp_path / "b")
    assert list(fresh.glob("*.replaced-*")) == []


async def test_backup_is_consistent_while_the_bot_writes(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    stop = asyncio.Event()

    async def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            names = [SeenGuild(key, f"{number}", NOW) for key in (1, 2)]
            async with database.write() as session:
                await save_guilds(session, names)

    writer = asyncio.create_task(keep_writing())
    await backup(database, tmp_path / "b")
    stop.set()
    await writer
    await database.close()
    await restore(database_url, tmp_path / "b")
    async with opened(database_url) as restored, restored.read() as session:
        first, second = await get_guild(session, 1), await get_guild(session, 2)
    assert (first and first.name) == (second and second.name)


async def test_replaced_content_is_kept_aside(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    await back_up(database_url, folder / "b")
    await rename(database_url, "valuable")
    await restore(database_url, folder / "b")
    assert await name_in(database_url) is None
    [kept] = [*tmp_path.glob("pegasus.db.replaced-*"), *folder.glob("b.replaced-*")]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    if database_url.startswith("sqlite"):
        assert await name_in(f"sqlite:///{kept}") == "valuable"
    else:
        await restore(database_url, kept)
        assert await name_in(database_url) == "valuable"


async def test_restore_into_a_new_database(empty_url: str, tmp_path: Path) -> None:
    async with opened(empty_url) as database:
        await backups.upgrade(database)
    await rename(empty_url, "moved")
    await back_up(empty_url, tmp_path / "b")
    if empty_url.startswith("sqlite"):
        empty_url = f"sqlite:///{tmp_path}/elsewhere/new.db"
    await restore(empty_url, tmp_path / "b")
    assert await name_in(empty_url) == "moved"


async def test_running_bot_is_not_overwritten(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await backup(database, tmp_path / "b")
    async with database.write() as session:
        await save_guilds(session, [SeenGuild(1, "running", NOW)])
    with pytest.raises(BackupError, match="a bot is running"):
        await restore(database_url, tmp_path / "b")
    assert await name_in(database_url) == "running"


async def test_bot_that_starts_during_a_restore_is_not_overwritten(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await back_up(postgres_url, tmp_path / "b")
    bot = Database(postgres_url)

    async def keep_aside(database: Database, path: Path) -> None:
        await backup(database, path)
        async with bot.write() as session:
            await save_guilds(session, [SeenGuild(1, "running", NOW)])

    monkeypatch.setattr(backups, "backup", keep_aside)
    try:
        with pytest.raises(BackupError) as refused:
            await restore(postgres_url, tmp_path / "b")
    finally:
        await bot.close()
    assert str(refused.value) == "a bot is running on this database: stop it first"
    assert await name_in(postgres_url) == "running"


async def test_restore_and_the_start_of_a_bot_wait_for_each_other(
    postgres_url: str, tmp_path: Path
) -> None:
    await back_up(postgres_url, tmp_path / "b")
    starting = Database(postgres_url)
    # Neither a bot nor a restore by its name, it holds the lock that both take.
    other = create_async_engine(starting.url, poolclass=NullPool)
    try:
        async with other.connect() as holder:
            await holder.execute(select(func.pg_advisory_lock(MIGRATION_LOCK)))
            load = asyncio.create_task(restore(postgres_url, tmp_path / "b"))
            await _until_waiting(holder, 1)
            start = asyncio.create_task(starts_at_head(starting))
            await _until_waiting(holder, 2)
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)
            await starting.close()
        await load
    finally:
        await starting.close()
        await other.dispose()


async def _until_waiting(connection: AsyncConnection, count: int) -> None:
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid "
        "WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
    )
    async with asyncio.timeout(20):
        while await connection.scalar(query) != count:
            await asyncio.sleep(0.05)


async def test_stopped_bots_database_can_be_restored(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await backup(database, tmp_path / "b")
    await database.close()
    await restore(database_url, tmp_path / "b")


@pytest.mark.parametrize("cut", [1, 64, 65, 2000, -1])
async def test_truncated_file_is_refused(sqlite_url: str, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "b"
    await back_up(sqlite_url, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut] if cut > 0 else whole[:30])
    with pytest.raises(BackupError, match=r"damaged|incomplete"):
        await restore(sqlite_url, path)


@pytest.mark.parametrize("place", [20, 500, -100, -3])
async def test_altered_file_is_refused(sqlite_url: str, tmp_path: Path, place: int) -> None:
    path = tmp_path / "b"
    await back_up(sqlite_url, path)
    altered = bytearray(path.read_bytes())
    altered[place] ^= 1
    path.write_bytes(altered)
    with pytest.raises(BackupError, match="damaged"):
        await restore(sqlite_url, path)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(200), b"PEGASUS-BACKUP 2\n"])
async def test_other_file_is_refused(sqlite_url: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(BackupError, match="not a Pegasus backup"):
        await restore(sqlite_url, tmp_path / "b")


async def test_missing_file_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="can't be read"):
        await restore(sqlite_url, tmp_path / "nowhere")


async def test_backup_of_another_engine_is_refused(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    await back_up(sqlite_url, tmp_path / "b")
    with pytest.raises(BackupError, match="of a sqlite database"):
        await restore(postgres_url, tmp_path / "b")


async def test_backup_of_a_newer_schema_is_refused(database_url: str, tmp_path: Path) -> None:
    await rename(database_url, "untouched")
    await back_up(database_url, tmp_path / "b")
    rewrite_manifest(tmp_path / "b", schema="9999")
    with pytest.raises(BackupError, match=r"schema 9999.*does not know"):
        await restore(database_url, tmp_path / "b")
    assert await name_in(database_url) == "untouched"


async def test_unloadable_payload_changes_nothing(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "b"
    await back_up(database_url, path)
    header = path.read_bytes().split(b"\n", 2)
    body = b"\n".join([*header[:2], b"neither engine's dump"])
    path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
    await rename(database_url, "untouched")
    with pytest.raises(BackupError):
        await restore(database_url, path)
    assert await name_in(database_url) == "untouched"


async def test_backup_of_an_empty_database_is_refused(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="empty"):
        await back_up(empty_url, tmp_path / "b")


async def test_backup_over_the_database_itself_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="itself"):
        await back_up(sqlite_url, tmp_path / "pegasus.db")


async def test_backup_into_a_missing_folder_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="can't be written"):
        await back_up(sqlite_url, tmp_path / "nowhere" / "b")


async def test_missing_client_program_is_named(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupError, match="pg_dump was not found"):
        await back_up(postgres_url, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


async def test_password_is_in_no_argument_of_pg_dump(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    spy = programs / "pg_dump"
    spy.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho "$PGPASSWORD" >> {tmp_path}/env\n'
    )
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    await back_up(postgres_url.replace("pegasus@", "pegasus:hunter2@"), tmp_path / "b")
    assert "hunter2" not in (tmp_path / "arguments").read_text()
    assert (tmp_path / "env").read_text() == "hunter2\n"
