"""Reads what Discord's audit log took down while nobody listened, before what comes next.

Free of discord.py. Entries are handed on in their order, and one that is handed on twice makes one
case: so the stored mark may lag behind, and reading begins a little too early rather than too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import structlog

from cogs.moderation.rules.purge import first_id_at
from db import audit_marks as table

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from db.engine import Database

log = structlog.get_logger(__name__)

Entry = Mapping[str, Any]
Note = Callable[[Entry], Awaitable[object]]

# Discord's page, and how much of a long absence is made good.
PAGE = 100
MOST_PAGES = 5
FARTHEST = timedelta(hours=24)
# How often a guild's mark is stored while entries come.
STORE_EVERY = timedelta(minutes=1)


class Unreadable(Exception):
    """Discord does not show the audit log, or not now."""


class AuditLogReader(Protocol):
    """Reaches a guild's audit log."""

    def may_read(self, guild_id: int) -> bool:
        """Tell whether the bot sees the log."""
        ...

    async def read(self, guild_id: int, after: int) -> Sequence[Entry]:
        """Return up to a page of the entries after an id; raises `Unreadable`."""
        ...


class CatchUp:
    """Hands entries on: those that were missed, then those that come."""

    def __init__(
        self, database: Database, clock: Clock, reader: AuditLogReader, note: Note
    ) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader
        self._note = note
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        # Guilds in which nothing was missed since the gateway's session began.
        self._current: set[int] = set()
        # By guild: when its mark was stored, on the monotonic clock.
        self._stored: dict[int, float] = {}

    async def hear(self, entry: Entry) -> None:
        """Hand an entry on that has just come, after those that were missed before it."""
        guild_id = int(entry["guild_id"])
        async with self._turn(guild_id):
            if guild_id not in self._current:
                await self._close_gap(guild_id, await self._marks([guild_id]))
            await self._note(entry)
            await self._see(guild_id, int(entry["id"]))

    async def begin_session(self, guild_ids: Collection[int]) -> None:
        """Read what was missed in these guilds; one after the other, since there may be many.

        A guild that is new is read from now on only: its past is not ours to record.
        """
        self._current.difference_update(guild_ids)
        marks = await self._marks(guild_ids)
        for guild_id in guild_ids:
            async with self._turn(guild_id):
                await self._close_gap(guild_id, marks)

    def forget(self, guild_id: int) -> None:
        """Drop a guild that the bot has left."""
        self._current.discard(guild_id)
        self._stored.pop(guild_id, None)

    def _turn(self, guild_id: int) -> asyncio.Lock:
        return self._turns.setdefault(guild_id, asyncio.Lock())

    async def _marks(self, guild_ids: Collection[int]) -> dict[int, int]:
        """Return the marks; guilds that had none are read from now on."""
        now = first_id_at(self._clock.now())
        async with self._database.read() as session:
            marks = await table.list_marks(session, guild_ids)
        new = {guild_id: now for guild_id in guild_ids if guild_id not in marks}
        if new:
            async with self._database.write() as session:
                await table.put_marks(session, new)
            self._current.update(new)
        return marks

    async def _close_gap(self, guild_id: int, marks: Mapping[int, int]) -> None:
        if guild_id in self._current:
            return
        self._current.add(guild_id)
        if not self._reader.may_read(guild_id):
            return
        mark = after = max(marks[guild_id], first_id_at(self._clock.now() - FARTHEST))
        try:
            for _page in range(MOST_PAGES):
                entries = await self._reader.read(guild_id, after)
                for entry in sorted(entries, key=lambda one: int(one["id"])):
                    await self._note({**entry, "guild_id": str(guild_id)})
                    after = int(entry["id"])
                if len(entries) < PAGE:
                    break
        except Unreadable as error:
            log.warning("audit_log_not_read", guild_id=guild_id, why=str(error))
        if after > mark:
            await self._store(guild_id, after)

    async def _see(self, guild_id: int, entry_id: int) -> None:
        stored = self._stored.get(guild_id)
        now = self._clock.monotonic()
        if stored is None or now - stored >= STORE_EVERY.total_seconds():
            await self._store(guild_id, entry_id)

    async def _store(self, guild_id: int, entry_id: int) -> None:
        self._stored[guild_id] = self._clock.monotonic()
        async with self._database.write() as session:
            await table.put_marks(session, {guild_id: entry_id})
