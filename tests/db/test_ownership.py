"""One bot per SQLite file, for as long as it runs and no longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from db.ownership import OwnedByAnother, owning

_HOLDER = """
import sys
from pathlib import Path
from db.ownership import owning
with owning(Path(sys.argv[1])):
    print("here", flush=True)
    sys.stdin.read()
"""


def test_owning_keeps_others_out_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pegasus.db"
    with owning(path), pytest.raises(OwnedByAnother), owning(path):
        pass
    with owning(path):
        assert not path.exists()


def test_owning_ends_with_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "pegasus.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "here\n"
        with pytest.raises(OwnedByAnother), owning(path):
            pass
        holder.kill()
        holder.wait()
        with owning(path):
            pass


def test_owning_of_servers_and_of_folders_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (None, tmp_path / "file" / "pegasus.db"):
        with owning(path), owning(path):
            pass
