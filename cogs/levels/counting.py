"""Counts what messages earn, without waiting, and writes it behind; free of discord.py.

Messages that automod rejects never come here.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError, StatementError

from bot.core.clock import Clock
from bot.core.contracts import BotState, MessageFacts
from bot.core.settings import SettingsStore
from cogs.levels.announcing import Rise
from cogs.levels.book import Book, Earning
from cogs.levels.boosts import Boosts
from cogs.levels.plan import Plan, Plans
from cogs.levels.rules import share, signature_of, similarity
from cogs.levels.settings import KEY
from db.engine import Database, is_about_rows
from db.levels import Member

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0
LONGEST_PAUSE = 60.0
# Members whose last earning message is remembered; past it the oldest is forgotten, and whoever
# that is may earn before their pause is over.
MOST_REMEMBERED = 100_000
# Members whose experience waits to be written; past it newcomers earn nothing.
MOST_PENDING = 50_000
_BATCH = 500


class TextCounter:
    """Counts experience by guild and member; `see` never waits, `flush` loses nothing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        book: Book,
        plans: Plans,
        boosts: Boosts,
        spawn: Spawn,
        state: Callable[[], BotState],
        reads_content: bool = True,
        most_remembered: int = MOST_REMEMBERED,
        most_pending: int = MOST_PENDING,
    ) -> None:
        self._database = database
        self._clock = clock
        self._peek = settings.peek
        self._monotonic = clock.monotonic
        self._book = book
        self._plans = plans
        self._boosts = boosts
        self._spawn = spawn
        self._state = state
        self._reads_content = reads_content
        self._most_remembered = most_remembered
        self._most_pending = most_pending
        # When a member may earn next, and the signature of the message that earned last.
        self._last: OrderedDict[Member, tuple[float, int]] = OrderedDict()
        self._pending: dict[Member, Earning] = {}
        self._writing: dict[Member, Earning] = {}
        self._turn = asyncio.Lock()
        self._is_flushing = False
        self._random = random.Random()  # noqa: S311 - nothing is kept secret by it
        self.dropped = 0

    # --- messages ----------------------------------------------------------------------------

    def see(self, facts: MessageFacts) -> None:
        """Count a message that was accepted."""
        state = self._peek(facts.guild_id, KEY)
        if not state.enabled:
            return
        member = facts.guild_id, facts.author_id
        last = self._last.get(member)
        if last is not None and self._monotonic() < last[0]:
            return
        plan = self._plans.of(state)
        if plan.settings.text_enabled:
            self._judge(plan, facts, member, last)

    def ready_in(self, member: Member) -> float:
        """Return in how many seconds a member can earn again by writing; 0 for at once."""
        last = self._last.get(member)
        return 0.0 if last is None else max(0.0, last[0] - self._monotonic())

    def _judge(
        self, plan: Plan, facts: MessageFacts, member: Member, last: tuple[float, int] | None
    ) -> None:
        if plan.is_barred(facts.role_ids):
            return
        place = plan.place_percent(facts.channel_id, self._state())
        if not place or self._is_too_short(plan, facts):
            return
        signature = self._signature(plan, facts.content)
        most = plan.settings.text_similarity
        if signature and last is not None and similarity(signature, last[1]) >= most:
            return
        now = self._clock.now()
        base = self._random.randint(*plan.text_range)
        boost = self._boosts.percent(facts.guild_id, now)
        xp = share(base, (plan.role_percent(facts.role_ids), place, boost))
        if xp and self._add(facts, member, xp, now):
            self._remember(member, self._monotonic() + plan.cooldown, signature)

    def _is_too_short(self, plan: Plan, facts: MessageFacts) -> bool:
        if not self._reads_content or len(facts.content) >= plan.settings.text_length:
            return False
        return not facts.raw.get("attachments")

    def _signature(self, plan: Plan, content: str) -> int:
        """Return what a message is compared by; 0 where nothing is."""
        if not content or not plan.settings.text_similarity:
            return 0
        return signature_of(content)

    def _remember(self, member: Member, ready_at: float, signature: int) -> None:
        self._last[member] = ready_at, signature
        self._last.move_to_end(member)
        if len(self._last) > self._most_remembered:
            self._last.popitem(last=False)

    def _add(self, facts: MessageFacts, member: Member, xp: int, now: datetime) -> bool:
        known = self._pending.get(member)
        if known is None and len(self._pending) >= self._most_pending:
            self.dropped += 1
            return False
        self._pending[member] = Earning(
            *member,
            xp if known is None else known.xp + xp,
            facts.channel_id,
            facts.role_ids,
            joined_in(facts, now),
            now,
        )
        if not self._is_flushing:
            self._is_flushing = True
            self._spawn(f"{KEY}.flush", self._flush_later())
        return True

    # --- writing behind ----------------------------------------------------------------------

    def pending(self, member: Member) -> int:
        """Return what a member has earned that is not in the database yet."""
        found = (self._pending.get(member), self._writing.get(member))
        return sum(one.xp for one in found if one is not None)

    async def flush(self) -> None:
        """Write all that was counted; what can't be written is kept for the next time."""
        async with self._turn:
            self._writing, self._pending = self._pending, {}
            try:
                await self._write_all()
            finally:
                self._put_back()

    async def _write_all(self) -> None:
        members = list(self._writing)
        for start in range(0, len(members), _BATCH):
            await self._write(members[start : start + _BATCH])

    async def _write(self, members: list[Member]) -> None:
        """Write a part; what is written is forgotten before anything else can fail."""
        rises: list[Rise] = []
        try:
            async with self._database.write() as session:
                rises = await self._book.earn(session, [self._writing[one] for one in members])
        except (StatementError, UnicodeError, OverflowError) as error:
            if not is_about_rows(error):
                raise
            if len(members) > 1:
                middle = len(members) // 2
                await self._write(members[:middle])
                await self._write(members[middle:])
                return
            # It would fail again for ever and hold up all that come after it.
            kind = type(error).__name__
            log.error("experience_refused", member=members[0], error=kind)  # noqa: TRY400
        for one in members:
            del self._writing[one]
        await self._book.tell(rises)

    def _put_back(self) -> None:
        for member, one in self._writing.items():
            newer = self._pending.get(member)
            self._pending[member] = one if newer is None else _joined(one, newer)
        self._writing = {}

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
                    log.warning("experience_not_written", error=type(error).__name__)
        finally:
            # However it ended, the next message that counts begins anew.
            self._is_flushing = False


def _joined(older: Earning, newer: Earning) -> Earning:
    return Earning(
        newer.guild_id,
        newer.user_id,
        older.xp + newer.xp,
        newer.channel_id,
        newer.role_ids,
        newer.joined_at,
        newer.seen_at,
        older.minutes + newer.minutes,
    )


def joined_in(facts: MessageFacts, now: datetime) -> datetime:
    """Return when the author of a message joined, as its payload says; else now."""
    member: Any = facts.raw.get("member")
    return read_instant(member.get("joined_at") if isinstance(member, dict) else None) or now


def read_instant(text: object) -> datetime | None:
    """Return the instant in a payload's text, `None` for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
