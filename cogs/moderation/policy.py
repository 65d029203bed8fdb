"""Answers the case service's questions from the guild's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.cases import Case, CaseKind
from bot.core.cases.values import FollowUp
from bot.core.settings import SettingsStore
from cogs.moderation.appealcards import APPEALABLE, appeal_button
from cogs.moderation.settings import ModerationSettings
from cogs.moderation.thresholds import Thresholds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KEY = "moderation"

_POINTS = {
    CaseKind.WARN: "warn_points",
    CaseKind.TIMEOUT: "timeout_points",
    CaseKind.MUTE: "mute_points",
    CaseKind.KICK: "kick_points",
    CaseKind.SOFTBAN: "kick_points",
}
_TOLD = {
    CaseKind.WARN: "tell_warnings",
    CaseKind.TIMEOUT: "tell_restrictions",
    CaseKind.UNTIMEOUT: "tell_restrictions",
    CaseKind.MUTE: "tell_restrictions",
    CaseKind.UNMUTE: "tell_restrictions",
    CaseKind.KICK: "tell_removals",
    CaseKind.SOFTBAN: "tell_removals",
    CaseKind.BAN: "tell_removals",
    CaseKind.TEMPBAN: "tell_removals",
}


class SettingsPolicy:
    """A `CasePolicy` of what each guild has set; without thresholds nothing follows from points."""

    def __init__(self, settings: SettingsStore, thresholds: Thresholds | None = None) -> None:
        self._settings = settings
        self._thresholds = thresholds

    async def points_for(self, guild_id: int, kind: CaseKind) -> int:
        """Return the warn points that a case of this kind gives."""
        name = _POINTS.get(kind)
        return getattr(await self._of(guild_id), name) if name else 0

    async def warn_lifetime(self, guild_id: int) -> timedelta | None:
        """Return how long points count; `None` is for ever."""
        settings = await self._of(guild_id)
        return settings.points_lifetime if settings.points_expire else None

    async def mute_role_id(self, guild_id: int) -> int | None:
        """Return the role that mutes, `None` while there is none."""
        return (await self._of(guild_id)).mute_role_id

    async def log_channel_id(self, guild_id: int) -> int | None:
        """Return the channel for messages about cases; `None` takes the guild's log channel."""
        return (await self._of(guild_id)).log_channel_id

    async def notifies(self, guild_id: int, kind: CaseKind) -> bool:
        """Return whether the member is written to."""
        name = _TOLD.get(kind)
        return name is not None and getattr(await self._of(guild_id), name)

    async def closing_words(self, guild_id: int, kind: CaseKind) -> str | None:
        """Return how to appeal, for what can be appealed."""
        return (await self._of(guild_id)).appeal_text if kind in APPEALABLE else None

    async def components(self, case: Case, locale: str | None) -> Sequence[Mapping[str, Any]]:
        """Return the button to appeal, where appeals are taken."""
        settings = await self._of(case.guild_id)
        if settings.appeal_channel_id is None or case.kind not in APPEALABLE:
            return ()
        return appeal_button(case, locale)

    async def follow(self, session: AsyncSession, cases: Sequence[Case]) -> Mapping[int, FollowUp]:
        """Plan what follows from the points that the cases make."""
        if self._thresholds is None:
            return {}
        return await self._thresholds.decide(session, cases)

    async def _of(self, guild_id: int) -> ModerationSettings:
        return (await self._settings.get(guild_id, KEY)).settings
