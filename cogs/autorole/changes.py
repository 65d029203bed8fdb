"""What a decision about a newcomer means for the queue of role changes; pure."""

from __future__ import annotations

from bot.core.i18n import _
from bot.core.roles import RoleChange, RoleSource
from cogs.autorole.rules import Decision, Gift, Newcomer


def changes_of(one: Newcomer, decision: Decision, occasion: str) -> list[RoleChange]:
    """Return the role changes that a decision means."""
    return [join_change(one, gift, occasion) for gift in decision.gifts]


def join_change(one: Newcomer, gift: Gift, occasion: str) -> RoleChange:
    """Return the role change that one gift means."""
    return RoleChange(
        guild_id=one.guild_id,
        user_id=one.user_id,
        role_id=gift.role_id,
        want=True,
        source=RoleSource.AUTOMATIC,
        reason=_("Join role"),
        not_before=gift.not_before,
        after_screening=gift.after_screening,
        occasion=occasion,
    )
