"""Hands claimed deliveries to the courier and settles each claim.

Whether a delivery whose outcome is unknown was seen is settled in two ways: soon after, Discord
drops the repeat by its nonce; later, the bot looks for its own message before it repeats itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.core.backoff import Backoff
from bot.core.outbox.deliveries import (
    NOT_CONNECTED,
    SENDING,
    Courier,
    Delayed,
    DeliveryBroke,
    DeliveryKind,
    Entry,
    NotPermitted,
    OutboxFailed,
    OutboxParked,
    Refused,
    Undeliverable,
)
from bot.core.work.runner import ERROR_LENGTH, WorkRunner
from db import outbox as table
from db.leases import WorkState

log = structlog.get_logger(__name__)

# How long Discord is trusted to know a nonce. Its documentation of Create Message says "in the past
# few minutes" and gives no number: https://discord.com/developers/docs/resources/message
NONCE_WINDOW = timedelta(minutes=5)
# One attempt. discord.py by itself repeats after a 5xx for up to 25 seconds.
TIMEOUT = timedelta(seconds=45)
# A killed process's claim holds up all that follows in its channel, and a greeting is stale after a
# minute. Well above the few seconds that SQLite may keep an extension waiting.
LEASE = timedelta(seconds=20)
BACKOFF = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=10))
# Who reads it a day later is not served by it; an outage of Discord is over by then.
MAX_AGE = timedelta(days=1)


class OutboxRunner(WorkRunner[table.OutboxMessage, int | None]):
    """The work source of the outbox's loop; without a `courier` there is nothing to do."""

    courier: Courier | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Set whenever a delivery with that key has been attempted; see OutboxService.wait_for.
        self.watched: dict[str, asyncio.Event] = {}

    async def get_next_due(self) -> datetime | None:
        """Return when the first delivery of a channel can next be claimed."""
        if self.courier is None:
            return None
        async with self._database.read() as session:
            return await table.get_next_due(session, self._shards)

    async def claim(self, limit: int) -> Sequence[table.OutboxMessage]:
        """Claim deliveries that are due and first in their channel."""
        async with self._database.write() as session:
            return await table.claim_due_messages(
                session,
                now=self._clock.now(),
                owner=self._owner,
                lease=self._lease,
                limit=limit,
                shards=self._shards,
            )

    async def work(self, row: table.OutboxMessage) -> None:
        """Deliver one claimed entry and settle it."""
        with self._attempting(row, self._attempt(row)) as attempt:
            await self._keep_lease(row, attempt)
        if attempt.cancelled():
            await self._return(row, asked=attempt.cancelling() > 0)
            return
        await self._settle(row, attempt)

    async def _return(self, row: table.OutboxMessage, *, asked: bool) -> None:
        error = Delayed("interrupted", maybe_sent=True)
        if asked:
            await self._retry(row, error, self._clock.now())
        else:
            await self._delay(row, error)

    async def _settle(self, row: table.OutboxMessage, attempt: asyncio.Task[int | None]) -> None:
        match error := attempt.exception():
            case None:
                await self._finish(row, attempt.result())
            case NotPermitted():
                await self._park(row, error)
            case Refused():
                await self._drop(row, error)
            case Undeliverable():
                await self._fail(row, error.reason, str(error))
            case Delayed():
                await self._delay(row, error)
            case TimeoutError():
                await self._delay(row, Delayed("timeout", maybe_sent=True))
            case _:
                log.error("delivery_broke", delivery=row.dedupe_key, exc_info=error)
                await self._publish(DeliveryBroke(at=self._clock.now(), kind=row.kind, error=error))
                await self._delay(row, Delayed("error", type(error).__name__, maybe_sent=True))

    async def _attempt(self, row: table.OutboxMessage) -> int | None:
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            raise Undeliverable("expired")
        if (courier := self.courier) is None:
            raise Delayed(NOT_CONNECTED)
        async with asyncio.timeout(TIMEOUT.total_seconds()):
            entry = await self._read_entry(row)
            found = await self._find_sent(courier, row, entry)
            return found if found is not None else await courier.deliver(entry)

    async def _read_entry(self, row: table.OutboxMessage) -> Entry:
        message_id = row.message_id
        if row.target_key is not None:
            # Whatever sends it stands before this in the channel, so it has been sent by now.
            async with self._database.read() as session:
                target = await table.get_message(session, row.target_key)
            if target is None or target.state != WorkState.SENT or target.message_id is None:
                raise Undeliverable("message_gone", f"{row.target_key} was never sent")
            message_id = target.message_id
        return Entry(
            kind=DeliveryKind(row.kind),
            dedupe_key=row.dedupe_key,
            nonce=row.nonce,
            payload=row.payload,
            guild_id=row.guild_id,
            channel_id=row.channel_id,
            user_id=row.user_id,
            message_id=message_id,
            attempt=row.attempts,
        )

    async def _find_sent(
        self, courier: Courier, row: table.OutboxMessage, entry: Entry
    ) -> int | None:
        """Return the message that an earlier attempt left, when Discord has forgotten the nonce."""
        since = row.uncertain_since
        if entry.kind not in SENDING or since is None or self._clock.now() - since < NONCE_WINDOW:
            return None
        candidates = await courier.find_sent(entry, since)
        if not candidates:
            return None
        async with self._database.read() as session:
            taken = await table.list_taken_ids(session, row.channel_id, candidates)
        return next((one for one in candidates if one not in taken), None)

    async def _finish(self, row: table.OutboxMessage, message_id: int | None) -> None:
        async with self._database.write() as session:
            await table.finish_message(
                session, row, now=self._clock.now(), message_id=message_id or row.message_id
            )
        self._note(row, "sent")

    async def _delay(self, row: table.OutboxMessage, error: Delayed) -> None:
        now = self._clock.now()
        if now - row.created_at >= MAX_AGE:
            await self._fail(row, "too_old", str(error))
            return
        log.info("delivery_delayed", delivery=row.dedupe_key, reason=error.reason)
        pause = BACKOFF.pause(row.attempts, random.random())  # noqa: S311 - jitter
        await self._retry(row, error, now + max(pause, error.after))

    async def _retry(self, row: table.OutboxMessage, error: Delayed, due_at: datetime) -> None:
        since = row.uncertain_since if error.maybe_sent else self._doubt_before(row)
        async with self._database.write() as session:
            await table.retry_message(
                session, row, due_at=due_at, error=str(error)[:ERROR_LENGTH], uncertain_since=since
            )
        self._note(row, "delayed")

    async def _park(self, row: table.OutboxMessage, error: NotPermitted) -> None:
        log.warning("delivery_parked", delivery=row.dedupe_key, reason=error.reason)
        async with self._database.write() as session:
            parked = await table.park_message(
                session,
                row,
                reason=error.reason,
                error=str(error)[:ERROR_LENGTH],
                uncertain_since=self._doubt_before(row),
            )
        self._note(row, "parked")
        if parked:
            await self._publish(
                OutboxParked(
                    at=self._clock.now(),
                    guild_id=row.guild_id,
                    channel_id=row.channel_id,
                    dedupe_key=row.dedupe_key,
                    reason=error.reason,
                )
            )

    async def _drop(self, row: table.OutboxMessage, error: Refused) -> None:
        log.info("delivery_refused", delivery=row.dedupe_key, reason=error.reason)
        async with self._database.write() as session:
            await table.drop_message(session, row, reason=error.reason)
        self._note(row, "refused")

    async def _fail(self, row: table.OutboxMessage, reason: str, error: str) -> None:
        log.warning("delivery_failed", delivery=row.dedupe_key, error=error[:ERROR_LENGTH])
        async with self._database.write() as session:
            failed = await table.fail_message(session, row, error=error[:ERROR_LENGTH])
        self._note(row, "failed")
        if failed:
            await self._publish(
                OutboxFailed(
                    at=self._clock.now(),
                    guild_id=row.guild_id,
                    channel_id=row.channel_id,
                    user_id=row.user_id,
                    dedupe_key=row.dedupe_key,
                    reason=reason,
                )
            )

    def _note(self, row: table.OutboxMessage, outcome: str) -> None:
        self._count(row.kind, outcome)
        if (watch := self.watched.get(row.dedupe_key)) is not None:
            watch.set()

    def _doubt_before(self, row: table.OutboxMessage) -> datetime | None:
        """Return since when earlier attempts left doubt, not counting the present one."""
        claimed_at = row.lease_until - self._lease if row.lease_until else None
        return None if row.uncertain_since == claimed_at else row.uncertain_since
