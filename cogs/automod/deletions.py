"""The deletion queue: per channel, each message once, in as few calls as Discord allows.

Bounded and in memory; what it does not get to is in the database and is handed in again. Knows
nothing of how Discord is reached: a remover does.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.core.clock import Clock
from bot.core.supervisor import TaskSupervisor
from cogs.automod.calls import NotAllowed, TooOld, TryAgain

log = structlog.get_logger(__name__)

# A burst comes within moments: waiting this long makes one call of it.
GATHER_SECONDS = 0.4
# https://discord.com/developers/docs/resources/message#bulk-delete-messages
MOST_AT_ONCE = 100
OLDEST_IN_BULK = timedelta(days=14) - timedelta(minutes=1)
_EPOCH_MS = 1_420_070_400_000
MOST_PER_CHANNEL = 5_000
MOST_IN_ALL = 50_000
# Tries after which the rest is left to whoever hands it in again.
MOST_TRIES = 6
LONGEST_PAUSE = 30.0
# A channel in which the bot may not delete is not asked about again for so long.
REFUSED_SECONDS = 60.0
MOST_REFUSED = 1_000
MOST_GONE = 10_000


class Remover(Protocol):
    """Deletes messages; those that are gone already are as good. Raises `CallError`s."""

    async def delete(self, guild_id: int, channel_id: int, message_id: int) -> None:
        """Delete one message."""
        ...

    async def delete_many(self, guild_id: int, channel_id: int, ids: Sequence[int]) -> None:
        """Delete 2 to 100 different messages younger than 14 days."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of some messages of a channel: gone, or not to be had for want of permission."""

    guild_id: int
    channel_id: int
    message_ids: tuple[int, ...]
    deleted: bool


Report = Callable[[Settled], Awaitable[None]]


@dataclass(slots=True)
class _Channel:
    guild_id: int
    # A dict keeps the order and each id once.
    waiting: dict[int, None] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class DeletionQueue:
    """Deletes messages soon, each channel in its own turn."""

    def __init__(
        self,
        remover: Remover,
        clock: Clock,
        supervisor: TaskSupervisor,
        report: Report,
        *,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._remover = remover
        self._clock = clock
        self._supervisor = supervisor
        self._report = report
        self._gather_seconds = gather_seconds
        self._channels: dict[int, _Channel] = {}
        self._refused: dict[int, float] = {}
        # Gone lately: whoever hands one in again has not heard of it yet.
        self._gone: OrderedDict[int, None] = OrderedDict()
        self._total = 0

    @property
    def size(self) -> int:
        """How many messages wait."""
        return self._total

    def add(self, guild_id: int, messages: Mapping[int, Collection[int]]) -> int:
        """Have messages deleted, ids by channel; return how many found no room."""
        left_out = 0
        for channel_id, ids in messages.items():
            channel = self._channels.setdefault(channel_id, _Channel(guild_id))
            for message_id in ids:
                if message_id in channel.waiting or message_id in self._gone:
                    continue
                if len(channel.waiting) >= MOST_PER_CHANNEL or self._total >= MOST_IN_ALL:
                    left_out += 1
                    continue
                channel.waiting[message_id] = None
                self._total += 1
            if channel.waiting and channel.task is None:
                channel.idle.clear()
                channel.task = self._supervisor.spawn(
                    "automod.deletions", self._work(channel_id, channel)
                )
        return left_out

    def discard(self, channel_id: int, message_ids: Iterable[int]) -> None:
        """Leave messages alone after all: somebody else has deleted them."""
        if (channel := self._channels.get(channel_id)) is not None:
            for message_id in message_ids:
                if channel.waiting.pop(message_id, 0) is None:
                    self._total -= 1

    def note_gone(self, channel_id: int, message_ids: Sequence[int]) -> bool:
        """Take note that messages are gone; tells whether one of them was to be deleted."""
        channel = self._channels.get(channel_id)
        known = [one for one in message_ids if channel is not None and one in channel.waiting]
        self.discard(channel_id, known)
        self._note_gone(known)
        return bool(known)

    async def drain(self, channel_ids: Iterable[int], seconds: float) -> None:
        """Wait until nothing waits in these channels, at most that long."""
        found = [one for each in channel_ids if (one := self._channels.get(each)) is not None]
        try:
            async with asyncio.timeout(seconds):
                for channel in found:
                    await channel.idle.wait()
        except TimeoutError:
            return

    async def _work(self, channel_id: int, channel: _Channel) -> None:
        try:
            await asyncio.sleep(self._gather_seconds)
            await self._empty(channel_id, channel)
        finally:
            self._total -= len(channel.waiting)
            channel.waiting.clear()
            channel.task = None
            channel.idle.set()
            if self._channels.get(channel_id) is channel:
                del self._channels[channel_id]

    async def _empty(self, channel_id: int, channel: _Channel) -> None:
        tries = 0
        while channel.waiting:
            if self._is_refused(channel_id):
                await self._settle(channel_id, channel, list(channel.waiting), deleted=False)
                continue
            batch = self._next_batch(channel)
            try:
                await self._remove(channel, channel_id, batch)
            except NotAllowed:
                self._note_refusal(channel_id)
            except TryAgain as error:
                tries += 1
                if tries >= MOST_TRIES:
                    log.warning("automod_deletions_given_up", channel_id=channel_id)
                    return
                pause = max(error.after, min(2.0**tries / 2, LONGEST_PAUSE))
                await asyncio.sleep(pause * random.uniform(1.0, 1.2))  # noqa: S311 - jitter
            else:
                tries = 0
                await self._settle(channel_id, channel, batch, deleted=True)

    def _next_batch(self, channel: _Channel) -> list[int]:
        """Return what the next call can take: young ones together, an old one alone."""
        oldest = self._clock.now() - OLDEST_IN_BULK
        young = [one for one in channel.waiting if created_at_ms(one) > _ms(oldest)]
        if len(young) >= 2:
            return young[:MOST_AT_ONCE]
        return [next(iter(channel.waiting))]

    async def _remove(self, channel: _Channel, channel_id: int, batch: Sequence[int]) -> None:
        if len(batch) == 1:
            await self._remover.delete(channel.guild_id, channel_id, batch[0])
            return
        try:
            await self._remover.delete_many(channel.guild_id, channel_id, batch)
        except TooOld:
            # Our clock and Discord's differ: one by one always works.
            for message_id in batch:
                await self._remover.delete(channel.guild_id, channel_id, message_id)

    async def _settle(
        self, channel_id: int, channel: _Channel, batch: Sequence[int], *, deleted: bool
    ) -> None:
        self.discard(channel_id, batch)
        if deleted:
            self._note_gone(batch)
        await self._report(Settled(channel.guild_id, channel_id, tuple(batch), deleted))

    def _note_gone(self, message_ids: Sequence[int]) -> None:
        for message_id in message_ids:
            self._gone[message_id] = None
        while len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)

    def _is_refused(self, channel_id: int) -> bool:
        until = self._refused.get(channel_id)
        if until is None:
            return False
        if self._clock.monotonic() < until:
            return True
        del self._refused[channel_id]
        return False

    def _note_refusal(self, channel_id: int) -> None:
        if len(self._refused) >= MOST_REFUSED:
            self._refused.pop(next(iter(self._refused)))
        self._refused[channel_id] = self._clock.monotonic() + REFUSED_SECONDS

    def permit(self, channel_id: int) -> None:
        """Try again in a channel: its permissions may be others now."""
        self._refused.pop(channel_id, None)


def is_since(snowflake: int, instant: datetime) -> bool:
    """Tell whether what has this id was made at the instant or later."""
    return created_at_ms(snowflake) >= _ms(instant)


def created_at_ms(snowflake: int) -> int:
    """Return when an id was made, in milliseconds since the epoch."""
    return (snowflake >> 22) + _EPOCH_MS


def _ms(instant: datetime) -> float:
    return instant.timestamp() * 1000
