"""News of levels, for whoever gives something for them, and experience that features give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.events import Event
from bot.core.i18n import Message
from bot.core.message_json import message_to_json
from db import level_gifts as table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.jobs import JobService
    from bot.core.settings import SettingsStore

# The key of the feature that counts experience; nothing of it is imported.
LEVELS = "levels"
# What levels need to hear of gifts: the job that gives those whose keys its payload names.
GIFT_JOB = "levels.gift"
# As many members as Discord's gateway tells of at once.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReached(Event):
    """A member has risen from the level `before` to `level`, by earning or by staff's hand.

    Published once per rise, after it was stored, and not at all when the process dies right then:
    what must not be missed reads `guild_members.level`.
    """

    guild_id: int
    user_id: int
    before: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class XpGift:
    """Experience for one member, and for what they get it; raises `ValueError` for less than 1.

    The `key`, of up to 100 characters, is the same whenever the same gift is given, and names rows,
    not people: `giveaway:<id>:prize:<round>:<position>`. The reason holds no text of people either.
    """

    key: str
    guild_id: int
    user_id: int
    amount: int
    reason: Message

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"a gift of {self.amount}")


async def are_levels_on(settings: SettingsStore, guild_id: int) -> bool:
    """Tell whether a guild has its levels switched on."""
    return (await settings.get(guild_id, LEVELS)).enabled


async def give_experience(
    session: AsyncSession, jobs: JobService, gifts: Sequence[XpGift], now: datetime
) -> None:
    """Promise members of a guild experience in the caller's transaction; each key counts once.

    It is counted soon after the commit, also after a crash and where levels are switched off.
    Whoever has left the guild gets it, too; whoever has their data erased before does not.
    """
    for start in range(0, len(gifts), _AT_ONCE):
        rows = [_row_of(one, now) for one in gifts[start : start + _AT_ONCE]]
        if added := await table.add_gifts(session, rows):
            # The job names nobody: whose data is erased has no gift any more.
            await jobs.schedule(
                session,
                GIFT_JOB,
                now,
                {"keys": added},
                dedupe_key=f"{GIFT_JOB}:{added[0]}",
                guild_id=gifts[start].guild_id,
            )


def _row_of(one: XpGift, now: datetime) -> dict[str, object]:
    return {
        "key": one.key,
        "guild_id": one.guild_id,
        "user_id": one.user_id,
        "xp": one.amount,
        "reason": message_to_json(one.reason),
        "created_at": now,
    }
