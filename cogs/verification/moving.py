"""Follows a change of the roles that passing changes, for those who wait for them; no discord.py.

Whoever passed while the role could not be given gets the one that is chosen now in its place.
"""

from __future__ import annotations

from bot.core.settings import SettingsChanged
from cogs.verification.desk import KEY, Desk, role_changes
from cogs.verification.rules import Applicant
from db import role_wish_occasions

_FIELDS = frozenset({"verified_role_id", "unverified_role_id"})


class RoleMoves:
    """Keeps what is wanted in line with the settings; one per process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def settings_changed(self, event: SettingsChanged) -> None:
        """Withdraw what is wanted of roles that were chosen before, and want those of now."""
        if event.feature != KEY or _FIELDS.isdisjoint(event.diff):
            return
        guild_id, roles = event.guild_id, self._desk.roles
        settings = (await self._desk.settings.get(guild_id, KEY)).settings
        chosen = [settings.verified_role_id, settings.unverified_role_id]
        keeping = [one for one in chosen if one is not None]
        async with self._desk.database.write() as session:
            waiting = await role_wish_occasions.list_people(session, guild_id, KEY, keeping=keeping)
            await roles.withdraw(session, guild_id, KEY, keeping=keeping)
            changes = (
                change
                for user_id in waiting
                for change in role_changes(settings, Applicant(guild_id, user_id, name=""))
            )
            await roles.want(session, changes)
        # Nothing may wait any more for what was told to be in the way.
        roles.look_again(guild_id)
