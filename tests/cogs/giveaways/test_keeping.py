"""Giveaways are kept after their end for as long as their guild says, and no longer."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bot.core.contracts import SYSTEM
from cogs.giveaways.blocklist import Blocklist
from cogs.giveaways.forgetting import Forgetting
from cogs.giveaways.manifest import FEATURE
from cogs.giveaways.plan import Plan
from cogs.giveaways.series import Repeat, SeriesOrder, job_of
from cogs.giveaways.settings import KEY
from db import giveaway_retention
from db.engine import Database
from db.giveaways import (
    Giveaway,
    GiveawayBlock,
    GiveawayEntry,
    GiveawayNumber,
    GiveawayRound,
    GiveawaySeries,
    GiveawayTemplate,
    GiveawayWinner,
)
from db.guilds import SeenGuild, mark_guilds_left, save_guilds
from tests.cogs.giveaways.rows import add_drawn, make_entry, make_giveaway
from tests.cogs.giveaways.world import GUILD, HOST, HostWorld
from tests.fakes import FakeClock

DAY = timedelta(days=1)
OTHER = 7
PLAN = Plan(prize="A mug", duration=DAY)
ALL = (
    Giveaway,
    GiveawayEntry,
    GiveawayRound,
    GiveawayWinner,
    GiveawayTemplate,
    GiveawaySeries,
    GiveawayBlock,
    GiveawayNumber,
)


@pytest.fixture
def world(database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways, and forgets them."""
    return HostWorld(database, clock)


async def forget(world: HostWorld) -> None:
    """Do what is done each night."""
    forgetting = Forgetting(world.database, world.clock, settings=world.settings, jobs=world.jobs)
    await forgetting.start()
    world.clock.advance(DAY.total_seconds())
    await world.jobs.run_due()


async def add_over(world: HostWorld, guild_id: int, days: int, **values: Any) -> None:
    """Add a giveaway with entries that was drawn so many days ago."""
    ended_at = world.clock.now() - days * DAY
    given = {"id": uuid.uuid4(), "guild_id": guild_id, "number": days, "ended_at": ended_at}
    async with world.database.write() as session:
        await add_drawn(session, make_giveaway(**given | values), dict.fromkeys(range(1, 6), 1))


async def kept(world: HostWorld) -> dict[int, list[int]]:
    """Return what is left: how many days ago each ended when it was added, by guild."""
    found: dict[int, list[int]] = {}
    for one in await world.all():
        found.setdefault(one.guild_id, []).append(one.number)
    return found


async def count(world: HostWorld) -> Counter[str]:
    async with world.database.read() as session:
        counts = {one: await session.scalar(select(func.count()).select_from(one)) for one in ALL}
    return +Counter({one.__tablename__: number or 0 for one, number in counts.items()})


async def test_giveaway_is_deleted_whole_half_a_year_after_its_end(world: HostWorld) -> None:
    assert FEATURE.purge is None
    giveaway = await world.open(PLAN)
    async with world.database.write() as session:
        session.add(make_entry(giveaway, 1))
    await world.opening.cancel(giveaway, HOST)
    going_on = await world.open(Plan(prize="A cup"))
    for days, left in ((170, 2), (10, 1)):
        world.clock.advance(days * DAY.total_seconds())
        await forget(world)
        assert len(await world.all()) == left
    assert [one.id for one in await world.all()] == [going_on.id]
    assert (await count(world))["giveaway_entries"] == 0


async def test_each_guild_says_how_long(world: HostWorld) -> None:
    for guild_id in (GUILD, OTHER, OTHER + 1):
        for days in (20, 40, 200, 700):
            await add_over(world, guild_id, days)
    await world.set(keep_for=30 * 86_400)
    await world.settings.change(OTHER, KEY, {"keep_for": 730 * 86_400}, actor=SYSTEM)
    await forget(world)

    assert await kept(world) == {
        GUILD: [20],
        OTHER: [20, 40, 200, 700],
        OTHER + 1: [20, 40],
    }
    # What belongs to those that are there, and nothing else.
    counts = await count(world)
    assert (counts["giveaway_entries"], counts["giveaway_rounds"]) == (7 * 5, 7)


async def test_claim_that_is_open_keeps_its_giveaway(world: HostWorld) -> None:
    await add_over(world, GUILD, 200)
    async with world.database.write() as session:
        winner = (await session.scalars(select(GiveawayWinner))).first()
        assert winner is not None
        winner.state, winner.claim_until = "pending", world.clock.now() + 5 * DAY
    await forget(world)
    assert await kept(world) == {GUILD: [200]}


async def test_stopped_series_goes_with_the_giveaways_of_its_time(world: HostWorld) -> None:
    order = SeriesOrder(
        guild_id=GUILD,
        channel_id=1,
        host_id=1,
        plan=PLAN,
        first=world.clock.now() + 900 * DAY,
        repeat=Repeat.DAILY,
        timezone="UTC",
    )
    stopped, going_on = [await world.series.begin(order, HOST) for _turn in range(2)]
    await world.series.stop(stopped, HOST)
    world.clock.advance(181 * DAY.total_seconds())
    await forget(world)
    async with world.database.read() as session:
        assert list(await session.scalars(select(GiveawaySeries.id))) == [going_on.id]


async def leave(world: HostWorld, *guild_ids: int) -> None:
    now = world.clock.now()
    async with world.database.write() as session:
        await save_guilds(session, [SeenGuild(one, "Garden", now) for one in guild_ids])
        await mark_guilds_left(session, dict.fromkeys(guild_ids, now))


async def test_all_of_a_guild_goes_once_the_bot_has_left_for_as_long(world: HostWorld) -> None:
    blocklist = Blocklist(world.database, world.clock, world.audit)
    for guild_id in (GUILD, OTHER):
        await world.open(PLAN, guild_id=guild_id)
        await world.templates.save(guild_id, "Mug", PLAN, HOST)
        await blocklist.add(guild_id, 5, HOST, None)
    await world.set(keep_for=40 * 86_400)
    await leave(world, GUILD, OTHER)
    whole = {"giveaways": 2, "giveaway_templates": 2, "giveaway_blocks": 2, "giveaway_numbers": 2}

    world.clock.advance(35 * DAY.total_seconds())
    await forget(world)
    assert await count(world) == whole
    # What was set holds where something was, and the default where nothing was.
    world.clock.advance(10 * DAY.total_seconds())
    await forget(world)
    assert await count(world) == dict.fromkeys(whole, 1)
    assert await kept(world) == {OTHER: [1]}
    world.clock.advance(150 * DAY.total_seconds())
    await forget(world)
    assert await count(world) == {}


async def test_what_waits_for_the_bot_is_given_up_before_what_is_kept(world: HostWorld) -> None:
    """Jobs of a guild wait for half a year: what is open after that would never end."""
    await add_over(world, GUILD, 10)
    async with world.database.write() as session:
        session.add(GiveawayNumber(guild_id=GUILD, last=10))
    open_one = await world.open(Plan(prize="A cup"))
    await world.templates.save(GUILD, "Mug", PLAN, HOST)
    await world.set(keep_for=730 * 86_400)
    await leave(world, GUILD)
    for days, numbers in ((178, [10, open_one.number]), (5, [10]), (500, [10]), (60, [])):
        world.clock.advance(days * DAY.total_seconds())
        await forget(world)
        assert [one.number for one in await world.all()] == numbers
    assert await count(world) == {}


async def test_series_that_is_given_up_does_not_come_up_again(world: HostWorld) -> None:
    order = SeriesOrder(
        guild_id=GUILD,
        channel_id=1,
        host_id=1,
        plan=PLAN,
        first=world.clock.now() + DAY,
        repeat=Repeat.DAILY,
        timezone="UTC",
    )
    series = await world.series.begin(order, HOST)
    await leave(world, GUILD)
    async with world.database.write() as session:
        await world.jobs.suspend(session, GUILD)
    world.clock.advance(181 * DAY.total_seconds())
    await forget(world)
    assert await count(world) == {}
    async with world.database.write() as session:
        await world.jobs.take_up(session, GUILD)
        assert await world.jobs.map_due(session, [job_of(series)]) == {}


async def test_guild_that_the_bot_was_added_to_again_keeps_what_goes_on(world: HostWorld) -> None:
    await world.open(Plan(prize="A cup"))
    await leave(world, GUILD)
    world.clock.advance(200 * DAY.total_seconds())
    async with world.database.write() as session:
        await save_guilds(session, [SeenGuild(GUILD, "Garden", world.clock.now())])
    await forget(world)
    assert len(await world.all()) == 1


async def test_much_is_deleted_in_parts(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in range(200, 211):
        await add_over(world, GUILD, days)
    monkeypatch.setattr(giveaway_retention, "_MOST", 4)
    # Those with many entries come in smaller parts: two of five here.
    monkeypatch.setattr(giveaway_retention, "_MOST_ENTRIES", 10)
    parts: list[int] = []
    delete_giveaways = giveaway_retention.delete_giveaways

    async def noted(session: Any, ids: Any) -> None:
        parts.append(len(ids))
        await delete_giveaways(session, ids)

    monkeypatch.setattr(giveaway_retention, "delete_giveaways", noted)
    await forget(world)
    assert (parts, await kept(world)) == ([2, 2, 2, 2, 2, 1], {})


async def test_night_with_nothing_to_forget_asks_little(world: HostWorld) -> None:
    """However many guilds have giveaways: no query is made for each."""
    for guild_id in range(100, 130):
        await add_over(world, guild_id, 100)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "giveaway" in statement or "feature_settings" in statement:
            asked.append(statement)

    event.listen(world.database.engine.sync_engine, "before_cursor_execute", note)
    await forget(world)
    event.remove(world.database.engine.sync_engine, "before_cursor_execute", note)
    assert len([one for one in asked if "FROM" in one]) <= 4
    assert len(await world.all()) == 30
