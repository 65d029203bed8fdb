"""Counts what members write for giveaways that ask for messages; free of discord.py.

Counted in memory and written behind. Messages that automod rejects never come here. Of those in
other guilds nothing is kept at all.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.contracts import MessageFacts
from cogs.giveaways.plan import Requirements
from db import giveaway_entries as table
from db.engine import Database
from db.giveaways import ACTIVE, PAUSED, Giveaway

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0
LONGEST_PAUSE = 60.0
# Pairs of giveaway and person that wait to be written; past it newcomers are not counted.
MOST_PENDING = 50_000
_BATCH = 500


class MessageCounter:
    """Counts messages by giveaway and person; `see` never waits, `flush` loses nothing."""

    def __init__(
        self, database: Database, *, spawn: Spawn, most_pending: int = MOST_PENDING
    ) -> None:
        self._database = database
        self._spawn = spawn
        self._is_flushing = False
        self._most_pending = most_pending
        self._giveaways: dict[int, frozenset[UUID]] = {}
        self._pending: Counter[tuple[UUID, int]] = Counter()
        self._writing: Counter[tuple[UUID, int]] = Counter()
        self._turn = asyncio.Lock()
        self.dropped = 0

    def see(self, facts: MessageFacts) -> None:
        """Count a message that was accepted, for each giveaway of its guild that asks for some."""
        for giveaway_id in self._giveaways.get(facts.guild_id, ()):
            key = giveaway_id, facts.author_id
            if key in self._pending or len(self._pending) < self._most_pending:
                self._pending[key] += 1
            else:
                self.dropped += 1
            if not self._is_flushing:
                self._is_flushing = True
                self._spawn("giveaways.messages", self._flush_later())

    def pending(self, giveaway_id: UUID, user_id: int) -> int:
        """Return how many messages of a person are counted but not in the database yet."""
        return self._pending[giveaway_id, user_id] + self._writing[giveaway_id, user_id]

    def note(self, giveaway: Giveaway) -> None:
        """Count for a giveaway from now on, or no more: as it is now."""
        known = self._giveaways.get(giveaway.guild_id, frozenset())
        needs = Requirements.from_json(giveaway.requirements)
        if needs.messages and giveaway.status in (ACTIVE, PAUSED):
            known |= {giveaway.id}
        else:
            known -= {giveaway.id}
        self._giveaways[giveaway.guild_id] = known
        if not known:
            del self._giveaways[giveaway.guild_id]

    async def reload(self) -> None:
        """Know which giveaways of earlier runs ask for messages."""
        found: defaultdict[int, set[UUID]] = defaultdict(set)
        async with self._database.read() as session:
            for guild_id, giveaway_id in await table.list_counting(session):
                found[guild_id].add(giveaway_id)
        self._giveaways = {guild_id: frozenset(ids) for guild_id, ids in found.items()}

    async def flush(self) -> None:
        """Write all that was counted; what can't be written is kept for the next time.

        Whoever waits may be cancelled, the writing is not: what was committed just then would be
        taken for not written, and be written again.
        """
        await asyncio.shield(asyncio.create_task(self._flush(), name="giveaways.writing"))

    async def _flush(self) -> None:
        async with self._turn:
            self._writing, self._pending = self._pending, Counter()
            try:
                await self._write()
            finally:
                self._pending.update(self._writing)
                self._writing = Counter()

    async def _write(self) -> None:
        keys = list(self._writing)
        for start in range(0, len(keys), _BATCH):
            part = {key: self._writing[key] for key in keys[start : start + _BATCH]}
            async with self._database.write() as session:
                await table.add_messages(session, part)
            for key in part:
                del self._writing[key]

    async def _flush_later(self) -> None:
        """Write what was counted within a few seconds; after a failure wait longer."""
        pause = FLUSH_SECONDS
        try:
            while self._pending:
                await asyncio.sleep(pause)
                try:
                    await self.flush()
                    pause = FLUSH_SECONDS
                except (SQLAlchemyError, OSError) as error:
                    pause = min(pause * 2, LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
                    log.warning("messages_not_counted", error=type(error).__name__)
        finally:
            # However it ended, the next message that counts begins anew.
            self._is_flushing = False
