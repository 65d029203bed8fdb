"""What comes again says when, and comes once a month where that is what was asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.errors import Conflict
from bot.core.outbox.deliveries import OutboxFailed
from cogs.giveaways.board import message_key
from cogs.giveaways.hosting import how_often
from cogs.giveaways.plan import Plan
from cogs.giveaways.series import Repeat, SeriesOrder, length_by_clock
from db.engine import Database
from db.giveaway_hosting import change_series
from db.guilds import SeenGuild, mark_guilds_left, save_guilds
from tests.cogs.giveaways.world import CHANNEL, GUILD, HOST, HostWorld
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
MADRID = ZoneInfo("Europe/Madrid")


@pytest.fixture
def world(database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(database, clock)


def order(
    first: datetime, repeat: Repeat, timezone: str = "UTC", *, lasts: timedelta = HOUR
) -> SeriesOrder:
    return SeriesOrder(
        guild_id=GUILD,
        channel_id=CHANNEL,
        host_id=HOST.user_id,
        plan=Plan(prize="A mug", duration=lasts),
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


async def test_series_whose_plan_is_not_allowed_any_more_says_so_and_goes_on(
    world: HostWorld,
) -> None:
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    series = await world.series.begin(order(first, Repeat.DAILY), HOST)
    async with world.database.write() as session:
        await change_series(session, series, {"plan": {**series.plan, "prize": "\u200b"}})
    await world.pass_time(2 * HOUR)
    await world.pass_time(MINUTE)

    assert await world.all() == []
    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [first + DAY]
    (told,) = await world.problems.list(GUILD)
    assert "can't be held any more" in told.problem.message.render("en")


@pytest.mark.parametrize(("late", "lasts"), [(2 * HOUR, 22 * HOUR), (20 * HOUR, DAY)])
async def test_series_that_begins_late_ends_as_any_giveaway_that_does(
    world: HostWorld, late: timedelta, lasts: timedelta
) -> None:
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    await world.series.begin(order(first, Repeat.DAILY, lasts=DAY), HOST)
    world.clock.advance((first + late - world.clock.now()).total_seconds())
    await world.pass_time()

    (held,) = await world.all()
    assert held.ends_at == first + late + lasts
    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [first + DAY]


async def test_nothing_is_held_in_a_guild_that_the_bot_has_left(world: HostWorld) -> None:
    """Members could enter none, and all would be drawn at once when it is added again."""
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    await world.series.begin(order(first, Repeat.DAILY), HOST)
    once = await world.open(Plan(prize="A boat", duration=HOUR), starts_at=first)
    seen = SeenGuild(GUILD, "Garden", world.clock.now())
    async with world.database.write() as session:
        await save_guilds(session, [seen])
        await mark_guilds_left(session, {GUILD: world.clock.now()})
    for _days in range(3):
        await world.pass_time(DAY)
    assert [one.status for one in await world.all()] == ["scheduled"]

    async with world.database.write() as session:
        await save_guilds(session, [seen])
    await world.pass_time(timedelta(minutes=5))
    assert (await world.get(once)).status == "active"
    await world.pass_time(DAY)
    assert len(await world.all()) == 2


async def test_series_whose_channel_is_gone_comes_again_no_more(world: HostWorld) -> None:
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    await world.series.begin(order(first, Repeat.DAILY), HOST)
    world.clock.advance((first - world.clock.now()).total_seconds())
    await world.jobs.run_due()
    (held,) = await world.all()
    for _times in range(2):
        failed = OutboxFailed(
            at=world.clock.now(),
            guild_id=GUILD,
            channel_id=CHANNEL,
            user_id=None,
            dedupe_key=message_key(held),
            reason="channel_gone",
        )
        await world.watch.delivery_failed(failed)
    causes = {one.problem.cause for one in await world.problems.list(GUILD)}
    assert causes == {"message_gone", "series_stopped"}
    assert not await world.series.list(GUILD)

    await world.opening.cancel(await world.get(held), HOST)
    await world.pass_time(2 * DAY)
    assert len(await world.all()) == 1
    assert not await world.problems.list(GUILD)


@pytest.mark.parametrize(
    ("lasts", "by_clock", "ends"),
    [
        # Until sunday 12:00; two days; 42 hours.
        (42 * HOUR, True, "12:00"),
        (2 * DAY, False, "18:00"),
        (42 * HOUR, False, "11:00"),
    ],
)
async def test_end_by_the_clock_stays_when_the_clocks_change(
    world: HostWorld, lasts: timedelta, by_clock: bool, ends: str
) -> None:
    """Each begins on a friday at 18:00; the clocks go back on the second sunday."""
    first = datetime(2026, 10, 16, 18, tzinfo=MADRID)
    world.clock.advance((first - DAY - world.clock.now()).total_seconds())
    weekly = order(first, Repeat.WEEKLY, "Europe/Madrid", lasts=lasts)
    await world.series.begin(replace(weekly, by_clock=by_clock), HOST)
    for _days in range(9):
        await world.pass_time(DAY)

    held = await world.all()
    walls = [one.ends_at.astimezone(MADRID) for one in held if one.ends_at]
    assert [one.starts_at.astimezone(MADRID).hour for one in held] == [18, 18]
    assert walls[0] == first + lasts
    assert (len(walls), f"{walls[1]:%H:%M}") == (2, ends)


async def test_first_of_a_series_may_be_the_one_in_which_the_clocks_change(
    world: HostWorld,
) -> None:
    first = datetime(2026, 10, 23, 18, tzinfo=MADRID)
    world.clock.advance((first - DAY - world.clock.now()).total_seconds())
    # Until sunday 12:00, which is 43 hours this time.
    lasts, by_clock = length_by_clock(first, 43 * HOUR, "Europe/Madrid")
    assert lasts is not None
    weekly = order(first, Repeat.WEEKLY, "Europe/Madrid", lasts=lasts)
    await world.series.begin(replace(weekly, by_clock=by_clock), HOST)
    for _quarters in range(36):
        await world.pass_time(6 * HOUR)

    walls = [one.ends_at.astimezone(MADRID) for one in await world.all() if one.ends_at]
    assert [f"{one:%a %H:%M}" for one in walls] == ["Sun 12:00", "Sun 12:00"]


def test_clocks_that_show_no_end_are_not_asked() -> None:
    """Ten minutes that end in the second of two equal hours, before they began."""
    first = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)
    assert length_by_clock(first, 10 * MINUTE, "Europe/Madrid") == (10 * MINUTE, False)
    assert length_by_clock(first, None, "Europe/Madrid") == (None, False)


async def test_of_two_changes_of_a_series_at_once_one_holds(world: HostWorld) -> None:
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    seen = await world.series.begin(order(first, Repeat.DAILY), HOST)
    wanted = [order(first + (days + 1) * DAY, Repeat.WEEKLY) for days in range(3)]
    told = await asyncio.gather(
        *(world.series.change(seen, one, HOST, anew=True) for one in wanted),
        return_exceptions=True,
    )
    (held,) = (at for at, one in enumerate(told) if not isinstance(one, BaseException))
    assert all(isinstance(one, Conflict) for at, one in enumerate(told) if at != held)
    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [wanted[held].first]


async def test_series_that_is_moved_while_it_comes_again_comes_once(world: HostWorld) -> None:
    """Whoever moved it had seen it before that; or it comes at its new time alone."""
    first = world.clock.now().replace(second=0, microsecond=0) + HOUR
    seen = await world.series.begin(order(first, Repeat.DAILY), HOST)
    world.clock.advance((first - world.clock.now()).total_seconds())
    moved, _worked = await asyncio.gather(
        world.series.change(seen, order(first + DAY + HOUR, Repeat.DAILY), HOST, anew=True),
        world.jobs.run_due(),
        return_exceptions=True,
    )
    came = len(await world.all())
    assert (isinstance(moved, Conflict), came) in {(True, 1), (False, 0)}
    next_at = first + DAY + (timedelta(0) if came else HOUR)
    assert [at for _, at in await world.series.list_upcoming(GUILD)] == [next_at]
