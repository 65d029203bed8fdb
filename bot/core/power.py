"""Which permissions give power over others or the server: the one list that features share.

By Discord's own bits: https://discord.com/developers/docs/topics/permissions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.contracts import RoleSummary

# With one of these a guild can be taken apart.
DESTRUCTIVE: Mapping[str, int] = {
    "kick_members": 1 << 1,
    "ban_members": 1 << 2,
    "administrator": 1 << 3,
    "manage_channels": 1 << 4,
    "manage_guild": 1 << 5,
    "manage_roles": 1 << 28,
    "manage_webhooks": 1 << 29,
    "moderate_members": 1 << 40,
}
# With one of these a role makes its holder staff, or lets them reach everybody: nobody gets such a
# role from a rule or a menu unless an admin has agreed.
DANGEROUS: Mapping[str, int] = {
    **DESTRUCTIVE,
    "view_audit_log": 1 << 7,
    "manage_messages": 1 << 13,
    "mention_everyone": 1 << 17,
    "mute_members": 1 << 22,
    "deafen_members": 1 << 23,
    "move_members": 1 << 24,
    "manage_nicknames": 1 << 27,
    "manage_expressions": 1 << 30,
    "manage_events": 1 << 33,
    "manage_threads": 1 << 34,
}
DANGEROUS_NAMES = frozenset(DANGEROUS)


def is_powerful(role: RoleSummary) -> bool:
    """Return whether a role gives power over others or the server."""
    return not DANGEROUS_NAMES.isdisjoint(role.permissions)
