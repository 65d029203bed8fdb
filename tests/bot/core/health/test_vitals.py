"""Memory limits and sizes as the operating system tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.health.vitals import HostProbe, cgroup_memory_limit


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"memory.max": "max\n"}, None),
        ({"memory.max": "268435456\n"}, 268435456),
        ({"a/b/memory.max": "1000\n", "a/memory.max": "max\n"}, 1000),
        ({"a/b/memory.max": "5000\n", "a/memory.max": "1000\n"}, 1000),
        ({"memory/memory.limit_in_bytes": "2048\n"}, 2048),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
    ],
)
def test_cgroup_memory_limit(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    for name, text in files.items():
        _write(tmp_path / "fs" / name, text)
    membership = tmp_path / "cgroup"
    membership.write_text("0::/a/b\n")
    assert cgroup_memory_limit(tmp_path / "fs", membership) == expected


def test_cgroup_memory_limit_without_cgroups(tmp_path: Path) -> None:
    assert cgroup_memory_limit(tmp_path / "fs", tmp_path / "nothing") is None


def test_host_probe_measures_process_and_files(tmp_path: Path) -> None:
    file = tmp_path / "pegasus.db"
    file.write_bytes(b"x" * 100)
    (tmp_path / "pegasus.db-wal").write_bytes(b"y" * 7)
    vitals = HostProbe(memory_limit=123, database_path=file).measure()
    assert vitals.memory.limit == 123
    assert 0 < vitals.memory.uss <= vitals.memory.rss <= vitals.memory.vms
    assert (vitals.database_size, vitals.wal_size) == (107, 7)
    assert (vitals.disk_free or 0) > 0


def test_host_probe_without_a_file(tmp_path: Path) -> None:
    assert HostProbe().measure().disk_free is None
    gone = HostProbe(database_path=tmp_path / "missing" / "x.db").measure()
    assert (gone.disk_free, gone.database_size, gone.wal_size) == (None, None, None)
