"""What is wrong with an economy's settings that no single field shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.i18n import _
from bot.core.problems import Problem
from cogs.economy.settings import KEY, EconomySettings

if TYPE_CHECKING:
    from bot.core.contracts import BotState
    from bot.core.settings import FeatureState


def find_problems(state: FeatureState, _bot_state: BotState, _guild_id: int) -> list[Problem]:
    """Return what doesn't go together."""
    settings: EconomySettings = state.settings
    found = []
    if settings.work_minimum > settings.work_maximum:
        found.append(
            Problem(
                KEY,
                "wages",
                "work_minimum",
                _("The least wage is above the highest one."),
                _("Everybody earns the least one. Change one of them with /economy settings."),
            )
        )
    if settings.stake_minimum > settings.stake_maximum:
        found.append(
            Problem(
                KEY,
                "stakes",
                "stake_minimum",
                _("The least stake is above the highest one."),
                _("Nobody can play. Change one of them with /economy settings."),
            )
        )
    return found
