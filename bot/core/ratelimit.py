"""Rate limits: exact sliding windows, and the limiter of commands with its temporary blocks.

A sliding window lets no more than its limit through in any stretch of its length; token buckets
and fixed windows let up to twice as many. Knows nothing of Discord or HTTP.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from array import array
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.config.sections import LimitsConfig
from bot.core.durations import Span
from bot.core.errors import RateLimited
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from db.notify import Notifier
from db.rate_limits import delete_blocks_before, list_blocks, save_block

log = structlog.get_logger(__name__)

K = TypeVar("K", bound=Hashable)

CHANNEL = "pegasus_blocks"
MOST_KEYS = 10_000
LONGEST_BLOCK = timedelta(days=1)
# A person who behaves this long after a block starts from the first one again.
FORGIVEN_AFTER = timedelta(days=1)
MOST_OFFENDERS = 10
# The person waits for an answer meanwhile, and Discord gives an interaction three seconds.
STORE_SECONDS = 1.0
# What a limiter without blocks still counts, for the statistics.
COUNTED_REFUSALS = 1000


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a use may pass; times are in seconds from now.

    `retry_after` is 0 for a use that passed. `reset_after` says when the oldest counted use leaves
    the window and makes room for another.
    """

    allowed: bool
    remaining: int
    retry_after: float
    reset_after: float


class SlidingWindow(Generic[K]):
    """At most `limit` uses per key in any `seconds`; keeps the `max_keys` keys used last.

    A use at instant t counts until t + seconds, exclusively; a refused one does not count.
    """

    def __init__(self, limit: int, seconds: float, max_keys: int = MOST_KEYS) -> None:
        self.limit = limit
        self.seconds = seconds
        self._max_keys = max_keys
        self._uses: OrderedDict[K, array[float]] = OrderedDict()

    def hit(self, key: K, now: float) -> Decision:
        """Decide on a use at `now`, in seconds that never run backwards; count it if it passes."""
        uses = self._uses.setdefault(key, array("d"))
        self._uses.move_to_end(key)
        self._drop_expired(uses, now)
        allowed = len(uses) < self.limit
        if allowed:
            uses.append(now)
        if len(self._uses) > self._max_keys:
            self._uses.popitem(last=False)
        reset_after = uses[0] + self.seconds - now
        return Decision(
            allowed, self.limit - len(uses), 0.0 if allowed else reset_after, reset_after
        )

    def counts(self, now: float) -> Counter[K]:
        """Return how many uses each key has in its window at `now`, and forget keys without any."""
        for key, uses in list(self._uses.items()):
            self._drop_expired(uses, now)
            if not uses:
                del self._uses[key]
        return Counter({key: len(uses) for key, uses in self._uses.items()})

    def forget(self, key: K) -> None:
        """Start the key's window anew."""
        self._uses.pop(key, None)

    def _drop_expired(self, uses: array[float], now: float) -> None:
        del uses[: bisect_right(uses, now - self.seconds)]


@dataclass(frozen=True, slots=True)
class Block:
    """A person's block from one class of commands; `strikes` counts the blocks so far."""

    until: datetime
    strikes: int


@dataclass(frozen=True, slots=True)
class Offender:
    """A person who ran into limits: refusals in the window and those that led to blocks."""

    user_id: int
    violations: int
    blocked_until: datetime | None


_Subject = tuple[int, RateClass]


class CommandLimiter:
    """Limits commands per person and class, and blocks for a while who keeps running into it.

    Blocks are kept in the database, so that a restart lifts none, and once `share`d they hold in
    every process. Uses are counted by each process for itself; a command that is allowed asks only
    memory.
    """

    def __init__(self, limits: LimitsConfig, clock: Clock, database: Database) -> None:
        self._limits = limits
        self._clock = clock
        self._database = database
        self._windows: dict[RateClass, SlidingWindow[int]] = {
            rate_class: _window(limits, rate_class) for rate_class in RateClass
        }
        self._refusals: SlidingWindow[_Subject] = SlidingWindow(
            limits.block_after or COUNTED_REFUSALS, limits.block_window
        )
        self._blocks: dict[_Subject, Block] = {}
        self._notifier: Notifier | None = None
        # PostgreSQL notifies the sender as well, who knows already.
        self._origin = secrets.token_hex(4)

    def share(self, notifier: Notifier, supervisor: TaskSupervisor) -> None:
        """Tell the other processes of each block, and learn of theirs."""

        def learn(user_id: int | None = None) -> None:
            supervisor.spawn("command_blocks", self.load(user_id))

        def hear(payload: str) -> None:
            origin, user_id = payload.split(":")
            if origin != self._origin:
                learn(int(user_id))

        self._notifier = notifier
        notifier.listen(CHANNEL, hear)
        notifier.on_gap(learn)

    async def load(self, user_id: int | None = None) -> None:
        """Take over the blocks in the database, of one person or of all."""
        async with self._database.read() as session:
            rows = await list_blocks(session, user_id=user_id, limit=MOST_KEYS)
        known = set(RateClass)
        for row in rows:
            if row.limit_class in known:
                subject = (row.user_id, RateClass(row.limit_class))
                ours = self._blocks.get(subject)
                # A later one of ours could not be stored.
                if ours is None or ours.until < row.blocked_until:
                    self._blocks[subject] = Block(row.blocked_until, row.strikes)

    async def check(self, user_id: int, rate_class: RateClass) -> None:
        """Count one command; raises `RateLimited`, which says how long to wait."""
        subject = (user_id, rate_class)
        now = self._clock.now()
        block = self._blocks.get(subject)
        if block is not None and block.until > now:
            raise _blocked(block, now)
        window = self._windows[rate_class]
        decision = window.hit(user_id, self._clock.monotonic())
        if decision.allowed:
            return
        if self._is_last_straw(subject):
            raise _blocked(await self._block(subject, now), now)
        raise _too_fast(decision.retry_after, window)

    def forget(self, user_id: int) -> None:
        """Forget a person's blocks that are over, as when their data is erased.

        One in force holds until it ends, and what is counted runs out by itself within minutes:
        erasing must not be a way around a limit.
        """
        now = self._clock.now()
        for subject in [(user_id, rate_class) for rate_class in RateClass]:
            if subject in self._blocks and self._blocks[subject].until <= now:
                del self._blocks[subject]

    def snapshot(self) -> dict[str, Any]:
        """Return the numbers of the statistics endpoint, in the shape of its `rateLimit`."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        offenders = self._offenders(now)
        return {
            "totalEntries": sum(len(w.counts(monotonic)) for w in self._windows.values()),
            "blacklistedCount": sum(1 for one in offenders if one.blocked_until),
            "topOffenders": [
                {
                    "user_id": str(one.user_id),
                    "violations": one.violations,
                    "blocked_until": _instant(one.blocked_until),
                }
                for one in offenders[:MOST_OFFENDERS]
            ],
        }

    def _offenders(self, now: datetime) -> list[Offender]:
        """Everyone with refusals or a block, the worst first."""
        self._forgive(now)
        violations: Counter[int] = Counter()
        until: dict[int, datetime] = {}
        for (user_id, _class), count in self._refusals.counts(self._clock.monotonic()).items():
            violations[user_id] += count
        for (user_id, _class), block in self._blocks.items():
            violations[user_id] += block.strikes * max(self._limits.block_after, 1)
            if block.until > now:
                until[user_id] = max(block.until, until.get(user_id, block.until))
        offenders = (Offender(user, count, until.get(user)) for user, count in violations.items())
        return sorted(offenders, key=lambda one: (-one.violations, one.user_id))

    def _is_last_straw(self, subject: _Subject) -> bool:
        refusal = self._refusals.hit(subject, self._clock.monotonic())
        return bool(self._limits.block_after) and refusal.remaining == 0

    async def _block(self, subject: _Subject, now: datetime) -> Block:
        """Block at once in memory, so that nobody slips through while the database is written."""
        self._forgive(now)
        strikes = self._blocks[subject].strikes if subject in self._blocks else 0
        block = Block(now + block_length(self._limits.block_seconds, strikes), strikes + 1)
        self._blocks[subject] = block
        self._refusals.forget(subject)
        user_id, rate_class = subject
        try:
            async with asyncio.timeout(STORE_SECONDS), self._database.write() as session:
                await save_block(
                    session,
                    user_id=user_id,
                    limit_class=rate_class,
                    blocked_until=block.until,
                    strikes=block.strikes,
                )
                if self._notifier is not None:
                    await self._notifier.publish(CHANNEL, f"{self._origin}:{user_id}", session)
        except (SQLAlchemyError, OSError):
            # The block holds in this process; only a restart would lift it early.
            log.warning("rate_limit_block_not_stored", user_id=user_id, exc_info=True)
        log.info("person_blocked", user_id=user_id, rate_class=rate_class, until=str(block.until))
        return block

    def _forgive(self, now: datetime) -> None:
        oldest_first = sorted(self._blocks, key=lambda subject: self._blocks[subject].until)
        too_many = set(oldest_first[: max(0, len(oldest_first) - MOST_KEYS)])
        over = {who for who, block in self._blocks.items() if block.until + FORGIVEN_AFTER < now}
        for subject in over | too_many:
            del self._blocks[subject]


async def purge_blocks(session: AsyncSession, now: datetime) -> int:
    """Forget blocks that ended long enough ago to be forgiven; return how many."""
    return await delete_blocks_before(session, now - FORGIVEN_AFTER)


def block_length(first_seconds: int, strikes: int) -> timedelta:
    """Return how long a block lasts after so many earlier ones: doubled each time, up to a day."""
    # 2^17 seconds are more than a day already; the bound keeps the power small.
    return min(timedelta(seconds=first_seconds * 2 ** min(strikes, 17)), LONGEST_BLOCK)


def _window(limits: LimitsConfig, rate_class: RateClass) -> SlidingWindow[int]:
    limit = getattr(limits, rate_class)
    return SlidingWindow(limit.count, limit.seconds)


def _span(seconds: float) -> Span:
    return Span(timedelta(seconds=max(1, math.ceil(seconds))))


def _too_fast(seconds: float, window: SlidingWindow[int]) -> RateLimited:
    if window.limit == 1:
        # Nobody has been fast who did something for the second time.
        return RateLimited(
            _(
                "This can be used once every {span}. Try again in {seconds}.",
                span=_span(window.seconds),
                seconds=_span(seconds),
            ),
            retry_after=seconds,
        )
    return RateLimited(
        _(
            "You are going a little too fast. Try again in {seconds}.",
            seconds=_span(seconds),
        ),
        retry_after=seconds,
    )


def _blocked(block: Block, now: datetime) -> RateLimited:
    seconds = (block.until - now).total_seconds()
    return RateLimited(
        _(
            "You went too fast too often, so commands of this kind are blocked for you. "
            "They work again in {seconds}.",
            seconds=_span(seconds),
        ),
        retry_after=seconds,
        blocked_until=block.until,
    )


def _instant(instant: datetime | None) -> str | None:
    """Write an instant as everything else in the API has it: `2024-01-01T00:00:00.000Z`."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
