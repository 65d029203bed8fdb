"""Several processes on one database: leases, takeovers, and a share for each."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from bot.core.jobs import Job, JobFailed
from db import jobs as table
from db.engine import Database
from db.leases import Shards
from tests.bot.core.jobs.world import Limits, World, create_effects, make_world
from tests.fakes import FakeClock


async def test_job_of_a_dead_process_is_taken_over_after_its_lease(world: World):
    world.register()
    await world.schedule()
    async with world.database.write() as session:
        await table.claim_due_jobs(
            session, now=world.clock.now(), owner="dead", lease=timedelta(seconds=30), limit=1
        )

    await world.jobs.run_due()
    assert world.ran == []
    world.clock.advance(31)
    await world.jobs.run_due()

    assert [job.attempt for job in world.ran] == [2]


async def test_job_that_kills_its_process_is_given_up(world: World):
    world.register(max_attempts=3)
    await world.schedule()
    for _ in range(3):
        async with world.database.write() as session:
            await table.claim_due_jobs(
                session, now=world.clock.now(), owner="dead", lease=timedelta(seconds=5), limit=1
            )
        world.clock.advance(6)

    await world.jobs.run_due()

    assert world.ran == []
    assert (await world.row()).state == "failed"
    assert isinstance(world.events[0], JobFailed)


async def test_slow_process_cannot_finish_what_another_took_over(database: Database):
    """The one that lost its claim must leave no trace, however late it comes."""
    await create_effects(database)
    clock = FakeClock()
    async with make_world(database, clock) as slow, make_world(database, clock) as quick:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def effect(job: Job) -> None:
            entered.set()
            await go_on.wait()

        async def handler(job: Job, session: Any) -> None:
            await session.execute(text("UPDATE effects SET n = n + 100"))

        slow.jobs.register("ping", handler, effect=effect)
        quick.register()
        await slow.schedule()
        stuck = asyncio.create_task(slow.jobs.run_due())
        await entered.wait()

        clock.advance(31)
        await quick.jobs.run_due()
        go_on.set()
        await stuck

        assert await quick.effects() == 1
        assert (await slow.jobs.snapshot()).runs == {("ping", "lost"): 1}


async def test_slow_process_cannot_finish_while_its_successor_is_at_work(database: Database):
    await create_effects(database)
    clock = FakeClock()
    async with make_world(database, clock) as slow, make_world(database, clock) as quick:
        gates: dict[str, asyncio.Event] = {}

        def register(world: World, name: str, amount: int) -> None:
            gates[f"{name} entered"], gates[f"{name} goes on"] = asyncio.Event(), asyncio.Event()

            async def effect(job: Job) -> None:
                gates[f"{name} entered"].set()
                await gates[f"{name} goes on"].wait()

            async def handler(job: Job, session: Any) -> None:
                await session.execute(text(f"UPDATE effects SET n = n + {amount}"))

            world.jobs.register("ping", handler, effect=effect)

        register(slow, "slow", 100)
        register(quick, "quick", 1)
        await slow.schedule()
        first = asyncio.create_task(slow.jobs.run_due())
        await gates["slow entered"].wait()
        clock.advance(31)
        second = asyncio.create_task(quick.jobs.run_due())
        await gates["quick entered"].wait()

        gates["slow goes on"].set()
        await first
        gates["quick goes on"].set()
        await second

        assert await quick.effects() == 1


async def test_lease_is_extended_while_an_effect_lasts(database: Database):
    await create_effects(database)
    clock = FakeClock()
    async with make_world(database, clock, Limits(lease_seconds=0.3)) as world:
        go_on = asyncio.Event()

        async def effect(job: Job) -> None:
            await go_on.wait()

        world.jobs.register("ping", effect=effect)
        await world.schedule()
        running = asyncio.create_task(world.jobs.run_due())
        first = clock.now() + timedelta(seconds=0.3)
        clock.advance(0.2)
        async with asyncio.timeout(30):
            while (until := (await world.row()).lease_until) is None or until <= first:
                await asyncio.sleep(0.01)
        go_on.set()
        await running

        assert (await world.row()).state == "done"


async def test_jobs_of_other_shards_are_left_to_their_processes(database: Database):
    await create_effects(database)
    clock = FakeClock()
    guilds = {0: 4 << 22, 1: 5 << 22}
    async with (
        make_world(database, clock, shards=Shards(frozenset({0}), 2)) as even,
        make_world(database, clock, shards=Shards(frozenset({1}), 2)) as odd,
    ):
        even.register()
        odd.register()
        for shard, guild_id in guilds.items():
            await even.schedule(f"shard {shard}", guild_id=guild_id)
        await even.schedule("everybody's")

        await even.jobs.run_due()
        assert {job.dedupe_key for job in even.ran} == {"shard 0", "everybody's"}
        await odd.jobs.run_due()
        assert [job.dedupe_key for job in odd.ran] == ["shard 1"]


async def test_services_on_one_database_run_each_job_exactly_once(database: Database):
    """Each service stands for a process: only the database keeps them apart."""
    await create_effects(database)
    clock = FakeClock()
    async with (
        make_world(database, clock) as one,
        make_world(database, clock) as two,
        make_world(database, clock) as three,
    ):
        worlds = (one, two, three)
        async with database.write() as session:
            for number in range(40):
                await one.jobs.schedule(
                    session, "ping", clock.now(), {"n": number}, dedupe_key=f"job {number}"
                )
        for world in worlds:
            world.register()

        await asyncio.gather(*(world.jobs.run_due() for world in worlds))

        ran = sorted(job.payload["n"] for world in worlds for job in world.ran)
        assert ran == list(range(40))
        assert await one.effects() == 40
