"""News of levels, for whoever gives something for them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.events import Event


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
