"""Answers the case service's questions from the guild's settings."""

from __future__ import annotations

from datetime import timedelta

from bot.core.cases import CaseKind
from bot.core.settings import SettingsStore
from cogs.moderation.settings import ModerationSettings

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
_APPEALABLE = frozenset(
    {
        CaseKind.TIMEOUT,
        CaseKind.MUTE,
        CaseKind.KICK,
        CaseKind.SOFTBAN,
        CaseKind.BAN,
        CaseKind.TEMPBAN,
    }
)


class SettingsPolicy:
    """A `CasePolicy` of what each guild has set."""

    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings

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
        return (await self._of(guild_id)).appeal_text if kind in _APPEALABLE else None

    async def _of(self, guild_id: int) -> ModerationSettings:
        return (await self._settings.get(guild_id, KEY)).settings
