"""Reads how members stand: one of them, and the boards; free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.core.clock import Clock
from bot.core.message_json import message_from_json
from cogs.levels.book import Book
from cogs.levels.counting import TextCounter
from cogs.levels.explaining import Gift
from cogs.levels.rules import Progress, progress_of
from db import level_boards as boards
from db.engine import Database
from db.level_boards import Place
from db.level_gifts import list_given

Period = Literal["all", "week", "month"]
# As far as anybody leafs.
MOST_PLACES = 100
GIFTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Rank:
    """How a member stands; `rank` is 0 without any experience."""

    xp: int
    rank: int
    progress: Progress


def first_day(period: Literal["week", "month"], today: date) -> date:
    """Return the day on which a period has begun."""
    if period == "week":
        return today - timedelta(days=today.weekday())
    return today.replace(day=1)


class Standings:
    """Looks things up, once what was counted for somebody is written."""

    def __init__(
        self, database: Database, clock: Clock, *, book: Book, counter: TextCounter
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._counter = counter

    async def rank(self, guild_id: int, user_id: int) -> Rank:
        """Return how a member stands now."""
        if self._counter.pending((guild_id, user_id)):
            await self._counter.flush()
        async with self._database.read() as session:
            found = await boards.get_standing(session, guild_id, user_id)
        xp, rank = (found.xp, found.rank) if found else (0, 0)
        return Rank(xp, rank, progress_of(self._book.plan(guild_id).curve, xp))

    async def board(self, guild_id: int, period: Period) -> list[Place]:
        """Return the best of a period, best first."""
        async with self._database.read() as session:
            if period == "all":
                return await boards.list_board(session, guild_id, limit=MOST_PLACES)
            since = self._since(guild_id, period)
            return await boards.list_board_since(session, guild_id, since, limit=MOST_PLACES)

    async def own_rank(self, guild_id: int, user_id: int, period: Period) -> int:
        """Return the place of somebody among all of a period; 0 for who has earned nothing."""
        if period == "all":
            return (await self.rank(guild_id, user_id)).rank
        since = self._since(guild_id, period)
        async with self._database.read() as session:
            return await boards.get_rank_since(session, guild_id, user_id, since) or 0

    def _since(self, guild_id: int, period: Literal["week", "month"]) -> date:
        return first_day(period, self._book.day_of(guild_id, self._clock.now()))

    async def today(self, guild_id: int, user_id: int) -> tuple[int, int]:
        """Return what a member has earned today, and how many minutes they have talked."""
        if self._counter.pending((guild_id, user_id)):
            await self._counter.flush()
        day = self._book.day_of(guild_id, self._clock.now())
        async with self._database.read() as session:
            return await boards.get_day(session, guild_id, user_id, day)

    async def gifts(self, guild_id: int, user_id: int) -> tuple[Gift, ...]:
        """Return what other features have given somebody lately, newest first."""
        async with self._database.read() as session:
            rows = await list_given(session, guild_id, user_id, limit=GIFTS_SHOWN)
        found = ((one.xp, message_from_json(one.reason), one.given_at) for one in rows)
        return tuple(Gift(xp, reason, at) for xp, reason, at in found if at is not None)
