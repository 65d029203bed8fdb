"""Works through what staff ordered for many messages or people, across crashes and restarts.

A job does it piece by piece, and notes in the database how far it is. Free of discord.py. How it
ended is shown where it was ordered; when nobody is left to show it, whoever ordered it is written
to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, JobService, Retry
from bot.core.outbox import Delivery, OutboxService
from db import batches as table
from db.batches import ENDED, STOPPING, Batch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from db.engine import Database

JOB = "moderation.batch"
TELL_JOB = "moderation.batch.tell"
# A batch makes room for other jobs after so long.
SLICE_SECONDS = 10.0
# Whoever follows a batch on its screen has told of its end by then.
TELL_AFTER = timedelta(minutes=1)
# How often a batch is looked at that another process may work on.
LOOK_SECONDS = 3.0
KEPT_FOR = timedelta(days=3)
# One that has not ended by then never will: roles for half a million members take a week.
LONGEST = timedelta(days=30)
# One piece may be hundreds of bans, one call each where Discord does not take them together.
_TIMEOUT = timedelta(minutes=10)


class Refused(Exception):
    """Discord will not let the batch go on; the text is what it said."""


class Later(Exception):
    """Discord does not answer at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """What is to be done: `total` things, which `work` names to the worker of that kind.

    `occasion` is the interaction. With `alone` it is what can only go on once at a time, such as
    the guild: a batch of its kind that is open on that occasion is the one that `begin` returns.
    """

    kind: str
    guild_id: int
    channel_id: int
    occasion: int
    actor: Actor
    locale: str
    total: int
    work: Mapping[str, Any]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What has been done: how many things together since the beginning, and what came of them.

    `write` runs in the transaction that notes it, so that what it stores is stored once.
    """

    done: int
    outcome: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[AsyncSession], Awaitable[None]] | None = None


class Worker(Protocol):
    """Does one kind of batch."""

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:
        """Do what comes next; `in_doubt` when it may have been done by a process that died.

        Raises `Refused` and `Later`.
        """
        ...

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Tell the guild's logs of the end, in the transaction that ends the batch."""
        ...

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells whoever ordered a batch how it ended."""
        ...


class BatchService:
    """Batches of all guilds."""

    def __init__(
        self, database: Database, clock: Clock, *, jobs: JobService, outbox: OutboxService
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._outbox = outbox
        self._workers: dict[str, Worker] = {}
        self._news: dict[int, asyncio.Event] = {}
        jobs.register(JOB, self._plan_next, effect=self._work, timeout=_TIMEOUT)
        jobs.register(TELL_JOB, self._tell)

    def register(self, kind: str, worker: Worker) -> None:
        """Have a worker do the batches of a kind, those of earlier runs included."""
        self._workers[kind] = worker

    async def begin(self, order: BatchOrder) -> Batch:
        """Begin a batch and return it; ordered twice on one occasion, it is one."""
        values = {
            "guild_id": order.guild_id,
            "kind": order.kind,
            "occasion": order.occasion,
            "channel_id": order.channel_id,
            "actor_id": order.actor.user_id,
            "actor_name": order.actor.name,
            "locale": order.locale,
            "work": dict(order.work),
            "total": order.total,
            "begun_at": self._clock.now(),
        }
        async with self._database.write() as session:
            if order.alone:
                await table.free_occasion(session, order.kind, order.occasion)
            batch = await table.add_batch(session, values)
            if batch is None:
                return await table.get_batch_of(session, order.kind, order.occasion)
            await self._jobs.schedule(
                session,
                JOB,
                self._clock.now(),
                {"batch_id": batch.id},
                dedupe_key=f"{JOB}:{batch.id}",
                guild_id=batch.guild_id,
            )
        return batch

    async def get(self, batch_id: int) -> Batch | None:
        """Return a batch as it stands now."""
        async with self._database.read() as session:
            return await table.get_batch(session, batch_id)

    async def get_open(self, guild_id: int, kind: str) -> Batch | None:
        """Return the batch of a kind that goes on in a guild; the latest of several."""
        async with self._database.read() as session:
            return await table.get_open_batch(session, guild_id, kind)

    async def stop(self, batch_id: int, user_id: int | None = None) -> None:
        """End a batch after the piece under way; without a user the caller has to know who may.

        Raises `NotFound`, `Denied` for another's, and `Conflict` for one that has ended.
        """
        batch = await self.get(batch_id)
        if batch is None:
            raise NotFound(_("That has ended already."))
        if user_id is not None and batch.actor_id != user_id:
            raise Denied(_("Only the person who ran the command can use these buttons."))
        async with self._database.write() as session:
            if not await table.stop_batch(session, batch_id):
                raise Conflict(_("That has ended already."))

    async def follow(self, batch_id: int) -> AsyncGenerator[Batch, None]:
        """Give the batch at its changes, the last time when it has ended."""
        news = self._news.setdefault(batch_id, asyncio.Event())
        try:
            while (batch := await self.get(batch_id)) is not None:
                yield batch
                if not batch.is_open:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await news.wait()
                news.clear()
        finally:
            self._news.pop(batch_id, None)

    async def note_told(self, batch_id: int) -> None:
        """Note that whoever ordered a batch has seen how it ended."""
        async with self._database.write() as session:
            await table.claim_telling(session, batch_id, self._clock.now())
            await self._jobs.cancel(session, f"{TELL_JOB}:{batch_id}")

    # --- the work ----------------------------------------------------------------------------

    async def _work(self, job: Job) -> None:
        batch = await self.get(job.payload["batch_id"])
        # Only the very first piece was surely not done by a process that died since.
        in_doubt = batch is not None and (job.attempt > 1 or batch.done > 0)
        until = self._clock.monotonic() + SLICE_SECONDS
        while batch is not None and batch.is_open:
            if batch.state == STOPPING or batch.done >= batch.total:
                await self._end(batch)
                return
            if self._clock.monotonic() > until:
                return
            batch = await self._go_on(batch, in_doubt=in_doubt)
            in_doubt = False

    async def _go_on(self, batch: Batch, *, in_doubt: bool) -> Batch | None:
        try:
            piece = await self._worker_of(batch).do_piece(batch, in_doubt=in_doubt)
        except Refused as error:
            await self._end(batch, failure=str(error))
            return None
        except Later as error:
            raise Retry(timedelta(seconds=SLICE_SECONDS), str(error)) from error
        async with self._database.write() as session:
            advanced = await table.advance_batch(
                session, batch, done=piece.done, outcome=piece.outcome
            )
            # One that another process has moved on was done there.
            if advanced is not None and piece.write is not None:
                await piece.write(session)
        self._spread(batch.id)
        return advanced

    async def _end(self, batch: Batch, failure: str | None = None) -> None:
        outcome = dict(batch.outcome)
        if failure is not None:
            outcome["failure"] = failure
        elif batch.done < batch.total:
            outcome["stopped"] = True
        now = self._clock.now()
        async with self._database.write() as session:
            ended = await table.end_batch(session, batch.id, outcome=outcome, now=now)
            if ended is None:
                return
            await self._worker_of(ended).record_end(session, ended)
            await self._jobs.schedule(
                session,
                TELL_JOB,
                now + TELL_AFTER,
                {"batch_id": ended.id},
                dedupe_key=f"{TELL_JOB}:{ended.id}",
                guild_id=ended.guild_id,
            )
        self._spread(batch.id)

    async def _plan_next(self, job: Job, session: AsyncSession) -> datetime | None:
        batch = await table.get_batch(session, job.payload["batch_id"])
        return self._clock.now() if batch is not None and batch.is_open else None

    async def _tell(self, job: Job, session: AsyncSession) -> None:
        batch = await table.get_batch(session, job.payload["batch_id"])
        if batch is None or batch.state != ENDED or batch.actor_id is None:
            return
        if await table.claim_telling(session, batch.id, self._clock.now()):
            letter = {"content": self._worker_of(batch).letter(batch)}
            key = f"batch:{batch.id}:end"
            await self._outbox.send(
                session,
                Delivery.direct(batch.actor_id, letter, dedupe_key=key, guild_id=batch.guild_id),
            )

    def _worker_of(self, batch: Batch) -> Worker:
        worker = self._workers.get(batch.kind)
        if worker is None:
            # Features register while the bot starts, or failed to load.
            raise Retry(timedelta(seconds=SLICE_SECONDS), f"nobody does {batch.kind} batches")
        return worker

    def _spread(self, batch_id: int) -> None:
        if (news := self._news.get(batch_id)) is not None:
            news.set()


async def purge_batches(session: AsyncSession, now: datetime) -> int:
    """Delete batches that were begun long enough ago; return how many."""
    return await table.delete_begun(session, now - KEPT_FOR, open_before=now - LONGEST)
