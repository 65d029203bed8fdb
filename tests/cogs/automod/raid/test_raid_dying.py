"""A process that dies while it meets a raid: another closes the doors, and opens them exactly."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest

from bot.core.contracts import Actor
from db.engine import Database
from db.raids import MemberState, RaidState
from tests.cogs.automod.dying import Dying
from tests.cogs.automod.raid.raidworld import GUILD, FakeEnforcer, FakeGuild, World
from tests.fakes import FakeClock

STAFF = Actor(5, "command", "Grace")
ESCALATION = {
    "raid_enabled": True,
    "raid_pause_invites": True,
    "raid_lockdown": True,
    "raid_verification": True,
    "raid_action": "timeout",
}
JOINS = 20
# Past the lease of the dead one's job, and long before the raid is over by itself.
TAKEN_OVER = 150.0


@pytest.mark.parametrize(
    "moment",
    [
        "before pause_invites 1",
        "after pause_invites 1",
        "before set_verification 1",
        "after set_verification 1",
        "before set_overwrite 1",
        "after set_overwrite 2",
        "before time_out 1",
        "after time_out 7",
    ],
)
async def test_kill_while_a_raid_is_met(database: Database, moment: str) -> None:
    guild, clock = FakeGuild(), FakeClock()
    enforcer: Any = FakeEnforcer()
    before = copy.deepcopy(guild.channels)
    about_members = "time_out" in moment
    dying: Any = Dying(enforcer if about_members else guild, moment)
    first = World(database, clock, guild if about_members else dying)
    first.cases.use(dying if about_members else enforcer)
    await first.start(**ESCALATION)
    await first.joins(JOINS)
    async with dying.until_dead(first.pass_time()):
        second = World(database, clock, guild)
        second.cases.use(enforcer)
        await second.start()
        await second.pass_time(TAKEN_OVER)

        assert guild.level == 4
        assert guild.invites_until is not None
        assert guild.channels != before
        report = await second.raids.report(GUILD)
        assert Counter(report.states.values()) == {MemberState.HANDLED: JOINS}
        cases = await second.cases.list(GUILD, limit=50)
        assert len({one.target.id for one in cases}) == len(cases) == JOINS
        # What Discord was told before the end came is told again at most.
        assert max(Counter(enforcer.done).values()) <= 2

        await second.raids.end(GUILD, STAFF)
        await second.pass_time(TAKEN_OVER)
    assert (guild.level, guild.invites_until) == (1, None)
    assert guild.channels == before
    (raid,) = await second.list_raids()
    assert raid.state == RaidState.ENDED
