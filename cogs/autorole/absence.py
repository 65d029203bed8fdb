"""Knows which joins were missed: those after the last one that was heard of; free of discord.py.

The mark is moved in the transaction that stores a join, so it is exact also after a crash. It stays
where it is from the beginning of a gateway session until the look for what was missed is planned:
a join that is heard of in between must not hide the earlier ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.settings.model import SWITCH
from cogs.autorole.rules import Newcomer
from db import autorole_marks as marks

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.settings import SettingsChanged
    from bot.core.settings.model import FeatureState

# Discord's clock and ours differ: a join about when a session begins is rather looked at twice.
SKEW = timedelta(seconds=10)


class Absence:
    """Keeps the marks; one per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # When the session of a guild began for which no look is planned yet.
        self._unplanned: dict[int, datetime] = {}

    def session_began(self, guild_ids: Iterable[int]) -> None:
        """Keep these guilds' marks where they are, until a look is planned."""
        self._unplanned |= dict.fromkeys(guild_ids, self._clock.now())

    async def note(self, session: AsyncSession, guild_id: int, joined: Iterable[Newcomer]) -> None:
        """Note that these joins were heard of and stored."""
        if guild_id in self._unplanned:
            return
        latest = max((one.joined_at for one in joined), default=None)
        if latest is not None:
            await marks.note_heard(session, {guild_id: min(latest, self._clock.now() + SKEW)})

    async def begin(self, session: AsyncSession, guild_id: int) -> dict[str, str]:
        """Begin a look, and return what its job has to know."""
        look_id = secrets.randbelow(2**62)
        look = await marks.begin_look(session, guild_id, look_id, self._clock.now())
        until = self._unplanned.get(guild_id, self._clock.now()) + SKEW
        return {"look": str(look.id), "since": look.since.isoformat(), "until": until.isoformat()}

    def planned(self, guild_ids: Iterable[int]) -> None:
        """Let the marks of guilds move again; where one is needed a look is stored."""
        for one in guild_ids:
            self._unplanned.pop(one, None)

    def is_planned(self, guild_id: int) -> bool:
        """Return whether no session of a guild has begun whose look is yet to be planned."""
        return guild_id not in self._unplanned


def has_joined_in(member: Newcomer, payload: Mapping[str, Any]) -> bool:
    """Return whether a member joined in the absence that a look's job is about."""
    if "since" not in payload:
        return False
    since, until = (datetime.fromisoformat(payload[name]) for name in ("since", "until"))
    return since < member.joined_at <= until


def follows_joins(state: FeatureState) -> bool:
    """Return whether a guild has anything done for who joins."""
    settings = state.settings
    return state.enabled and bool(settings.join_roles or settings.sticky_enabled)


def has_begun(event: SettingsChanged) -> bool:
    """Return whether a guild follows joins from this change of settings on."""
    if not follows_joins(event.state):
        return False
    settings, diff = event.state.settings, event.diff
    enabled, roles, sticky = (
        diff[name][0] if name in diff else now
        for name, now in (
            (SWITCH, event.state.enabled),
            ("join_roles", settings.join_roles),
            ("sticky_enabled", settings.sticky_enabled),
        )
    )
    return not (enabled and (roles or sticky))
