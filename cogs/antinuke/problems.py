"""Finds what keeps anti-nuke from acting that the field declarations can't express; pure."""

from __future__ import annotations

from bot.core.contracts import BotState
from bot.core.i18n import _
from bot.core.preflight import missing_permissions
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.antinuke.rules import is_dangerous
from cogs.antinuke.settings import AntinukeSettings, Response

KEY = "antinuke"

_NEEDS = {
    Response.ALERT: (),
    Response.STRIP: ("view_audit_log", "manage_roles"),
    Response.TIMEOUT: ("view_audit_log", "manage_roles", "moderate_members"),
    Response.KICK: ("view_audit_log", "kick_members"),
    Response.BAN: ("view_audit_log", "ban_members"),
}
_MOST_NAMED = 5


def find_antinuke_problems(
    state: FeatureState, bot_state: BotState, guild_id: int
) -> list[Problem]:
    """Return what the response needs and the bot lacks, and dangerous roles that it can't take.

    Nothing while it only tells: that the audit log can't be read, Moderation reports.
    """
    settings: AntinukeSettings = state.settings
    me = bot_state.me(guild_id)
    if me is None or settings.response is Response.ALERT:
        return []
    found = []
    refusal = missing_permissions(_NEEDS[settings.response], me.permissions, None)
    if refusal is not None:
        found.append(Problem(KEY, "missing_permissions", "guild", refusal.message, refusal.fix))
    above = [
        role.name
        for role in bot_state.roles(guild_id)
        if is_dangerous(role) and not role.managed and role.position >= me.top_role_position
    ]
    if above:
        names = ", ".join(above[:_MOST_NAMED]) + (" …" if len(above) > _MOST_NAMED else "")
        found.append(
            Problem(
                KEY,
                "roles_above",
                "guild",
                _("Against members with these roles I can do nothing: {roles}.", roles=names),
                _("Drag my role above them in Server Settings > Roles."),
            )
        )
    return found
