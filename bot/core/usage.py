"""Command usage: recorded in memory, written to the database in batches, read back as statistics.

A command never waits for this, and no argument value ever comes near it. Each command that ran
also becomes an entry of the audit log.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.config.sections import RetentionConfig
from db.audit import AuditEntry
from db.base import NOBODY
from db.engine import Database, is_about_rows
from db.usage import (
    NOT_RUN,
    Activity,
    CommandCount,
    UsageRecord,
    add_usage_batch,
    delete_days_before,
    get_activity,
    get_top_commands,
    roll_up,
)

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
LONGEST_PAUSE = 30.0
MOST_PENDING = 20_000
BATCH = 500
STATISTICS_SECONDS = 5.0
TOP_COMMANDS = 10
TOP_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEvent:
    """One use of a command: its qualified name ("giveaway create") and how it went."""

    guild_id: int | None
    user_id: int
    command: str
    kind: str
    outcome: str
    duration_ms: int
    at: datetime


@dataclass(frozen=True, slots=True)
class UsageStatistics:
    """What was used most in the last 30 days, and how much happened lately."""

    top_commands: tuple[CommandCount, ...]
    activity: Activity


class UsageRecorder:
    """Writes command usage behind: `record` never waits, `flush` loses nothing.

    While the database is away, events wait in memory up to a bound; past it new ones are dropped
    and counted in `dropped`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        most_pending: int = MOST_PENDING,
        on_dropped: Callable[[int], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._pending: deque[UsageEvent] = deque()
        self._most_pending = most_pending
        self._on_dropped = on_dropped
        self._writing: asyncio.Task[None] | None = None
        self._statistics: tuple[float, UsageStatistics] | None = None
        self._reading = asyncio.Lock()
        self.dropped = 0

    @property
    def pending(self) -> int:
        """How many events wait to be written."""
        return len(self._pending)

    def record(self, event: UsageEvent) -> None:
        """Take one event; returns at once."""
        if len(self._pending) < self._most_pending:
            self._pending.append(event)
        else:
            self._drop(1)

    async def run(self) -> None:
        """Write what is recorded, each second; after a failure wait longer and try again."""
        pause = FLUSH_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self.flush()
            except (SQLAlchemyError, OSError) as error:
                pause = min(pause * 2, LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
                log.warning(
                    "usage_not_written",
                    pending=self.pending,
                    error=type(error).__name__,
                    retry_in_seconds=round(pause, 1),
                )
            else:
                pause = FLUSH_SECONDS

    async def flush(self) -> None:
        """Write everything that is pending, but for single events that the database refuses.

        Any other error of the database is raised, and what is not stored yet is kept. Being
        cancelled does not interrupt a batch: it would not be known whether it was stored.
        """
        while self._pending:
            if self._writing is None:
                self._writing = asyncio.create_task(self._write_batch(), name="usage batch")
            await asyncio.shield(self._writing)

    async def statistics(self) -> UsageStatistics:
        """Return all statistics from one snapshot, which is renewed every few seconds at most."""
        async with self._reading:
            now = self._clock.monotonic()
            if self._statistics is None or now - self._statistics[0] >= STATISTICS_SECONDS:
                self._statistics = (now, await self._read_statistics())
            return self._statistics[1]

    async def _read_statistics(self) -> UsageStatistics:
        now = self._clock.now()
        async with self._database.read() as session:
            top = await get_top_commands(session, since=now - TOP_PERIOD, limit=TOP_COMMANDS)
            return UsageStatistics(tuple(top), await get_activity(session, now))

    async def _write_batch(self) -> None:
        try:
            await self._write(list(islice(self._pending, BATCH)))
        finally:
            self._writing = None

    async def _write(self, batch: list[UsageEvent]) -> None:
        """Store the events that have waited longest, but for those that the database refuses."""
        try:
            await self._store(batch)
        except (StatementError, UnicodeError, OverflowError) as error:
            if not is_about_rows(error):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
                return
            # It would fail again for ever and hold up all that come after it.
            log.exception("usage_refused", kind=batch[0].kind)
            self._drop(1)
        self._forget(len(batch))

    async def _store(self, batch: list[UsageEvent]) -> None:
        async with self._database.write() as session:
            await add_usage_batch(session, [_record_of(event) for event in batch])
            # Added together, they go to the database in one executemany.
            session.add_all([_entry_of(event) for event in batch if event.outcome not in NOT_RUN])

    def _forget(self, count: int) -> None:
        for _number in range(count):
            self._pending.popleft()

    def _drop(self, count: int) -> None:
        self.dropped += count
        if self._on_dropped is not None:
            self._on_dropped(count)


async def purge_usage(session: AsyncSession, now: datetime, retention: RetentionConfig) -> int:
    """Roll old single uses up into daily sums and delete old sums; return how many rolled."""
    today = now.astimezone(UTC).date()
    await delete_days_before(session, today - timedelta(days=retention.usage_daily_days))
    return await roll_up(session, before=today - timedelta(days=retention.command_usage_days))


def _record_of(event: UsageEvent) -> UsageRecord:
    return UsageRecord(
        guild_id=event.guild_id,
        user_id=event.user_id,
        command=event.command[:100],
        kind=event.kind[:16],
        outcome=event.outcome[:32],
        duration_ms=min(max(event.duration_ms, 0), 2**31 - 1),
        created_at=event.at,
    )


def _entry_of(event: UsageEvent) -> AuditEntry:
    command, _space, subcommand = event.command.partition(" ")
    details = {"command": command} | ({"subcommand": subcommand} if subcommand else {})
    return AuditEntry(
        id=uuid.uuid4(),
        user_id=event.user_id,
        guild_id=event.guild_id or NOBODY,
        action="command_executed",
        category="user_action",
        details=details,
        created_at=event.at,
    )
