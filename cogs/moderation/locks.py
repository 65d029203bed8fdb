"""Locks channels and puts exactly back what was there: durable, across crashes and restarts.

The originals are stored first; Discord is brought in line afterwards, at once or by a job. Free of
discord.py: `Doors` reaches Discord.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job
from bot.core.overwrites import Change, Overwrite, dump, load, restore
from db import moderation as table
from db.moderation import LOCKED, LOCKING, UNLOCKING

if TYPE_CHECKING:
    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.jobs import JobService
    from db.engine import Database

LOCK_JOB = "moderation.lock"
# Longer than a command takes: after that the job carries it on.
GRACE = timedelta(seconds=40)


class ChannelGone(Exception):
    """The channel is not there any more, or the bot can't see it."""


class Doors(Protocol):
    """Reads and writes a channel's overwrites on Discord; a repeat does no harm."""

    async def read(self, channel_id: int) -> Sequence[Overwrite]:
        """Return the overwrites as Discord has them now; raises `ChannelGone`."""
        ...

    async def write(self, channel_id: int, overwrite: Overwrite, *, reason: str) -> None:
        """Put an overwrite, or remove it when it is empty; raises `ChannelGone`."""
        ...


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is wanted; without `ends_at` until somebody takes it back."""

    guild_id: int
    channel_id: int
    ends_at: datetime | None = None
    reason: str | None = None


class LockService:
    """Locks and unlocks; one caller wins, and what is begun is carried through."""

    def __init__(
        self, database: Database, clock: Clock, jobs: JobService, audit: AuditLog, doors: Doors
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._audit = audit
        self._doors = doors
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(
            LOCK_JOB,
            self._plan_next,
            effect=self._carry_on,
            max_attempts=1000,
            outlasts_absence=True,
        )

    async def lock(self, lock: Lock, changes: Sequence[Change], actor: Actor) -> None:
        """Lock a channel; raises `Conflict` when it is locked already.

        Raises `Denied` when Discord does not let the bot: then nothing is changed.
        """
        now = self._clock.now()
        async with self._database.write() as session:
            added = await table.add_lock(
                session,
                guild_id=lock.guild_id,
                channel_id=lock.channel_id,
                changes=dump(changes),
                locked_by=actor.user_id,
                reason=lock.reason,
                ends_at=lock.ends_at,
                now=now,
            )
            if not added:
                raise Conflict(
                    _("This channel is locked already."), hint=_("/unlock opens it again.")
                )
            await self._look(session, lock.guild_id, lock.channel_id, now + GRACE)
            await self._record(session, actor, lock.guild_id, lock.channel_id, "channel.lock")
        try:
            await self._carry(lock.channel_id)
        except Denied:
            # Half a lock is none: what was changed is put back.
            await self.unlock(lock.guild_id, lock.channel_id, actor)
            raise
        await self._look_when_done(lock.guild_id, lock.channel_id)

    async def unlock(self, guild_id: int, channel_id: int, actor: Actor) -> None:
        """Open a channel again; raises `NotFound` when it was not locked by `lock`."""
        async with self._database.write() as session:
            wanted = await table.change_lock(
                session, channel_id, expected=(LOCKING, LOCKED, UNLOCKING), state=UNLOCKING
            )
            if not wanted:
                raise NotFound(
                    _("I have not locked this channel."),
                    hint=_("If somebody did it by hand, change its permissions by hand, too."),
                )
            await self._look(session, guild_id, channel_id, self._clock.now() + GRACE)
            await self._record(session, actor, guild_id, channel_id, "channel.unlock")
        await self._carry(channel_id)
        await self._look_when_done(guild_id, channel_id)

    async def is_locked(self, channel_id: int) -> bool:
        """Tell whether a lock is wanted."""
        async with self._database.read() as session:
            lock = await table.get_lock(session, channel_id)
        return lock is not None and lock.state != UNLOCKING

    # --- carrying it out ---------------------------------------------------------------------

    async def _carry_on(self, job: Job) -> None:
        channel_id = int(job.payload["channel_id"])
        async with self._database.write() as session:
            lock = await table.get_lock(session, channel_id)
            if lock is not None and lock.ends_at is not None and lock.ends_at <= self._clock.now():
                await table.change_lock(
                    session, channel_id, expected=(LOCKING, LOCKED), state=UNLOCKING
                )
        await self._carry(channel_id)

    async def _plan_next(self, job: Job, session: AsyncSession) -> datetime | None:
        """Return when the lock ends, if it still stands."""
        lock = await table.get_lock(session, int(job.payload["channel_id"]))
        if lock is None:
            return None
        # Something else was wanted while this ran; that is seen to at once.
        return lock.ends_at if lock.state == LOCKED else self._clock.now()

    async def _carry(self, channel_id: int) -> None:
        """Bring the channel in line with what is wanted of it now."""
        turn = self._turns.setdefault(channel_id, asyncio.Lock())
        async with turn:
            async with self._database.read() as session:
                lock = await table.get_lock(session, channel_id)
            if lock is None:
                return
            try:
                if lock.state == LOCKING:
                    await self._close(lock)
                elif lock.state == UNLOCKING:
                    await self._open(lock)
            except ChannelGone:
                async with self._database.write() as session:
                    await table.delete_lock(session, channel_id, expected=lock.state)

    async def _close(self, lock: table.ChannelLock) -> None:
        reason = _reason(lock)
        for change in load(lock.changes):
            await self._doors.write(lock.channel_id, change.after, reason=reason)
        async with self._database.write() as session:
            await table.change_lock(session, lock.channel_id, expected=(LOCKING,), state=LOCKED)

    async def _open(self, lock: table.ChannelLock) -> None:
        current = {one.id: one for one in await self._doors.read(lock.channel_id)}
        reason = _reason(lock)
        # The other way round, so that the bot's own overwrite goes last.
        for change in reversed(load(lock.changes)):
            now = current.get(change.target_id)
            wanted = restore(change, now)
            if wanted != now and not (now is None and wanted.is_empty):
                await self._doors.write(lock.channel_id, wanted, reason=reason)
        async with self._database.write() as session:
            await table.delete_lock(session, lock.channel_id, expected=UNLOCKING)

    async def _look_when_done(self, guild_id: int, channel_id: int) -> None:
        """Have a channel looked at next when its lock ends, if all is as it is wanted now."""
        async with self._database.write() as session:
            lock = await table.get_lock(session, channel_id)
            if lock is None or lock.state == LOCKED:
                ends_at = lock.ends_at if lock else None
                await self._look(session, guild_id, channel_id, ends_at)

    # --- shared ------------------------------------------------------------------------------

    async def _look(
        self, session: AsyncSession, guild_id: int, channel_id: int, due_at: datetime | None
    ) -> None:
        key = f"{LOCK_JOB}:{channel_id}"
        if due_at is None:
            await self._jobs.cancel(session, key)
            return
        payload: Mapping[str, Any] = {"channel_id": str(channel_id)}
        await self._jobs.schedule(
            session, LOCK_JOB, due_at, payload, dedupe_key=key, guild_id=guild_id
        )

    async def _record(
        self, session: AsyncSession, actor: Actor, guild_id: int, channel_id: int, action: str
    ) -> None:
        details = {"channel_id": str(channel_id)}
        await self._audit.record(session, actor, guild_id, action, "moderation", details)


def _reason(lock: table.ChannelLock) -> str:
    return (lock.reason or "Locked by command")[:400]
