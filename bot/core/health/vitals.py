"""Measuring the process and its surroundings: memory, cgroup limit, disk, size of the database.

The file and process reads here block for microseconds to milliseconds; callers run them in a
thread.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.core.health.rules import MemoryVitals

_CGROUP = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
# Version 1 says "no limit" with a number near 2^63.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVitals:
    """What the operating system says about the process; bytes, `None` where there is no answer."""

    memory: MemoryVitals
    disk_free: int | None = None
    database_size: int | None = None
    wal_size: int | None = None


class HostProbe:
    """Measures the process; `database_path` is the SQLite file, `None` for a database server."""

    def __init__(
        self, *, memory_limit: int | None = None, database_path: Path | None = None
    ) -> None:
        self._process = psutil.Process()
        self._limit = memory_limit or cgroup_memory_limit()
        self._path = database_path

    def measure(self) -> HostVitals:
        """Return the present values; blocks, so it is called in a thread."""
        info = self._process.memory_full_info()
        memory = MemoryVitals(rss=info.rss, vms=info.vms, uss=info.uss, limit=self._limit)
        if self._path is None:
            return HostVitals(memory=memory)
        size = _size_of(self._path)
        wal = _size_of(self._path.with_name(self._path.name + "-wal"))
        return HostVitals(
            memory=memory,
            disk_free=_free_beside(self._path),
            database_size=None if size is None else size + (wal or 0),
            wal_size=wal,
        )


def cgroup_memory_limit(root: Path = _CGROUP, membership: Path = _MEMBERSHIP) -> int | None:
    """Return the smallest memory limit that applies to this process's cgroup, in bytes.

    Reads version 2 (`memory.max` of the group and all above it) and version 1
    (`memory.limit_in_bytes`); `None` when nothing limits the process.
    """
    folders = [root, *_group_folders(root, membership)]
    files = [folder / "memory.max" for folder in folders]
    files.append(root / "memory" / "memory.limit_in_bytes")
    limits = [limit for file in files if (limit := _read_limit(file)) is not None]
    return min(limits, default=None)


def _group_folders(root: Path, membership: Path) -> list[Path]:
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = root / path.strip("/")
    return [folder for folder in (group, *group.parents) if folder.is_relative_to(root)]


def _read_limit(file: Path) -> int | None:
    try:
        limit = int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or the word "max"
        return None
    return limit if limit < _NO_LIMIT else None


def _free_beside(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return None


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
