"""What a guild sets decides about its cases; nothing has to be set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.cases import CaseKind
from bot.core.contracts import SYSTEM
from bot.core.errors import InvalidInput
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.nullstate import NullState
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs.moderation import FEATURE
from cogs.moderation.policy import SettingsPolicy
from db.engine import Database
from tests.cogs.moderation.world import Place
from tests.fakes import FakeClock

GUILD = 5


class Guild:
    """The settings of a guild and the policy made of them."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        bus, supervisor = EventBus(), TaskSupervisor()
        audit = AuditLog(clock, bus, supervisor)
        registry = FeatureRegistry([FEATURE])
        self.store = SettingsStore(database, clock, bus, registry, audit, state=NullState)
        self.policy = SettingsPolicy(self.store)

    async def set(self, **changes: Any) -> None:
        await self.store.change(GUILD, "moderation", changes, actor=SYSTEM)


@pytest.fixture
def guild(database: Database, clock: FakeClock) -> Guild:
    return Guild(database, clock)


async def test_nothing_set_is_sensible(guild: Guild) -> None:
    policy = guild.policy

    assert await policy.points_for(GUILD, CaseKind.WARN) == 1
    assert await policy.points_for(GUILD, CaseKind.BAN) == 0
    assert await policy.warn_lifetime(GUILD) == timedelta(days=90)
    assert await policy.mute_role_id(GUILD) is None
    assert await policy.log_channel_id(GUILD) is None
    assert await policy.notifies(GUILD, CaseKind.BAN)
    assert not await policy.notifies(GUILD, CaseKind.NOTE)
    assert await policy.closing_words(GUILD, CaseKind.BAN) is None
    assert (await guild.store.get(GUILD, "moderation")).enabled


async def test_settings_apply_at_once(guild: Guild) -> None:
    await guild.set(
        warn_points=3,
        kick_points=2,
        points_expire=False,
        mute_role_id="77",
        log_channel_id="88",
        tell_removals=False,
        appeal_text="Write to mods@example.org",
    )
    policy = guild.policy

    assert await policy.points_for(GUILD, CaseKind.WARN) == 3
    assert await policy.points_for(GUILD, CaseKind.SOFTBAN) == 2
    assert await policy.warn_lifetime(GUILD) is None
    assert await policy.mute_role_id(GUILD) == 77
    assert await policy.log_channel_id(GUILD) == 88
    assert not await policy.notifies(GUILD, CaseKind.TEMPBAN)
    assert await policy.notifies(GUILD, CaseKind.TIMEOUT)
    assert await policy.closing_words(GUILD, CaseKind.MUTE) == "Write to mods@example.org"
    assert await policy.closing_words(GUILD, CaseKind.UNMUTE) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"warn_points": 101},
        {"ban_delete_window": "8 days"},
        {"timeout_length": "29 days"},
        {"purge_confirm_from": 0},
        {"reason_templates": ["x" * 301]},
        {"appeal_text": "x" * 701},
    ],
)
async def test_settings_out_of_bounds_are_refused(guild: Guild, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await guild.set(**changes)


async def test_message_to_a_member_ends_with_how_to_appeal(place: Place) -> None:
    await place.set(appeal_text="Appeal at https://example.org")

    await place.say(place.mod, "timeout", member=place.ada, duration="1h", reason="x")
    await place.bench.deliver()

    assert place.dms(place.ada)[-1].endswith("Appeal at https://example.org")


async def test_member_is_not_written_to_where_that_is_off(place: Place) -> None:
    await place.set(tell_warnings=False)

    said = await place.say(place.mod, "warn", member=place.ada, reason="x")
    await place.bench.deliver()

    assert place.dms(place.ada) == []
    assert "write to them" not in said


async def test_case_is_shown_in_the_moderation_log(place: Place) -> None:
    await place.set(log_channel_id=str(place.log.id))

    await place.say(place.mod, "warn", member=place.ada, reason="Spoilers")
    await place.bench.deliver()

    (message,) = place.log.history()
    assert message.embeds[0].title == "Case 1: Warning"
