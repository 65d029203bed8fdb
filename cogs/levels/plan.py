"""A guild's settings as the counting of experience needs them: worked out once, then looked up.

Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bot.core.contracts import BotState
from bot.core.settings.model import FeatureState
from cogs.levels.rules import CURVES, Curve
from cogs.levels.settings import LevelSettings

# Channels of a guild whose factor is remembered; threads come and go.
MOST_PLACES = 2000


@dataclass(slots=True)
class Plan:
    """What a guild's settings say, for as long as `state` are its settings.

    `text_range` is the least that a message earns, and how many numbers there are from it on.
    `places` remembers what channels were found to earn, in percent: 0 where nothing is earned.
    """

    state: FeatureState
    settings: LevelSettings
    curve: Curve
    text_enabled: bool
    text_range: tuple[int, int]
    text_length: int
    text_similarity: int
    cooldown: float
    excluded_roles: frozenset[int]
    role_percents: dict[int, int]
    channel_percents: dict[int, int]
    places: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, state: FeatureState) -> Plan:
        """Work out the plan."""
        settings: LevelSettings = state.settings
        percents = {one.channel_id: one.percent for one in settings.multipliers}
        percents |= dict.fromkeys(settings.excluded_channels, 0)
        return cls(
            state,
            settings,
            CURVES[settings.curve],
            settings.text_enabled,
            # Either may be changed before the other.
            (
                min(settings.text_least, settings.text_most),
                abs(settings.text_least - settings.text_most) + 1,
            ),
            settings.text_length,
            settings.text_similarity,
            settings.text_cooldown.total_seconds(),
            frozenset(settings.excluded_roles),
            {one.role_id: one.percent for one in settings.multipliers if one.role_id is not None},
            {key: value for key, value in percents.items() if key is not None},
        )

    def is_barred(self, role_ids: Collection[int]) -> bool:
        """Tell whether one of these roles keeps from earning."""
        return bool(self.excluded_roles) and not self.excluded_roles.isdisjoint(role_ids)

    def role_percent(self, role_ids: Iterable[int]) -> int:
        """Return the factor of the roles: the highest of theirs, 100 without any."""
        percents = self.role_percents
        if not percents:
            return 100
        return max((percents[one] for one in role_ids if one in percents), default=100)

    def place_percent(self, channel_id: int, state: BotState) -> int:
        """Return the factor of a channel: its own, else that of what it stands in; 0 if barred.

        What bars a category bars all in it.
        """
        found = self.places.get(channel_id)
        if found is None:
            if len(self.places) >= MOST_PLACES:
                self.places.clear()
            found = self.places[channel_id] = self._find_percent(channel_id, state)
        return found

    def _find_percent(self, channel_id: int, state: BotState) -> int:
        percents = self.channel_percents
        if not percents:
            return 100
        chain = list(_with_parents(state, self.state.guild_id, channel_id))
        found = [percents[one] for one in chain if one in percents]
        return 0 if 0 in found else found[0] if found else 100


class Plans:
    """The plans of all guilds; one that is on is worked out anew when its settings change."""

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}

    def of(self, state: FeatureState) -> Plan:
        """Return the plan for a guild's settings."""
        plan = self._plans.get(state.guild_id)
        if plan is None or plan.state is not state:
            plan = self._plans[state.guild_id] = Plan.of(state)
        return plan

    def forget_places(self, guild_id: int) -> None:
        """Look anew where a guild's channels stand."""
        if (plan := self._plans.get(guild_id)) is not None:
            plan.places.clear()

    def forget(self, guild_id: int) -> None:
        """Keep nothing of a guild."""
        self._plans.pop(guild_id, None)


def _with_parents(state: BotState, guild_id: int, channel_id: int) -> Iterable[int]:
    """Yield a channel and what it stands in: a thread's channel, a channel's category."""
    yield channel_id
    channel = state.channel(guild_id, channel_id)
    for _step in range(2):
        if channel is None or channel.parent_id is None:
            return
        yield channel.parent_id
        channel = state.channel(guild_id, channel.parent_id)
