"""One bot per SQLite file: a lock beside it that the operating system drops with the process.

A row in the database would outlive a killed process and keep the next one from starting.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


class OwnedByAnother(Exception):
    """Another process runs a bot on this file."""


@contextlib.contextmanager
def owning(path: Path | None) -> Iterator[None]:
    """Be the only bot on a SQLite file while the block runs; servers (`None`) take many.

    Raises `OwnedByAnother`. Where no lock file can be made, nothing is guarded: what keeps it from
    being made keeps the database from being written as well, which is told by itself.
    """
    descriptor = None if path is None else _open(path.with_name(path.name + ".lock"))
    if descriptor is None:
        yield
        return
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None


def _lock(descriptor: int) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise OwnedByAnother from error
    except OSError:
        # A file system without locks, such as some network shares.
        return
