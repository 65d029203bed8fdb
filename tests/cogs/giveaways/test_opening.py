"""Giveaways are made, changed, paused, cancelled and come again, as the database has it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.outbox.deliveries import OutboxFailed
from cogs.giveaways.board import message_key
from cogs.giveaways.columns import plan_of
from cogs.giveaways.plan import Bonus, Plan, Requirements
from cogs.giveaways.series import Repeat, SeriesOrder, rule_of
from cogs.giveaways.templates import MOST_TEMPLATES
from cogs.giveaways.verify import is_committed, seed_of
from db.engine import Database
from tests.cogs.giveaways.rows import make_entry
from tests.cogs.giveaways.test_plan import FULL
from tests.cogs.giveaways.world import CHANNEL, GUILD, HOST, OTHER_CHANNEL, HostWorld
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = Plan(prize="A keyboard", duration=DAY)


@pytest.fixture
def world(database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(database, clock)


@pytest.fixture
def sqlite_world(sqlite_database: Database, clock: FakeClock) -> HostWorld:
    """The same, for what no engine does otherwise."""
    return HostWorld(sqlite_database, clock)


async def test_giveaway_is_posted_committed_to_and_ends_in_time(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))

    assert is_committed(seed_of(giveaway.seed, 0), 0, giveaway.commitment)
    kind, _, embed = world.seen()[0]
    assert kind == "message.send"
    assert embed["title"] == "🎉 A keyboard"
    assert giveaway.commitment in embed["footer"]["text"]
    assert giveaway.seed not in str(world.courier.delivered)
    assert (await world.get(giveaway)).message_id == 9001
    assert world.ended == []
    await world.pass_time(DAY)
    assert world.ended == [giveaway.id]


async def test_plan_is_kept_whole(world: HostWorld) -> None:
    giveaway = await world.open(FULL)

    assert plan_of(await world.get(giveaway)) == FULL


async def test_numbers_are_distinct_when_many_begin_at_once(world: HostWorld) -> None:
    opened = await asyncio.gather(*(world.open(PLAN) for _ in range(8)))

    assert sorted(one.number for one in opened) == list(range(1, 9))


async def test_no_more_are_open_than_may_be_even_at_once(world: HostWorld) -> None:
    await world.set(open_at_once=3)

    done = await asyncio.gather(*(world.open(PLAN) for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(one, Conflict) for one in done) == 5
    assert len(await world.all()) == 3


async def test_refused_plan_leaves_nothing(world: HostWorld) -> None:
    with pytest.raises(InvalidInput):
        await world.open(Plan(prize="", winners=10_000))

    assert not await world.all()
    await world.pass_time()
    assert not world.seen()


async def test_scheduled_giveaway_begins_at_its_time(world: HostWorld) -> None:
    giveaway = await world.open(PLAN, starts_at=world.clock.now() + HOUR)
    await world.pass_time(HOUR / 2)
    assert not world.seen()
    await world.pass_time(HOUR / 2)

    current = await world.get(giveaway)
    assert current.status == "active"
    assert current.ends_at == current.starts_at + DAY
    assert [kind for kind, _, _ in world.seen()][:1] == ["message.send"]


@pytest.mark.parametrize(("late", "lasts"), [(HOUR, 23 * HOUR), (20 * HOUR, DAY), (9 * DAY, DAY)])
async def test_giveaway_that_begins_late_can_still_be_entered(
    sqlite_world: HostWorld, late: timedelta, lasts: timedelta
) -> None:
    """The bot was away when it was to begin."""
    world = sqlite_world
    giveaway = await world.open(PLAN, starts_at=world.clock.now() + HOUR)
    await world.pass_time(HOUR + late)

    current = await world.get(giveaway)
    assert current.status == "active"
    assert current.ends_at == world.clock.now() + lasts
    assert world.ended == []
    await world.pass_time(lasts)
    assert world.ended == [giveaway.id]


async def test_many_changes_become_one_edit(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))
    before = len(world.seen())
    for user_id in range(1, 20):
        async with world.database.write() as session:
            session.add(make_entry(giveaway, user_id))
            await session.flush()
            await world.board.refresh(session, giveaway.id, GUILD)
    await world.pass_time(timedelta(seconds=5))

    [(kind, message_id, embed)] = world.seen()[before:]
    assert (kind, message_id) == ("message.edit", 9001)
    assert "**Entries:** 19" in embed["description"]


async def test_change_that_comes_while_the_message_is_shown_is_shown_next(
    world: HostWorld,
) -> None:
    """An entry whose transaction ends during the edit's is not lost."""
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))

    async def enter(user_id: int) -> None:
        async with world.database.write() as session:
            session.add(make_entry(giveaway, user_id))
            await session.flush()
            await world.board.refresh(session, giveaway.id, GUILD, at_once=True)

    await asyncio.gather(*(enter(one) for one in range(1, 16)), world.jobs.run_due())
    await world.pass_time(timedelta(seconds=10))
    await world.pass_time(timedelta(seconds=10))

    assert "**Entries:** 15" in world.seen()[-1][2]["description"]


async def test_edit_changes_what_is_shown_and_when_it_ends(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))
    plan = Plan(
        prize="Two keyboards",
        winners=2,
        requirements=Requirements(any_roles=(5,), account_age=DAY),
        bonuses=(Bonus(6, 3),),
    )
    changed = await world.opening.change(
        await world.get(giveaway), HOST, plan, ends_at=world.clock.now() + HOUR
    )
    await world.pass_time()

    embed = world.seen()[-1][2]
    assert embed["title"] == "🎉 Two keyboards"
    assert [one["name"] for one in embed["fields"]] == ["To enter", "More chances"]
    assert changed.winner_count == 2
    await world.pass_time(HOUR)
    assert world.ended == [giveaway.id]


async def test_second_of_two_edits_at_once_is_told(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)

    done = await asyncio.gather(
        *(world.opening.change(giveaway, HOST, Plan(prize=f"{one}")) for one in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Conflict) for one in done) == 3


async def test_paused_giveaway_keeps_the_time_that_was_left(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(HOUR)
    paused = await world.opening.pause(await world.get(giveaway), HOST)
    await world.pass_time(3 * DAY)
    assert world.ended == []
    with pytest.raises(Conflict, match="paused already"):
        await world.opening.pause(paused, HOST)

    resumed = await world.opening.resume(paused, HOST)
    assert resumed.ends_at == world.clock.now() + DAY - HOUR
    with pytest.raises(Conflict, match="goes on"):
        await world.opening.resume(resumed, HOST)
    await world.pass_time(DAY - HOUR)
    assert world.ended == [giveaway.id]


async def test_cancelled_giveaway_never_ends(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))
    cancelled = await world.opening.cancel(await world.get(giveaway), HOST)
    await world.pass_time(2 * DAY)

    assert world.ended == []
    assert world.seen()[-1][2]["title"] == "Cancelled: A keyboard"
    assert not world.courier.delivered[-1].payload["components"]
    with pytest.raises(Conflict, match="was cancelled"):
        await world.opening.cancel(cancelled, HOST)


async def test_message_is_posted_anew_in_another_channel(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))
    current = await world.get(giveaway)
    await world.opening.change(current, HOST, PLAN, channel_id=OTHER_CHANNEL)
    await world.pass_time(timedelta(seconds=5))

    posted = [one.channel_id for one in world.courier.delivered if one.kind == "message.send"]
    assert posted == [CHANNEL, OTHER_CHANNEL]
    assert (await world.get(giveaway)).message_id not in (None, 9001)


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(days=400), -HOUR])
async def test_end_that_is_none_is_refused(sqlite_world: HostWorld, after: timedelta) -> None:
    giveaway = await sqlite_world.open(PLAN)

    with pytest.raises(InvalidInput):
        await sqlite_world.opening.change(
            giveaway, HOST, PLAN, ends_at=sqlite_world.clock.now() + after
        )


async def test_deleted_message_is_a_problem_until_it_is_posted_anew(
    sqlite_world: HostWorld,
) -> None:
    world = sqlite_world
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(seconds=5))
    assert world.watch.find([1, 9001]) == [9001]
    assert world.watch.in_channel(CHANNEL) == [9001]
    await world.watch.deleted([9001])
    assert "nobody can enter" in str((await world.problems.list(GUILD))[0].problem.message)

    await world.opening.change(await world.get(giveaway), HOST, PLAN, channel_id=OTHER_CHANNEL)
    await world.pass_time(timedelta(seconds=5))
    await world.pass_time(timedelta(seconds=5))
    assert not await world.problems.list(GUILD)
    assert world.watch.in_channel(OTHER_CHANNEL)


async def test_message_that_could_not_be_posted_is_a_problem(sqlite_world: HostWorld) -> None:
    world = sqlite_world
    giveaway = await world.open(PLAN)
    failed = OutboxFailed(
        at=world.clock.now(),
        guild_id=GUILD,
        channel_id=CHANNEL,
        user_id=None,
        dedupe_key=message_key(giveaway),
        reason="channel_gone",
    )
    await world.watch.delivery_failed(failed)
    assert len(await world.problems.list(GUILD)) == 1
    await world.opening.cancel(giveaway, HOST)
    await world.pass_time()
    assert not await world.problems.list(GUILD)


@pytest.mark.parametrize("what", ["change", "pause", "cancel"])
async def test_giveaway_past_its_end_cant_be_changed_any_more(world: HostWorld, what: str) -> None:
    """Its job has not run yet: else a host could still change who wins what."""
    giveaway = await world.open(PLAN)
    world.clock.advance(DAY.total_seconds())
    plan = (Plan(prize="Nothing", duration=DAY),) if what == "change" else ()

    with pytest.raises(Conflict, match="are being drawn"):
        await getattr(world.opening, what)(giveaway, HOST, *plan)
    current = await world.get(giveaway)
    assert (current.prize, current.status) == ("A keyboard", "active")
    await world.pass_time()
    assert world.ended == [giveaway.id]


# --- series and templates ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeat", "rule"),
    [
        (Repeat.DAILY, "0 18 * * *"),
        (Repeat.WEEKLY, "0 18 * * 0"),
        (Repeat.MONTHLY, "0 18 29 * *"),
    ],
)
def test_rule_is_wall_time_in_the_zone(repeat: Repeat, rule: str) -> None:
    first = datetime(2026, 3, 29, 16, tzinfo=UTC)
    found = rule_of(repeat, first, "Europe/Madrid")

    assert found.rule == (rule if repeat is not Repeat.MONTHLY else "0 18 L * *")
    following = found.next_after(first)
    assert following.hour == 16


async def test_series_comes_again_at_the_same_wall_time_across_a_clock_change(
    world: HostWorld,
) -> None:
    """The clocks of Madrid are put back on 25 October 2026: 18:00 is 16:00 UTC, then 17:00."""
    world.clock.advance(
        (datetime(2026, 10, 24, 12, tzinfo=UTC) - world.clock.now()).total_seconds()
    )
    first = datetime(2026, 10, 24, 16, tzinfo=UTC)
    order = SeriesOrder(
        guild_id=GUILD,
        channel_id=CHANNEL,
        host_id=HOST.user_id,
        plan=Plan(prize="A mug", duration=HOUR),
        first=first,
        repeat=Repeat.DAILY,
        timezone="Europe/Madrid",
    )
    series = await world.series.begin(order, HOST)
    for _hours in range(30):
        await world.pass_time(HOUR)

    starts = [one.starts_at for one in await world.all()]
    assert starts == [first, datetime(2026, 10, 25, 17, tzinfo=UTC)]
    assert await world.series.stop(series, HOST)
    assert not await world.series.stop(series, HOST)
    await world.pass_time(2 * DAY)
    assert len(await world.all()) == 2


async def test_series_that_finds_no_room_is_a_problem_until_it_does(
    sqlite_world: HostWorld,
) -> None:
    world = sqlite_world
    await world.set(open_at_once=1)
    blocking = await world.open(Plan(prize="Long", duration=20 * DAY))
    order = SeriesOrder(
        guild_id=GUILD,
        channel_id=CHANNEL,
        host_id=1,
        plan=Plan(prize="A mug", duration=HOUR),
        first=world.clock.now() + HOUR,
        repeat=Repeat.DAILY,
        timezone="UTC",
    )
    await world.series.begin(order, HOST)
    await world.pass_time(HOUR)
    assert [one.problem.cause for one in await world.problems.list(GUILD)] == ["series_skipped"]

    await world.opening.cancel(await world.get(blocking), HOST)
    await world.pass_time(DAY)
    assert not await world.problems.list(GUILD)


async def test_series_pauses_while_giveaways_are_off(sqlite_world: HostWorld) -> None:
    world = sqlite_world
    order = SeriesOrder(
        guild_id=GUILD,
        channel_id=CHANNEL,
        host_id=1,
        plan=Plan(prize="A mug", duration=HOUR),
        first=world.clock.now() + HOUR,
        repeat=Repeat.DAILY,
        timezone="UTC",
    )
    await world.series.begin(order, HOST)
    await world.set(enabled=False)
    await world.pass_time(HOUR)
    await world.pass_time(DAY)
    assert await world.all() == []
    assert not await world.problems.list(GUILD)

    await world.set(enabled=True)
    await world.pass_time(DAY)
    assert len(await world.all()) == 1


async def test_template_is_kept_by_name_whatever_its_case(sqlite_world: HostWorld) -> None:
    templates = sqlite_world.templates
    await templates.save(GUILD, " Friday  Fun ", FULL, HOST)
    await templates.save(GUILD, "friday fun", PLAN, HOST)

    assert Plan.from_json((await templates.get(GUILD, "FRIDAY FUN")).plan) == PLAN
    await templates.delete(await templates.get(GUILD, "Friday fun"), HOST)
    with pytest.raises(NotFound):
        await templates.get(GUILD, "friday fun")


async def test_templates_have_bounds(sqlite_world: HostWorld) -> None:
    for number in range(MOST_TEMPLATES):
        await sqlite_world.templates.save(GUILD, f"t{number}", PLAN, HOST)
    await sqlite_world.templates.save(GUILD, "T1", FULL, HOST)

    with pytest.raises(Conflict):
        await sqlite_world.templates.save(GUILD, "one more", PLAN, HOST)
    for name in ("", "x" * 51):
        with pytest.raises(InvalidInput):
            await sqlite_world.templates.save(GUILD, name, PLAN, HOST)
