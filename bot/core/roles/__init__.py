"""Role changes: one queue per guild of the roles that members are to have or lose.

Features write wishes; this brings Discord in line with them, in the order of their priority, and
keeps what can't be done yet. Knows nothing of how Discord is reached: a role changer does.
"""

from __future__ import annotations

from bot.core.roles.rules import PRIORITIES, RoleSource
from bot.core.roles.service import RoleService, purge_wishes
from bot.core.roles.values import RoleChange, RoleChanged, RoleChanger, RolesSnapshot

__all__ = [
    "PRIORITIES",
    "RoleChange",
    "RoleChanged",
    "RoleChanger",
    "RoleService",
    "RoleSource",
    "RolesSnapshot",
    "purge_wishes",
]
