"""The domains that the operator blocks in every guild, from a file that may change at any time.

The file is read in a thread, and again once it is another. One that can't be read, or is too long,
changes nothing: the domains that are known go on to be found.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cogs.automod.rules.domains import MOST_DOMAINS, TooManyDomains, read_domains
from cogs.automod.rules.values import DomainBook

if TYPE_CHECKING:
    from bot.core.supervisor import TaskSupervisor

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0
# Twice the lines of domains that may be there: comments, and what is listed twice.
MOST_LINES = 2 * MOST_DOMAINS
# Longer than any domain; a file of another kind may have no ends of lines at all.
LONGEST_LINE = 1_000

# When, how long, and which file: another one has another of these.
Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Reading:
    mark: Mark
    domains: frozenset[str]
    skipped: int


class Blocklist:
    """Keeps `book` as the file is; without a file it stays empty."""

    def __init__(self, path: Path | None, supervisor: TaskSupervisor) -> None:
        self.book = DomainBook()
        self._path = path
        self._supervisor = supervisor
        self._mark: Mark | None = None
        self._trouble = ""

    @property
    def is_there(self) -> bool:
        """Whether the operator has named a file."""
        return self._path is not None

    def start(self) -> None:
        """Read the file from now on, if there is one."""
        if self._path is not None:
            self._supervisor.start("automod.blocklist", self._keep_up)

    async def stop(self) -> None:
        """Look no more."""
        if self._path is not None:
            await self._supervisor.end("automod.blocklist")

    async def _keep_up(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_SECONDS)

    async def refresh(self) -> None:
        """Look whether the file is another, and read it then; what is wrong is logged once."""
        if self._path is None:
            return
        try:
            found = await asyncio.to_thread(_read, self._path, self._mark)
        except TooManyDomains:
            self._complain(f"more than {MOST_DOMAINS} domains or {MOST_LINES} lines")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self._complain(reason or type(error).__name__)
        else:
            self._trouble = ""
            if found is not None:
                self._mark, self.book.domains = found.mark, found.domains
                log.info(
                    "automod_blocklist_read", domains=len(found.domains), skipped=found.skipped
                )

    def _complain(self, reason: str) -> None:
        if reason != self._trouble:
            self._trouble = reason
            log.warning("automod_blocklist_not_read", path=str(self._path), reason=reason)


def _read(path: Path, known: Mark | None) -> _Reading | None:
    """Return what the file holds, `None` while it is the known one; raises `OSError`."""
    with path.open(encoding="utf-8-sig") as file:
        status = path.stat()
        mark = (status.st_mtime_ns, status.st_size, status.st_ino)
        if mark == known:
            return None
        lines = iter(lambda: file.readline(LONGEST_LINE), "")
        domains, skipped = read_domains(itertools.islice(lines, MOST_LINES))
        if file.readline(1):
            raise TooManyDomains
    return _Reading(mark, domains, skipped)
