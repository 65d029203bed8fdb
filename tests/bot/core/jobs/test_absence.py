"""What becomes of a guild's jobs while the bot is out of it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from bot.core.jobs import Job
from db import jobs as table
from db.engine import Database
from db.guilds import Guild
from tests.bot.core.jobs.world import GUILD, World, make_world
from tests.fakes import FakeClock

HOUR = timedelta(hours=1)


async def leave(world: World) -> None:
    async with world.database.write() as session:
        await world.jobs.suspend(session, GUILD)


async def come_back(world: World) -> None:
    async with world.database.write() as session:
        await world.jobs.take_up(session, GUILD)


async def schedule_all(world: World) -> None:
    """Two of the guild's, one that outlasts an absence, and one of another guild."""
    world.register("greet")
    world.register("give back", outlasts_absence=True)
    due = world.clock.now() + HOUR
    await world.schedule("greeting", "greet", guild_id=GUILD, due_at=due)
    await world.schedule("role", "give back", guild_id=GUILD, due_at=due)
    await world.schedule("other", "give back", guild_id=GUILD + 1, due_at=due)


async def ran(world: World) -> list[str]:
    await world.jobs.run_due()
    return sorted(job.dedupe_key for job in world.ran)


async def test_what_outlasts_an_absence_waits_and_the_rest_is_cancelled(world: World) -> None:
    await schedule_all(world)
    await leave(world)
    world.clock.advance(2 * HOUR)
    assert await ran(world) == ["other"]
    assert (await world.row("greeting")).state == "cancelled"

    await come_back(world)
    assert await ran(world) == ["other", "role"]


async def test_what_is_not_due_yet_keeps_its_time(world: World) -> None:
    await schedule_all(world)
    await leave(world)
    await come_back(world)
    assert await ran(world) == []
    world.clock.advance(HOUR)
    assert await ran(world) == ["other", "role"]


async def test_job_that_waits_for_its_guild_can_be_hastened_cancelled_and_replaced(
    world: World,
) -> None:
    await schedule_all(world)
    later = world.clock.now() + 2 * HOUR
    for key in ("cancelled", "replaced"):
        await world.schedule(key, "give back", guild_id=GUILD, due_at=later)
    await leave(world)
    async with world.database.write() as session:
        assert await world.jobs.is_open(session, "role")
        assert await world.jobs.hasten(session, "role", world.clock.now())
        assert await world.jobs.cancel(session, "cancelled")
    await world.schedule("replaced", "give back", guild_id=GUILD)
    assert await ran(world) == ["replaced"]

    await come_back(world)
    assert await ran(world) == ["replaced", "role"]


async def test_job_that_runs_as_the_bot_leaves_is_done_once_it_is_back(
    database: Database, clock: FakeClock
) -> None:
    async with make_world(database, clock) as world:
        runs: list[int] = []

        async def act(job: Job) -> None:
            runs.append(job.attempt)
            if len(runs) == 1:
                await leave(world)

        world.jobs.register("give back", effect=act, outlasts_absence=True)
        await world.schedule("role", "give back", guild_id=GUILD)
        await world.jobs.run_due()
        assert (await world.row("role")).state == "suspended"
        assert (await world.jobs.snapshot()).pending == 0

        await come_back(world)
        await world.jobs.run_due()
        assert runs == [1, 1]
        assert (await world.row("role")).state == "done"


async def test_what_waited_too_long_is_given_up(world: World) -> None:
    await schedule_all(world)
    await leave(world)
    now = world.clock.now()
    async with world.database.write() as session:
        session.add(Guild(id=GUILD, name="Harbour", joined_at=now, left_at=now))
        await session.flush()
        assert not await table.cancel_suspended_jobs(session, left_before=now, now=now)
        assert await table.cancel_suspended_jobs(session, left_before=now + HOUR, now=now) == 1
        await session.execute(update(Guild).values(left_at=None))
    await come_back(world)
    world.clock.advance(2 * HOUR)
    assert await ran(world) == ["other"]
