"""Finds what keeps Moderation from its work that the field declarations can't express; pure."""

from __future__ import annotations

from bot.core.contracts import BotState
from bot.core.i18n import _
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.moderation.policy import KEY

_FIX = _(
    "Give my role View Audit Log (Server Settings > Roles), or switch off Record what is done in"
    " Discord in /moderation settings."
)


def find_moderation_problems(
    state: FeatureState, bot_state: BotState, guild_id: int
) -> list[Problem]:
    """Return a problem where moderators' own deeds are to be recorded but can't be seen."""
    me = bot_state.me(guild_id)
    if not state.settings.record_native or me is None or _sees_audit_log(me.permissions):
        return []
    message = _("I can't see what moderators do in Discord itself, so that makes no cases.")
    return [Problem(KEY, "missing_permission", "view_audit_log", message, _FIX)]


def _sees_audit_log(permissions: frozenset[str]) -> bool:
    return not permissions.isdisjoint({"view_audit_log", "administrator"})
