"""Gives members who come back the roles of the level that they had; free of discord.py.

Joins are noted without waiting and looked up together: a raid is a handful of queries.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.settings import SettingsStore
from cogs.levels.book import Book
from cogs.levels.settings import KEY
from db import level_totals as totals_table
from db.engine import Database
from db.levels import Member

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

log = structlog.get_logger(__name__)

PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Joins that wait to be looked up; whoever is beyond gets their roles with their next level.
MOST_WAITING = 20_000
_BATCH = 500


class Returning:
    """Looks members who join up; most have never been there before."""

    def __init__(
        self, database: Database, settings: SettingsStore, *, book: Book, spawn: Spawn
    ) -> None:
        self._database = database
        self._settings = settings
        self._book = book
        self._spawn = spawn
        self._waiting: dict[Member, frozenset[int]] = {}
        self._is_looking = False

    def joined(self, payload: Mapping[str, Any]) -> None:
        """Note who joined, if there is something that they could get."""
        guild_id = int(payload["guild_id"])
        state = self._settings.peek(guild_id, KEY)
        is_bot = payload["user"].get("bot", False)
        if is_bot or not state.enabled or not state.settings.rewards:
            return
        if len(self._waiting) < MOST_WAITING:
            member = guild_id, int(payload["user"]["id"])
            self._waiting[member] = frozenset(map(int, payload.get("roles", ())))
        if not self._is_looking:
            self._is_looking = True
            self._spawn(f"{KEY}.returning", self._look_later())

    async def flush(self) -> None:
        """Look up all who wait; those who can't be looked up now wait on."""
        while self._waiting:
            members = list(self._waiting)[:_BATCH]
            part = {member: self._waiting[member] for member in members}
            async with self._database.write() as session:
                await self._give(session, part)
            for member in members:
                self._waiting.pop(member, None)

    async def _give(self, session: Any, members: Mapping[Member, frozenset[int]]) -> None:
        totals = await totals_table.list_totals(session, members.keys())
        changes = {}
        for one in totals:
            member = one.guild_id, one.user_id
            level = self._book.plan(one.guild_id).curve.level_at(one.xp)
            if change := self._book.change(one.guild_id, level, members[member]):
                changes[member] = change
        # A role would let those who have yet to pass membership screening skip it.
        await self._book.want(session, changes, after_screening=changes.keys())

    async def _look_later(self) -> None:
        pause = PAUSE
        try:
            while self._waiting:
                await asyncio.sleep(pause)
                try:
                    await self.flush()
                    pause = PAUSE
                except (SQLAlchemyError, OSError) as error:
                    pause = min(pause * 2, LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
                    log.warning("returning_not_seen", error=type(error).__name__)
        finally:
            self._is_looking = False
