"""Finds what keeps Moderation from its work that the field declarations can't express; pure."""

from __future__ import annotations

from bot.core.cases import CaseKind
from bot.core.contracts import BotState
from bot.core.i18n import _
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.moderation.pointlines import read_thresholds
from cogs.moderation.policy import KEY
from cogs.moderation.settings import ModerationSettings

_FIX = _(
    "Give my role View Audit Log (Server Settings > Roles), or switch off Record what is done in"
    " Discord in /moderation settings."
)


def find_moderation_problems(
    state: FeatureState, bot_state: BotState, guild_id: int
) -> list[Problem]:
    """Return what is unseen of moderators' own deeds, and thresholds that can't be kept."""
    found = []
    settings: ModerationSettings = state.settings
    me = bot_state.me(guild_id)
    if settings.record_native and me is not None and not sees_audit_log(me.permissions):
        message = _("I can't see what moderators do in Discord itself, so that makes no cases.")
        found.append(Problem(KEY, "missing_permission", "view_audit_log", message, _FIX))
    thresholds = read_thresholds(settings.point_thresholds)
    if settings.mute_role_id is None and any(one.kind is CaseKind.MUTE for one in thresholds):
        found.append(
            Problem(
                KEY,
                "no_mute_role",
                "point_thresholds",
                _("A threshold of warn points is to mute, but there is no mute role."),
                _("Choose one in /moderation settings, or use a timeout in the threshold."),
            )
        )
    return found


def sees_audit_log(permissions: frozenset[str]) -> bool:
    """Tell whether somebody with these permissions sees the audit log."""
    return not permissions.isdisjoint({"view_audit_log", "administrator"})
