"""Gives experience for minutes of talking: whoever talks when a minute ends has talked for it.

A minute is stored for a member once, whoever counts it and however often: a kill loses at most the
minute that was not over. Free of discord.py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.settings import SettingsStore
from cogs.levels.announcing import Rise
from cogs.levels.book import Book, Earning
from cogs.levels.boosts import Boosts
from cogs.levels.counting import read_instant
from cogs.levels.plan import Plan
from cogs.levels.rules import minute_worth, share
from cogs.levels.seats import Seat, Seats, talking
from cogs.levels.settings import KEY
from db import levels as table
from db.engine import Database
from db.levels import Member

log = structlog.get_logger(__name__)

# Minutes that wait for a database that is away.
MOST_WAITING = 15
_BATCH = 500
_MINUTE = 60

AfkChannel = Callable[[int], int | None]
# Whether Discord tells at present what happens in a guild.
Hears = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class _Minute:
    """A minute that is over, and who talked when it ended."""

    number: int
    at: datetime
    seats: dict[Member, Seat]

    @property
    def middle(self) -> datetime:
        """The middle of it: the last minute of a day ends when the next day has begun."""
        return datetime.fromtimestamp((self.number - 0.5) * _MINUTE, UTC)


class Talk:
    """Counts the minutes of all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        seats: Seats,
        book: Book,
        boosts: Boosts,
        state: Callable[[], BotState],
        afk_channel: AfkChannel,
        hears: Hears,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._seats = seats
        self._book = book
        self._boosts = boosts
        self._state = state
        self._afk_channel = afk_channel
        self._hears = hears
        self._waiting: deque[_Minute] = deque(maxlen=MOST_WAITING)
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Count each minute when it ends; what the database does not take now waits."""
        while True:
            await asyncio.sleep(_MINUTE - self._clock.now().timestamp() % _MINUTE)
            try:
                await self.tick()
            except (SQLAlchemyError, OSError) as error:
                log.warning("minutes_not_written", error=type(error).__name__)

    async def tick(self) -> None:
        """Note who talks now, and store this minute and those that wait."""
        now = self._clock.now()
        # A timer may fire a little early: the minute that is nearest to its end is meant.
        number = round(now.timestamp() / _MINUTE)
        seats = {
            (guild_id, one.user_id): one
            for guild_id, found in self._seats.by_guild()
            # While the gateway is away nobody knows who has left.
            if self._hears(guild_id)
            for one in self.earning(guild_id, found)
        }
        if seats:
            self._waiting.append(_Minute(number, now, seats))
        await self.flush()

    async def flush(self) -> None:
        """Store the minutes that wait; what can't be stored now waits on."""
        async with self._turn:
            while self._waiting:
                minute = self._waiting[0]
                await self._store(minute)
                # The oldest is dropped when too many wait.
                if self._waiting[0] is minute:
                    self._waiting.popleft()

    def earning(self, guild_id: int, seats: Sequence[Seat]) -> list[Seat]:
        """Return those who earn by talking, as they sit now."""
        state = self._settings.peek(guild_id, KEY)
        if not state.enabled or not state.settings.voice_enabled:
            return []
        plan, bot_state = self._book.plan(guild_id), self._state()
        return [
            one
            for one in talking(seats, self._afk_channel(guild_id))
            if not plan.is_barred(one.role_ids) and plan.place_percent(one.channel_id, bot_state)
        ]

    async def _store(self, minute: _Minute) -> None:
        members = sorted(minute.seats)
        for start in range(0, len(members), _BATCH):
            part = members[start : start + _BATCH]
            async with self._database.write() as session:
                rises = await self._count(session, minute, part)
            await self._book.tell(rises)

    async def _count(
        self, session: AsyncSession, minute: _Minute, members: Sequence[Member]
    ) -> list[Rise]:
        """Count the minute for those of the members for whom nobody has, and return who rose."""
        claimed = await table.claim_minute(session, minute.number, members)
        days = {one: self._book.day_of(one[0], minute.middle) for one in claimed}
        before = await table.list_minutes(session, days)
        earnings = [
            self._earning(member, minute, before.get(member, 0)) for member in sorted(claimed)
        ]
        return await self._book.earn(session, earnings)

    def _earning(self, member: Member, minute: _Minute, before: int) -> Earning:
        seat = minute.seats[member]
        return Earning(
            *member,
            self._worth(self._book.plan(member[0]), seat, before),
            seat.channel_id,
            seat.role_ids,
            read_instant(seat.joined_at) or minute.at,
            minute.at,
            minutes=1,
            day_at=minute.middle,
        )

    def _worth(self, plan: Plan, seat: Seat, before: int) -> int:
        settings = plan.settings
        base = minute_worth(
            settings.voice_each,
            before,
            full_for=round(settings.voice_full_for.total_seconds() / _MINUTE),
            cap=round(settings.voice_cap.total_seconds() / _MINUTE),
        )
        place = plan.place_percent(seat.channel_id, self._state())
        boost = self._boosts.percent(plan.state.guild_id)
        return share(base, (plan.role_percent(seat.role_ids), place, boost))
