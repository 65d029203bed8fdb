"""Who may overrule whom about a role, and what is to be done of a wish. Pure."""

from __future__ import annotations

from enum import StrEnum


class RoleSource(StrEnum):
    """Why a role is wanted; in the order of their weight, the first outweighs all others."""

    # A mute holds the role. Written by the queue itself: mutes are ordered as cases.
    MUTE = "mute"
    # Staff have said so.
    COMMAND = "command"
    # The member has, just now.
    MENU = "menu"
    VERIFICATION = "verification"
    # The member had it when they left.
    STICKY = "sticky"
    # A rule gives it: join roles, levels, back-fill.
    AUTOMATIC = "automatic"


# A newer wish takes an older one's place unless its priority is lower. Somebody's decision of just
# now outweighs what was true before they left, and that outweighs what a rule gives to everybody.
PRIORITIES = {
    RoleSource.MUTE: 50,
    RoleSource.COMMAND: 40,
    RoleSource.MENU: 30,
    RoleSource.VERIFICATION: 30,
    RoleSource.STICKY: 20,
    RoleSource.AUTOMATIC: 10,
}

# What goes on when the bot is back in a guild that it had left: a role that was won, bought or
# given for a time, and its end. Rules look again at everybody, and a member can press again.
LASTING = (RoleSource.COMMAND,)


def aim(source: str, *, want: bool, held: bool) -> bool:
    """Return whether the member is to have the role now; `held` is that a mute holds it.

    A removal of what a mute holds becomes an addition instead of nothing: whoever tried the removal
    before may have died after it.
    """
    if held:
        return True
    return want and source != RoleSource.MUTE
