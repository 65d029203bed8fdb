"""The operator's commands on the database: what goes wrong is told in words and with its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.errors import InvalidInput
from bot.maintenance import (
    MaintenanceFailed,
    erase_data,
    migrate_database,
    restore_database,
)
from db.engine import Database
from db.people import export_person
from db.permissions import grant_permission
from tests.fakes import FakeClock


async def test_restore_of_what_is_no_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new/pegasus.db")
    Path("notes.txt").write_text("nothing of the kind")
    with pytest.raises(InvalidInput, match="not a Pegasus backup") as caught:
        await restore_database(None, Path("notes.txt"))
    assert caught.value.code == "E004"
    assert not Path("new").exists()


async def test_erase_takes_a_person_out_of_the_database(
    database: Database, database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    async with database.write() as session:
        await grant_permission(
            session, guild_id=1, user_id=42, permission="welcome", granted_by=7, now=clock.now()
        )

    assert await erase_data(None, 42) == "1 records about 42 are erased."

    async with database.read() as session:
        assert await export_person(session, 42) == {}


@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("x" * 300 + ".db", "can't be opened: File name too")]
)
async def test_path_that_can_be_no_database_is_told_with_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/{name}")
    with pytest.raises(MaintenanceFailed, match=said) as caught:
        await migrate_database(None)
    told = caught.value.render(None)
    assert str(tmp_path) in told
    assert "database.url" in told
    assert "try again" not in told
