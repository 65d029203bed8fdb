"""Who counts as staff where a channel is closed: the roles that go on writing there."""

from __future__ import annotations

import discord

# Whoever has one of these goes on in a locked channel.
STAFF_RIGHTS = discord.Permissions(
    administrator=True,
    manage_channels=True,
    manage_guild=True,
    manage_messages=True,
    moderate_members=True,
).value


def staff_of(guild: discord.Guild) -> dict[int, int]:
    """Return the roles of staff with what they may do; administrators need no overwrite."""
    usual = guild.default_role.permissions.value
    return {
        role.id: 0 if role.permissions.administrator else role.permissions.value | usual
        for role in guild.roles
        if role.permissions.value & STAFF_RIGHTS and not role.is_default()
    }
