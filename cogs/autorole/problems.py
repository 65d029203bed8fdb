"""Finds what Autorole does not do that the field declarations can't express; pure."""

from __future__ import annotations

from bot.core.contracts import BotState
from bot.core.i18n import _
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.autorole.rules import may_be_given
from cogs.autorole.settings import AutoroleSettings


def find_autorole_problems(
    state: FeatureState, bot_state: BotState, guild_id: int
) -> list[Problem]:
    """Return which join roles are not given since they have rights that nobody agreed to."""
    settings: AutoroleSettings = state.settings
    return [
        Problem(
            "autorole",
            "powerful_role",
            f"join_roles:{one.role_id}",
            _(
                "The join role {role} has rights of staff, so I no longer give it.",
                role=role.name,
            ),
            _("Take the rights from the role, or agree with /autorole add."),
        )
        for one in settings.join_roles
        if (role := bot_state.role(guild_id, one.role_id)) and not may_be_given(one, role)
    ]
