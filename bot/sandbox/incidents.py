"""Paused invites and direct messages: what a guild in trouble keeps closed, for a day at most.

https://discord.com/developers/docs/resources/guild#modify-guild-incident-actions
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .codec import parse_time

if TYPE_CHECKING:
    from .guild import Guild
    from .models import User
    from .world import World

_DMS_CLOSED, _NO_MUTUAL_GUILD = 50007, 50278


def invites_paused(guild: Guild) -> bool:
    """Whether nobody can join now."""
    return "INVITES_DISABLED" in guild.features or _runs(guild, "invites_disabled_until")


def dms_paused(guild: Guild) -> bool:
    """Whether sharing only this guild is not enough to write to each other now."""
    return _runs(guild, "dms_disabled_until")


def _runs(guild: Guild, key: str) -> bool:
    until = (guild.extra["incidents_data"] or {}).get(key)
    return until is not None and parse_time(until) > datetime.now(UTC)


def dm_refusal(world: World, sender: User, recipient: User) -> int | None:
    """Return the code with which a direct message fails, None when it arrives.

    50007: their direct messages are closed, or paused in every guild both are in. 50278: there is
    no such guild.
    """
    if not recipient.dms_open:
        return _DMS_CLOSED
    shared = [
        guild
        for guild in world.guilds.values()
        if sender.id in guild.members and recipient.id in guild.members
    ]
    if not shared:
        return _NO_MUTUAL_GUILD
    return _DMS_CLOSED if all(map(dms_paused, shared)) else None
