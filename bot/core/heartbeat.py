"""Tells the other processes that this one is alive, what it runs and how much it sees."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.clock import Clock
from bot.core.contracts import BotState
from db.engine import Database
from db.processes import delete_process, delete_processes_before, save_heartbeat

log = structlog.get_logger(__name__)

BEAT_SECONDS = 20.0
# Long enough for an operator to see in the table which process died.
FORGET_AFTER = timedelta(days=1)


class Heartbeat:
    """Keeps this process's row fresh and removes it in the end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        state: Callable[[], BotState],
        shard_ids: Sequence[int],
    ) -> None:
        self.process_id = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._database = database
        self._clock = clock
        self._state = state
        self._shard_ids = shard_ids
        self._started_at: datetime = clock.now()

    async def run(self) -> None:
        """Beat for ever; a database that is away is waited for."""
        while True:
            try:
                await self.beat()
            except (SQLAlchemyError, OSError) as error:
                log.warning("heartbeat_not_written", error=type(error).__name__)
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """Write one heartbeat."""
        counts = self._state().counts()
        now = self._clock.now()
        async with self._database.write() as session:
            await save_heartbeat(
                session,
                process_id=self.process_id,
                shard_ids=self._shard_ids,
                counts={
                    "guilds": counts.guilds,
                    "users": counts.users,
                    "channels": sum(counts.channels.values()),
                },
                started_at=self._started_at,
                now=now,
            )
            await delete_processes_before(session, now - FORGET_AFTER)

    async def stop(self) -> None:
        """Remove the row: this process ends in order."""
        async with self._database.write() as session:
            await delete_process(session, self.process_id)
