"""The operator's commands on the database: what goes wrong is told in words and with its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.errors import InvalidInput
from bot.maintenance import restore_database


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
