"""What staff do with experience by hand: give, take, set, boost; free of discord.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.audit import AuditLog
from bot.core.clock import Clock
from bot.core.contracts import Actor
from bot.core.errors import InvalidInput
from bot.core.i18n import _
from cogs.levels.book import Book, Revision
from cogs.levels.boosts import Boosts
from cogs.levels.counting import TextCounter
from cogs.levels.describing import Number
from cogs.levels.rules import MOST_XP
from cogs.levels.settings import KEY
from db import levels as table
from db.engine import Database
from db.levels import LevelBoost


class Deed(StrEnum):
    """What is done to somebody's experience."""

    GIVE = "give"
    TAKE = "take"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose experience it is; `role_ids` is `None` for somebody who is no member."""

    guild_id: int
    user_id: int
    role_ids: frozenset[int] | None


class StaffDesk:
    """Changes experience, each change with its entry in the audit log."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        book: Book,
        counter: TextCounter,
        boosts: Boosts,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._counter = counter
        self._boosts = boosts
        self._audit = audit

    async def change(self, target: Target, deed: Deed, amount: int, actor: Actor) -> Revision:
        """Change what somebody has, and return what it was and is.

        Nobody ends below 0. Raises `InvalidInput` for a total that is too much.
        """
        # What was counted already comes before it.
        await self._counter.flush()
        async with self._database.write() as session:
            [revised] = await self._book.revise(
                session,
                target.guild_id,
                {target.user_id: target.role_ids},
                lambda _user, before: _after(deed, before, amount),
            )
            details = {"before": revised.before_xp, "after": revised.rise.xp, "amount": amount}
            await self._audit.record(
                session,
                actor,
                target.guild_id,
                f"{KEY}.{deed}",
                "user_action",
                details,
                target_id=target.user_id,
            )
        await self._book.tell([revised.rise])
        return revised

    async def boost(
        self, guild_id: int, percent: int, duration: timedelta, actor: Actor
    ) -> datetime:
        """Have everything earn so much in a guild from now on; return when that ends."""
        ends_at = self._clock.now() + duration
        values = {
            "guild_id": guild_id,
            "percent": percent,
            "ends_at": ends_at,
            "begun_by": actor.user_id,
        }
        async with self._database.write() as session:
            await table.put_boost(session, values)
            details = {"percent": percent, "ends_at": ends_at.isoformat()}
            await self._audit.record(
                session, actor, guild_id, f"{KEY}.boost", "user_action", details
            )
        self._boosts.note(LevelBoost(**values))
        return ends_at

    async def end_boost(self, guild_id: int, actor: Actor) -> bool:
        """End a guild's boost before its time; False when there is none."""
        async with self._database.write() as session:
            ended = await table.delete_boost(session, guild_id)
            if ended:
                await self._audit.record(
                    session, actor, guild_id, f"{KEY}.boost_end", "user_action"
                )
        self._boosts.forget(guild_id)
        return ended


def _after(deed: Deed, before: int, amount: int) -> int:
    compute: dict[Deed, Callable[[], int]] = {
        Deed.GIVE: lambda: before + amount,
        Deed.TAKE: lambda: max(0, before - amount),
        Deed.SET: lambda: amount,
    }
    after = compute[deed]()
    if after > MOST_XP:
        raise InvalidInput(
            _(
                "That would be more experience than a member can have: at most {most}.",
                most=Number(MOST_XP),
            )
        )
    return after
