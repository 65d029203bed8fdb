"""How an attempt ends: done, failed, put off, parked or cancelled."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from bot.core.backoff import Backoff
from bot.core.jobs import Job, JobFailed, JobParked, Park, Retry
from tests.bot.core.jobs.world import GUILD, World


async def test_failed_handler_leaves_nothing_and_is_tried_again_later(world: World):
    def fail_first(job: Job) -> None:
        if job.attempt == 1:
            raise RuntimeError("no luck")

    world.register(fails=fail_first, backoff=Backoff(first=timedelta(seconds=10), jitter=0))
    await world.schedule()

    await world.jobs.run_due()
    assert await world.effects() == 0
    row = await world.row()
    assert (row.state, row.last_error) == ("pending", "RuntimeError: no luck")
    assert row.due_at == world.clock.now() + timedelta(seconds=10)

    world.clock.advance(10)
    await world.jobs.run_due()
    assert await world.effects() == 1
    assert [job.attempt for job in world.ran] == [1, 2]


async def test_job_that_always_fails_ends_as_failed_with_an_event(world: World):
    def fail(job: Job) -> None:
        raise RuntimeError("never")

    world.register(fails=fail, max_attempts=3)
    await world.schedule(guild_id=GUILD)
    for _ in range(5):
        await world.jobs.run_due()
        world.clock.advance(3600)

    assert len(world.ran) == 3
    [event] = world.events
    assert isinstance(event, JobFailed)
    assert (event.job.dedupe_key, event.job.guild_id) == ("one", GUILD)
    assert (await world.row()).state == "failed"
    assert (await world.jobs.snapshot()).failed == 1


async def test_handler_that_cancels_itself_counts_as_a_failure(world: World):
    def fail(job: Job) -> None:
        raise asyncio.CancelledError

    world.register(fails=fail, max_attempts=2)
    await world.schedule()
    for _ in range(3):
        await world.jobs.run_due()
        world.clock.advance(3600)

    assert len(world.ran) == 2
    assert (await world.row()).state == "failed"


async def test_handler_past_its_timeout_is_rolled_back(world: World):
    async def hang(job: Job, session: Any) -> None:
        await session.execute(text("UPDATE effects SET n = n + 1"))
        await asyncio.Event().wait()

    world.jobs.register("ping", hang, timeout=timedelta(milliseconds=50))
    await world.schedule()

    await world.jobs.run_due()

    assert await world.effects() == 0
    assert (await world.row()).last_error == "TimeoutError: "


async def test_retry_does_not_count_as_an_attempt(world: World):
    def not_ready(job: Job) -> None:
        if len(world.ran) < 5:
            raise Retry(timedelta(seconds=30))

    world.register(fails=not_ready, max_attempts=2)
    await world.schedule()
    for _ in range(6):
        await world.jobs.run_due()
        world.clock.advance(30)

    assert [job.attempt for job in world.ran] == [1] * 5
    assert (await world.row()).state == "done"
    assert await world.effects() == 1


async def test_parked_job_waits_for_its_reason_to_be_put_right(world: World):
    allowed = False

    def need_permission(job: Job) -> None:
        if not allowed:
            raise Park("manage_roles")

    world.register(fails=need_permission)
    await world.schedule(guild_id=GUILD)
    await world.jobs.run_due()
    world.clock.advance(86400)
    await world.jobs.run_due()

    [event] = world.events
    assert isinstance(event, JobParked)
    assert event.reason == "manage_roles"
    assert len(world.ran) == 1
    assert await world.effects() == 0

    allowed = True
    assert await world.jobs.resume_parked(guild_id=GUILD, reason="send_messages") == 0
    assert await world.jobs.resume_parked(guild_id=GUILD, reason="manage_roles") == 1
    await world.jobs.run_due()
    assert await world.effects() == 1


async def test_effect_runs_outside_of_the_transaction(world: World):
    seen = []

    async def effect(job: Job) -> None:
        async with world.database.write() as session:
            await session.execute(text("UPDATE effects SET n = n + 10"))
        seen.append(job.dedupe_key)

    world.jobs.register("ping", effect=effect)
    await world.schedule()
    await world.jobs.run_due()

    assert seen == ["one"]
    assert (await world.row()).state == "done"


async def test_what_an_effect_returns_is_stored_with_the_end_of_the_job(world: World):
    async def store(session: Any) -> datetime | None:
        await session.execute(text("UPDATE effects SET n = n + 1"))
        return None if len(tries) == 3 else world.clock.now()

    async def effect(_job: Job) -> Any:
        tries.append(await world.effects())
        if len(tries) == 1:
            raise RuntimeError("no luck")
        return store

    tries: list[int] = []
    world.jobs.register("ping", effect=effect)
    await world.schedule()
    await world.jobs.run_due()
    world.clock.advance(10)
    await world.jobs.run_due()

    # The first failed, the second stored and asked to be run again, the third stored and ended.
    assert (tries, await world.effects()) == ([0, 0, 1], 2)
    assert (await world.row()).state == "done"


async def test_what_an_effect_returns_is_not_stored_for_a_job_that_was_cancelled(world: World):
    async def store(session: Any) -> None:
        await session.execute(text("UPDATE effects SET n = n + 1"))

    async def effect(_job: Job) -> Any:
        async with world.database.write() as session:
            await world.jobs.cancel(session, "one")
        return store

    world.jobs.register("ping", effect=effect)
    await world.schedule()
    await world.jobs.run_due()

    assert await world.effects() == 0
    assert (await world.row()).state == "cancelled"


async def test_job_cancelled_while_it_runs_leaves_nothing(world: World):
    async def effect(job: Job) -> None:
        async with world.database.write() as session:
            await world.jobs.cancel(session, "one")

    async def handler(job: Job, session: Any) -> None:
        await session.execute(text("UPDATE effects SET n = n + 1"))

    world.jobs.register("ping", handler, effect=effect)
    await world.schedule()
    await world.jobs.run_due()

    assert await world.effects() == 0
    assert (await world.row()).state == "cancelled"
    assert (await world.jobs.snapshot()).runs == {("ping", "lost"): 1}
