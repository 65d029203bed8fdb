"""What raids and lockdowns ask of Discord, as a protocol that tests can stand in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

Json = Mapping[str, Any]


class GuildControls(Protocol):
    """Reads and turns what closes a guild; every call may be repeated without harm.

    Raises `NotPermitted`, `Gone` or `Delayed` from `bot.core.cases.outcomes`.
    """

    async def read_guild(self, guild_id: int) -> Json:
        """Return Discord's guild object."""
        ...

    async def read_channels(self, guild_id: int) -> Sequence[Json]:
        """Return Discord's objects of all channels but threads."""
        ...

    async def set_overwrite(  # noqa: PLR0917 - where, whose, what
        self, channel_id: int, overwrite_id: int, kind: int, allow: int, deny: int, reason: str
    ) -> None:
        """Set one permission overwrite of a channel."""
        ...

    async def delete_overwrite(self, channel_id: int, overwrite_id: int, reason: str) -> None:
        """Remove one permission overwrite of a channel."""
        ...

    async def pause_invites(self, guild_id: int, until: datetime | None) -> None:
        """Let nobody join until an instant at most 24 hours ahead; `None` ends that."""
        ...

    async def set_verification(self, guild_id: int, level: int, reason: str) -> None:
        """Set the guild's verification level, from 0 to 4."""
        ...
