"""Finds what levels don't do that the field declarations can't express; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.core.contracts import BotState, RoleSummary
from bot.core.i18n import _
from bot.core.power import DANGEROUS_NAMES
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.levels.settings import KEY, LevelSettings, Reward


def is_powerful(role: RoleSummary) -> bool:
    """Tell whether a role has rights of staff."""
    return not DANGEROUS_NAMES.isdisjoint(role.permissions)


def may_be_given(reward: Reward, role: RoleSummary | None) -> bool:
    """Tell whether a reward is given: a powerful role needs that an admin has agreed."""
    return reward.action == "take" or reward.trusted or role is None or not is_powerful(role)


def sound_rewards(
    rewards: Iterable[Reward], bot_state: BotState, guild_id: int
) -> tuple[Reward, ...]:
    """Return the rewards that are given and taken: those of powerful roles need a yes."""
    return tuple(one for one in rewards if may_be_given(one, bot_state.role(guild_id, one.role_id)))


def find_level_problems(state: FeatureState, bot_state: BotState, guild_id: int) -> list[Problem]:
    """Return which rewards are not given, and a channel that is missing."""
    return list(_find(state.settings, bot_state, guild_id))


def _find(settings: LevelSettings, bot_state: BotState, guild_id: int) -> Iterator[Problem]:
    for one in settings.rewards:
        role = bot_state.role(guild_id, one.role_id)
        if role is not None and not may_be_given(one, role):
            yield Problem(
                KEY,
                "powerful_role",
                f"rewards:{one.role_id}",
                _("The reward {role} has rights of staff, so I don't give it.", role=role.name),
                _("Take the rights from the role, or agree with /xp reward add."),
            )
