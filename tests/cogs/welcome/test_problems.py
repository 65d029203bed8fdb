"""What keeps Welcome from speaking is found, with its fix, and once per cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.contracts import ChannelSummary, GuildSummary
from bot.core.nullstate import NullState
from bot.core.settings.model import FeatureState
from cogs.welcome.problems import find_welcome_problems
from cogs.welcome.settings import WelcomeSettings

GUILD, SYSTEM, OTHER = 1, 10, 11
ENOUGH = frozenset({"view_channel", "send_messages", "attach_files", "embed_links"})


class Discord(NullState):
    """One guild with the channels of a test."""

    def __init__(self, *channels: ChannelSummary, system: int | None = SYSTEM) -> None:
        super().__init__()
        self._channels = {channel.id: channel for channel in channels}
        self._system = system

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(GUILD, "Garden", 2, 3, system_channel_id=self._system)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return self._channels.get(channel_id)


def channel(channel_id: int, permissions: frozenset[str] = ENOUGH) -> ChannelSummary:
    return ChannelSummary(channel_id, GUILD, f"c{channel_id}", "text", bot_permissions=permissions)


def causes(discord: NullState, **chosen: Any) -> Sequence[tuple[str, str]]:
    state = FeatureState(GUILD, "welcome", True, WelcomeSettings(**chosen))
    problems = find_welcome_problems(state, discord, GUILD)
    assert all(str(problem.message) and str(problem.fix) for problem in problems)
    return [(problem.cause, problem.subject) for problem in problems]


def test_defaults_with_a_usable_system_channel_have_no_problem() -> None:
    assert causes(Discord(channel(SYSTEM))) == []


def test_no_channel_at_all_is_a_problem_of_each_message() -> None:
    discord = Discord(system=None)

    assert causes(discord) == [("no_channel", "join"), ("no_channel", "returning")]
    assert causes(discord, join_enabled=False, returning_enabled=False) == []


@pytest.mark.parametrize("missing", sorted(ENOUGH - {"embed_links"}))
def test_system_channel_without_a_permission_is_one_problem(missing: str) -> None:
    discord = Discord(channel(SYSTEM, ENOUGH - {missing}))

    assert causes(discord, leave_enabled=True) == [("cannot_post", str(SYSTEM))]


def test_embed_permission_matters_only_for_embeds() -> None:
    discord = Discord(channel(SYSTEM, ENOUGH - {"embed_links"}))

    assert causes(discord) == []
    assert causes(discord, embed_enabled=True) == [("cannot_post", str(SYSTEM))]


def test_chosen_channel_is_looked_at_for_cards_only() -> None:
    # What the field declares is found from its declaration, for every feature alike.
    discord = Discord(channel(OTHER, frozenset()))

    assert causes(discord, join_channel_id=OTHER) == [("cannot_post", str(OTHER))]
    assert causes(discord, join_channel_id=OTHER, card_enabled=False) == []


def test_guild_that_is_not_seen_has_no_problems() -> None:
    assert causes(NullState()) == []
