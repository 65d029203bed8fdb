"""When the loop looks for jobs, and how it stops."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from bot.core.clock import SystemClock
from bot.core.jobs import Job
from db.engine import Database
from db.notify import LocalNotifier, PostgresNotifier, make_notifier
from tests.bot.core.jobs.world import Limits, create_effects, make_world
from tests.fakes import FakeClock


async def test_loop_runs_a_job_as_soon_as_it_is_committed(database: Database):
    await create_effects(database)
    limits = Limits(poll_seconds=60)
    async with make_world(database, SystemClock(), limits) as world:
        done = asyncio.Event()

        async def handler(job: Job, session: Any) -> None:
            done.set()

        world.jobs.register("ping", handler)
        world.supervisor.start("jobs", world.jobs.run)
        await asyncio.sleep(0)
        await world.schedule()

        async with asyncio.timeout(30):
            await done.wait()


async def test_job_added_by_another_process_is_noticed_at_once(database: Database):
    await create_effects(database)
    notifier, clock = make_notifier(database), SystemClock()
    limits = Limits(poll_seconds=60)
    async with make_world(database, clock, limits, notifier=notifier) as world:
        if isinstance(notifier, PostgresNotifier):
            world.supervisor.start("notices", notifier.run)
            await notifier.wait_connected()
        done = asyncio.Event()

        async def handler(job: Job, session: Any) -> None:
            done.set()

        world.jobs.register("ping", handler)
        world.supervisor.start("jobs", world.jobs.run)
        await asyncio.sleep(0.05)
        # On SQLite there is one process, so the notice has to come from the same notifier.
        other = notifier if isinstance(notifier, LocalNotifier) else make_notifier(database)
        async with make_world(database, clock, limits, notifier=other) as elsewhere:
            await elsewhere.schedule()

        async with asyncio.timeout(30):
            await done.wait()


async def test_job_is_noticed_though_a_savepoint_with_another_was_rolled_back(database: Database):
    await create_effects(database)
    notifier, clock = make_notifier(database), SystemClock()
    limits = Limits(poll_seconds=60)
    async with make_world(database, clock, limits, notifier=notifier) as world:
        if isinstance(notifier, PostgresNotifier):
            world.supervisor.start("notices", notifier.run)
            await notifier.wait_connected()
        done = asyncio.Queue[str]()

        async def handler(job: Job, session: Any) -> None:
            done.put_nowait(job.dedupe_key)

        world.jobs.register("ping", handler)
        world.supervisor.start("jobs", world.jobs.run)
        await asyncio.sleep(0.05)
        other = notifier if isinstance(notifier, LocalNotifier) else make_notifier(database)
        async with (
            make_world(database, clock, limits, notifier=other) as elsewhere,
            database.write() as session,
        ):
            savepoint = await session.begin_nested()
            await elsewhere.jobs.schedule(session, "ping", clock.now(), dedupe_key="lost")
            await savepoint.rollback()
            for key in ("kept", "too"):
                await elsewhere.jobs.schedule(session, "ping", clock.now(), dedupe_key=key)

        async with asyncio.timeout(30):
            assert {await done.get(), await done.get()} == {"kept", "too"}


async def test_loop_sleeps_until_the_next_job_is_due(database: Database):
    await create_effects(database)
    async with make_world(database, SystemClock(), Limits(poll_seconds=60)) as world:
        done = asyncio.Event()

        async def handler(job: Job, session: Any) -> None:
            world.ran.append(job)
            done.set()

        world.jobs.register("ping", handler)
        world.supervisor.start("jobs", world.jobs.run)
        due_at = world.clock.now() + timedelta(seconds=0.3)
        await world.schedule(due_at=due_at)

        async with asyncio.timeout(30):
            await done.wait()
        assert world.clock.now() >= due_at


async def test_stop_lets_running_jobs_finish_and_releases_the_rest(database: Database):
    await create_effects(database)
    clock = FakeClock()
    async with make_world(database, clock, Limits(concurrency=2)) as world:
        started: list[str] = []
        hang, both = asyncio.Event(), asyncio.Event()

        async def effect(job: Job) -> None:
            started.append(job.dedupe_key)
            if len(started) == 2:
                both.set()
            await (both if job.dedupe_key == "quick" else hang).wait()

        world.jobs.register("ping", effect=effect)
        await world.schedule("quick")
        await world.schedule("slow")
        await world.schedule("waiting", due_at=clock.now() + timedelta(microseconds=0))
        world.supervisor.start("jobs", world.jobs.run)
        async with asyncio.timeout(30):
            await both.wait()
            await world.jobs.stop(0.5)

        states = {key: await world.row(key) for key in ("quick", "slow", "waiting")}
        assert states["quick"].state == "done"
        assert (states["slow"].state, states["slow"].attempts) == ("pending", 0)
        assert (states["waiting"].state, states["waiting"].lease_owner) == ("pending", None)
