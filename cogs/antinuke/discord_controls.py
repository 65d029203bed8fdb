"""The controls over discord.py's HTTP client."""

from __future__ import annotations

from bot.enforcement import DiscordEnforcer
from cogs.antinuke.controls import StaffMember


class DiscordControls(DiscordEnforcer):
    """The enforcer's calls on roles, and reading a member; see `StaffControls`."""

    async def read_member(self, guild_id: int, user_id: int) -> StaffMember:
        """Return a member past every cache; raises `Gone` for one who is none."""
        with self._judging():
            data = await self._client.http.get_member(guild_id, user_id)
        user = data["user"]
        return StaffMember(
            int(user["id"]),
            user["username"],
            bool(user.get("bot")),
            frozenset(map(int, data["roles"])),
        )
