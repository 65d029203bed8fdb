"""What keeps verification from working is found, with its fix."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import GuildSummary, MemberFacts, RoleSummary
from bot.core.nullstate import NullState
from bot.core.problems import find_problems
from bot.core.settings.model import FeatureState
from cogs.verification import FEATURE
from cogs.verification.problems import find_verification_problems
from cogs.verification.settings import VerificationSettings

GUILD, PLAIN, POWERFUL = 1, 7, 8


class Discord(NullState):
    """A guild with a harmless role and one for staff; the bot may kick nobody."""

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 10)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(42, guild_id, "Pegasus", 10, frozenset({"manage_roles"}))

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        powers = frozenset({"ban_members"}) if role_id == POWERFUL else frozenset[str]()
        return RoleSummary(role_id, guild_id, "R", 2, permissions=powers)


def test_missing_intent_is_told_where_somebody_would_be_reminded_or_removed() -> None:
    def causes(**chosen: Any) -> list[str]:
        settings = VerificationSettings.read({"verified_role_id": PLAIN, "channel_id": 5} | chosen)
        state = FeatureState(GUILD, "verification", True, settings)
        found = find_problems(FEATURE, state, Discord(), GUILD, intents=())
        return [one.cause for one in found if one.cause == "intent_off"]

    assert causes() == causes(kick_after=7200) == []
    assert causes(remind_after=7200) == ["intent_off"]
    assert causes(kick_after=7200, kick_confirmation="kick") == ["intent_off"]


@pytest.mark.parametrize(
    ("chosen", "causes"),
    [
        ({}, []),
        ({"verified_role_id": None}, ["no_role"]),
        ({"verified_role_id": None, "unverified_role_id": PLAIN}, []),
        ({"verified_role_id": POWERFUL}, ["powerful_role"]),
        ({"method": "form"}, ["no_questions"]),
        ({"method": "form", "questions": ["Q? = a"]}, []),
        ({"method": "form", "questions": ["Q?"]}, ["nowhere_to_judge"]),
        ({"method": "form", "questions": ["Q? = a"], "staff_review": True}, ["nowhere_to_judge"]),
        ({"method": "form", "questions": ["Q?"], "log_channel_id": 5}, []),
        ({"kick_after": 7200}, ["kick_not_confirmed"]),
        ({"kick_confirmation": "kick"}, []),
        ({"kick_after": 7200, "kick_confirmation": "kick"}, ["kick_permission"]),
        ({"remind_after": 7200}, ["nowhere_to_remind"]),
        ({"remind_after": 7200, "channel_id": 5}, []),
        (
            {
                "remind_after": 7200,
                "channel_id": 5,
                "kick_after": 7200,
                "kick_confirmation": "kick",
            },
            ["kick_permission", "reminder_too_late"],
        ),
    ],
)
def test_problems_are_those_of_the_settings(chosen: dict[str, Any], causes: list[str]) -> None:
    settings = VerificationSettings.read({"verified_role_id": PLAIN} | chosen)
    state = FeatureState(GUILD, "verification", True, settings)

    found = find_verification_problems(state, Discord(), GUILD)

    assert [one.cause for one in found] == causes
    assert all(one.fix.render("es") != one.fix.render("en") for one in found)
