"""Counts what messages earn, without waiting, and writes it behind; free of discord.py.

Messages that automod rejects never come here.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
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
from cogs.levels.rules import READ, is_repeat, share
from cogs.levels.settings import KEY
from db.engine import Database, is_about_rows
from db.levels import Member

# What a member has earned and how they were last seen: experience, the message's id, its channel,
# their roles, and the payload's text of when they joined. A plain tuple is made in no time.
Noted = tuple[int, int, int, frozenset[int], object]
Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0
LONGEST_PAUSE = 60.0
# Members whose last earning message is remembered; past it the oldest is forgotten, and whoever
# that is may earn before their pause is over.
MOST_REMEMBERED = 50_000
# Members whose experience waits to be written; past it newcomers earn nothing.
MOST_PENDING = 50_000
_BATCH = 500
# Discord's ids count from the first moment of 2015.
_EPOCH = 1_420_070_400


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
        # When a member may earn next, and the beginning of the message that earned last.
        self._last: OrderedDict[Member, tuple[float, str]] = OrderedDict()
        self._pending: dict[Member, Noted] = {}
        self._writing: dict[Member, Noted] = {}
        self._turn = asyncio.Lock()
        self._is_flushing = False
        self._random = random.random
        self.dropped = 0

    # --- messages ----------------------------------------------------------------------------

    def see(self, facts: MessageFacts) -> None:
        """Count a message that was accepted."""
        state = self._peek(facts.guild_id, KEY)
        if not state.enabled:
            return
        member = facts.guild_id, facts.author_id
        last = self._last.get(member)
        now = self._monotonic()
        if last is not None and now < last[0]:
            return
        plan = self._plans.of(state)
        if not plan.text_enabled or (plan.excluded_roles and plan.is_barred(facts.role_ids)):
            return
        place = plan.places.get(facts.channel_id)
        if place is None:
            place = plan.place_percent(facts.channel_id, self._state())
        content = facts.content
        if not place or (len(content) < plan.text_length and self._is_too_short(facts)):
            return
        text = content[:READ]
        most = plan.text_similarity
        if last is not None and text and most and is_repeat(text, last[1], most):
            return
        low, span = plan.text_range
        xp = low + int(self._random() * span)
        if place != 100 or plan.role_percents or self._boosts:
            xp = self._multiplied(xp, plan, facts, place)
        if self._add(facts, member, xp):
            remembered = self._last
            remembered[member] = now + plan.cooldown, text
            remembered.move_to_end(member)
            if len(remembered) > self._most_remembered:
                remembered.popitem(last=False)

    def ready_in(self, member: Member) -> float:
        """Return in how many seconds a member can earn again by writing; 0 for at once."""
        last = self._last.get(member)
        return 0.0 if last is None else max(0.0, last[0] - self._monotonic())

    def _is_too_short(self, facts: MessageFacts) -> bool:
        return self._reads_content and not facts.raw.get("attachments")

    def _multiplied(self, base: int, plan: Plan, facts: MessageFacts, place: int) -> int:
        boost = self._boosts.percent(facts.guild_id)
        return share(base, (plan.role_percent(facts.role_ids), place, boost))

    def _add(self, facts: MessageFacts, member: Member, xp: int) -> bool:
        """Note what a message earns; False when it earns nothing, or too many wait already."""
        pending = self._pending
        known = pending.get(member)
        if known is not None:
            xp += known[0]
        elif not xp or len(pending) >= self._most_pending:
            # Told with the next writing, not for each message.
            self.dropped += xp > 0
            return False
        author: Any = facts.raw.get("member")
        joined = author.get("joined_at") if author else None
        pending[member] = xp, facts.id, facts.channel_id, facts.role_ids, joined
        if not self._is_flushing:
            self._is_flushing = True
            self._spawn(f"{KEY}.flush", self._flush_later())
        return True

    # --- writing behind ----------------------------------------------------------------------

    def pending(self, member: Member) -> int:
        """Return what a member has earned that is not in the database yet."""
        found = (self._pending.get(member), self._writing.get(member))
        return sum(one[0] for one in found if one is not None)

    async def flush(self) -> None:
        """Write all that was counted; what can't be written is kept for the next time.

        Whoever waits may be cancelled, the writing is not: what was committed just then would be
        taken for not written, and be written again.
        """
        await asyncio.shield(asyncio.create_task(self._flush(), name=f"{KEY}.writing"))

    async def _flush(self) -> None:
        async with self._turn:
            self._writing, self._pending = self._pending, {}
            try:
                await self._write_all()
            finally:
                self._put_back()
                self._tell_dropped()

    def _tell_dropped(self) -> None:
        """Say how much was lost because too many waited, in one line however much it was."""
        if self.dropped:
            log.warning("experience_dropped", messages=self.dropped, most=self._most_pending)
            self.dropped = 0

    async def _write_all(self) -> None:
        members = list(self._writing)
        for start in range(0, len(members), _BATCH):
            await self._write(members[start : start + _BATCH])

    async def _write(self, members: list[Member]) -> None:
        """Write a part; what is written is forgotten before anything else can fail."""
        rises: list[Rise] = []
        try:
            async with self._database.write() as session:
                earnings = [_earning(one, self._writing[one]) for one in members]
                rises = await self._book.earn(session, earnings)
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
            self._pending[member] = one if newer is None else (one[0] + newer[0], *newer[1:])
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


def _earning(member: Member, noted: Noted) -> Earning:
    xp, message_id, channel_id, role_ids, joined_at = noted
    seen_at = _written_at(message_id)
    joined = read_instant(joined_at) or seen_at
    return Earning(*member, xp, channel_id, role_ids, joined, seen_at)


def _written_at(message_id: int) -> datetime:
    """Return when a message was written, which its id tells.

    Source: https://discord.com/developers/docs/reference#snowflakes
    """
    return datetime.fromtimestamp((message_id >> 22) / 1000 + _EPOCH, UTC)


def read_instant(text: object) -> datetime | None:
    """Return the instant in a payload's text, `None` for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
