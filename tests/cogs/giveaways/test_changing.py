"""What may be changed of a giveaway that goes on, whatever was changed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cogs.giveaways.opening import plan_of
from cogs.giveaways.plan import Plan
from cogs.giveaways.rules import checked_plan
from db.engine import Database
from tests.cogs.giveaways.world import HOST, HostWorld
from tests.fakes import FakeClock

DAY = timedelta(days=1)
PLAN = Plan(prize="A keyboard", duration=DAY)


@pytest.fixture
def world(sqlite_database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(sqlite_database, clock)


async def test_what_was_put_off_for_more_than_a_year_can_still_be_changed(
    world: HostWorld,
) -> None:
    giveaway = await world.open(replace(PLAN, duration=300 * DAY))
    await world.pass_time(200 * DAY)
    later = await world.opening.change(
        await world.get(giveaway), HOST, plan_of(giveaway), ends_at=world.clock.now() + 300 * DAY
    )

    changed = await world.opening.change(later, HOST, replace(plan_of(later), prize="Two"))
    assert changed.prize == "Two"
    assert changed.ends_at == later.ends_at
    # What is kept of it as a template can be held, too.
    assert checked_plan(plan_of(changed)).duration == 365 * DAY


@pytest.mark.parametrize("is_paused", [False, True])
async def test_end_by_time_is_taken_away(world: HostWorld, *, is_paused: bool) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time()
    giveaway = await world.get(giveaway)
    if is_paused:
        giveaway = await world.opening.pause(giveaway, HOST)
    changed = await world.opening.change(giveaway, HOST, plan_of(giveaway), is_untimed=True)
    if is_paused:
        changed = await world.opening.resume(changed, HOST)

    assert (changed.status, changed.ends_at, changed.remaining) == ("active", None, None)
    await world.pass_time(2 * DAY)
    assert world.ended == []
    assert "**Ends** when the host says so" in world.seen()[-1][2]["description"]
