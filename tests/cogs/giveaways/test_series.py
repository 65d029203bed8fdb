"""What comes again says when, and comes once a month where that is what was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cogs.giveaways.hosting import how_often
from cogs.giveaways.plan import Plan
from cogs.giveaways.series import Repeat, SeriesOrder
from db.engine import Database
from tests.cogs.giveaways.world import CHANNEL, GUILD, HOST, HostWorld
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(database, clock)


def order(first: datetime, repeat: Repeat, timezone: str = "UTC") -> SeriesOrder:
    return SeriesOrder(
        guild_id=GUILD,
        channel_id=CHANNEL,
        host_id=HOST.user_id,
        plan=Plan(prize="A mug", duration=HOUR),
        first=first,
        repeat=repeat,
        timezone=timezone,
    )


async def test_next_time_of_a_series_is_its_first_until_that_has_come(world: HostWorld) -> None:
    """The rule alone would name tomorrow for what begins in five days."""
    first = world.clock.now().replace(second=0, microsecond=0) + 5 * DAY
    await world.series.begin(order(first, Repeat.DAILY), HOST)

    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [first]
    await world.pass_time(5 * DAY + HOUR)
    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [first + DAY]


async def test_month_that_has_had_its_giveaway_does_not_get_another(world: HostWorld) -> None:
    """It comes on each month's last day, and began on the 29th of one that has 31."""
    first = datetime(2027, 1, 29, 17, tzinfo=UTC)
    world.clock.advance((first - DAY - world.clock.now()).total_seconds())
    series = await world.series.begin(order(first, Repeat.MONTHLY, "Europe/Madrid"), HOST)
    assert "last day of each month" in how_often(series, Repeat.MONTHLY).render("en")
    for _days in range(64):
        await world.pass_time(DAY)

    starts = [one.starts_at.date().isoformat() for one in await world.all()]
    assert starts == ["2027-01-29", "2027-02-28", "2027-03-31"]
