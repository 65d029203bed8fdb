"""The outbox: what was decided in a transaction is said on Discord after it, once and in order.

Messages of one subject in a channel keep their order; channels and subjects don't wait for each
other. Knows nothing of how Discord is reached: a courier does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.events import EventBus
from bot.core.outbox.deliveries import (
    Calls,
    Courier,
    Delayed,
    Delivery,
    DeliveryBroke,
    DeliveryError,
    DeliveryKind,
    Entry,
    NotPermitted,
    OutboxFailed,
    OutboxParked,
    OutboxSnapshot,
    Receipt,
    Refused,
    Undeliverable,
)
from bot.core.outbox.runner import LEASE, NONCE_WINDOW, OutboxRunner
from bot.core.supervisor import TaskSupervisor
from bot.core.work import WorkService
from bot.core.work.loop import Pace
from db import outbox as table
from db.engine import Database
from db.leases import OPEN_STATES, Shards, WorkState
from db.notify import Notifier

# What is older when the bot is back in a guild is not said there any more.
LATEST = timedelta(days=1)

__all__ = [
    "LATEST",
    "LEASE",
    "NONCE_WINDOW",
    "Calls",
    "Courier",
    "Delayed",
    "Delivery",
    "DeliveryBroke",
    "DeliveryError",
    "DeliveryKind",
    "Entry",
    "NotPermitted",
    "OutboxFailed",
    "OutboxParked",
    "OutboxService",
    "OutboxSnapshot",
    "Receipt",
    "Refused",
    "Undeliverable",
]

# Discord allows a bot 50 requests a second over all channels; commands need most of them.
CONCURRENCY = 8


class OutboxService(WorkService[table.OutboxMessage]):
    """Stores deliveries in the caller's transaction and hands them to the courier."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        supervisor: TaskSupervisor,
        *,
        courier: Courier | None = None,
        bus: EventBus | None = None,
        shards: Shards | None = None,
        notifier: Notifier | None = None,
        poll: timedelta = timedelta(seconds=5),
        concurrency: int = CONCURRENCY,
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._runner = OutboxRunner("outbox", database, clock, lease=lease, bus=bus, shards=shards)
        pace = Pace(concurrency=concurrency, poll=poll)
        super().__init__(
            "outbox", self._runner, clock=clock, supervisor=supervisor, pace=pace, notifier=notifier
        )
        if courier is not None:
            self.use(courier)

    # --- for features ------------------------------------------------------------------------

    async def send(self, session: AsyncSession, delivery: Delivery) -> bool:
        """Add a delivery in the caller's transaction; False when its key was there already.

        It leaves for Discord after the commit, and not at all after a rollback. A delivery is never
        overtaken by a later one of the same channel or person whose key begins with the same word,
        or that is about the same message; a failing greeting holds up no log. To say something at a
        later time, schedule a job that calls this.
        """
        added = await table.add_message(
            session,
            kind=delivery.kind,
            dedupe_key=delivery.dedupe_key,
            now=self._clock.now(),
            payload=dict(delivery.payload),
            guild_id=delivery.guild_id,
            channel_id=delivery.channel_id,
            user_id=delivery.user_id,
            subject_id=delivery.subject_id,
            message_id=delivery.message_id,
            target_key=delivery.target_key,
            expires_at=delivery.expires_at,
            not_before=delivery.not_before,
        )
        await self._loop.wake_after_commit(session)
        return added is not None

    async def get_message_id(self, session: AsyncSession, dedupe_key: str) -> int | None:
        """Return the id of the message that a delivery became, or `None` until it is sent."""
        row = await table.get_message(session, dedupe_key)
        return row.message_id if row is not None and row.state == WorkState.SENT else None

    async def get_receipt(self, session: AsyncSession, dedupe_key: str) -> Receipt | None:
        """Return what became of a delivery, `None` when there is none (any more)."""
        row = await table.get_message(session, dedupe_key)
        if row is None:
            return None
        is_open, is_parked = row.state in OPEN_STATES, row.state == WorkState.PARKED
        return Receipt(is_open, row.sent_at, row.message_id, is_parked)

    async def wait_for(self, dedupe_key: str, seconds: float) -> Receipt | None:
        """Return what became of a delivery once that is settled, or after that many seconds.

        One that another process makes, or a try that failed, is only seen when the time is up.
        """
        watch = self._runner.watched.setdefault(dedupe_key, asyncio.Event())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while (receipt := await self._read_receipt(dedupe_key)) and receipt.is_open:
                        await watch.wait()
                        watch.clear()
                    return receipt
        finally:
            self._runner.watched.pop(dedupe_key, None)
        return await self._read_receipt(dedupe_key)

    async def _read_receipt(self, dedupe_key: str) -> Receipt | None:
        async with self._database.read() as session:
            return await self.get_receipt(session, dedupe_key)

    async def cancel(self, session: AsyncSession, dedupe_key: str) -> bool:
        """Take back a delivery in the caller's transaction; False when it has ended or never was.

        One that is under way at this moment may still be seen.
        """
        return await table.cancel_message(session, dedupe_key)

    async def cancel_waiting(
        self, session: AsyncSession, dedupe_keys: Collection[str]
    ) -> frozenset[str]:
        """Take back deliveries that surely nobody has seen or will see; return their keys."""
        return frozenset(await table.cancel_waiting(session, dedupe_keys))

    async def hush(self, session: AsyncSession, channel_id: int, unwanted: Calls) -> Calls:
        """Have what is still to be sent in a channel call none of these people and roles.

        Returns those whom a message calls that is under way at this moment: they may be called yet.
        """
        late = await table.hush_messages(
            session, channel_id, users=unwanted.users, roles=unwanted.roles
        )
        return Calls(*map(frozenset, late))

    async def resume_parked(
        self,
        *,
        guild_id: int | None = None,
        channel_id: int | None = None,
        reason: str | None = None,
    ) -> int:
        """Try parked deliveries again, of one guild, channel or reason; return how many."""
        async with self._database.write() as session:
            count = await table.resume_parked(
                session,
                now=self._clock.now(),
                guild_id=guild_id,
                channel_id=channel_id,
                reason=reason,
            )
        self.wake()
        return count

    async def suspend(self, session: AsyncSession, guild_id: int) -> None:
        """Have what is to be said in a guild wait, since the bot has left it."""
        await table.suspend_messages(session, guild_id=guild_id)

    async def take_up(self, session: AsyncSession, guild_id: int) -> None:
        """Say what is not a day old yet in a guild that the bot is back in."""
        now = self._clock.now()
        since = now - LATEST
        await table.take_up_messages(session, guild_id=guild_id, since=since, now=now)
        await self._loop.wake_after_commit(session)

    # --- for whoever runs it -----------------------------------------------------------------

    def use(self, courier: Courier) -> None:
        """Deliver with this courier from now on; while there is none, deliveries wait."""
        self._runner.courier = courier
        self.wake()

    def leave(self, courier: Courier) -> None:
        """Deliver no more with this courier; one that has been replaced is no matter."""
        if self._runner.courier is courier:
            self._runner.courier = None

    async def run_due(self) -> None:
        """Deliver all that is due now and return when it is settled.

        Raises `RuntimeError` while there is no courier.
        """
        if self._runner.courier is None:
            raise RuntimeError("the outbox has no courier")
        await super().run_due()

    async def snapshot(self) -> OutboxSnapshot:
        """Return how the deliveries stand, for health and metrics."""
        now = self._clock.now()
        async with self._database.read() as session:
            backlog = await table.get_backlog(session, now)
        return OutboxSnapshot.of(backlog, now, outcomes=dict(self._runner.outcomes))
