"""Jobs that have to run with what a transaction stores: one run after the other, never two."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.core.jobs import Job, Park, Retry
from db import jobs as table
from tests.bot.core.jobs.world import World


class Gated:
    """A kind of job whose effect waits until it is let go on, and may then fail."""

    def __init__(self, world: World, max_attempts: int = 2) -> None:
        self.entered, self.go_on, self.runs = asyncio.Event(), asyncio.Event(), 0
        self.fails: BaseException | None = None
        world.jobs.register("ping", self.handler, effect=self.effect, max_attempts=max_attempts)

    async def effect(self, job: Job) -> None:
        self.entered.set()
        await self.go_on.wait()
        if (error := self.fails) is not None:
            self.fails = None
            raise error

    async def handler(self, job: Job, session: Any) -> None:
        self.runs += 1
        await session.execute(text("UPDATE effects SET n = n + 1"))


async def ensure(world: World, after: float = 0) -> None:
    due_at = world.clock.now() + timedelta(seconds=after)
    async with world.database.write() as session:
        await world.jobs.ensure(session, "ping", due_at, {"of": 1}, dedupe_key="one")


async def claim(world: World) -> int:
    """Claim what is due as another process does; return how many jobs that are."""
    lease = timedelta(seconds=30)
    async with world.database.write() as session:
        return len(
            await table.claim_due_jobs(
                session, now=world.clock.now(), owner="other", lease=lease, limit=9
            )
        )


async def test_one_that_runs_is_run_again_after_and_not_beside(world: World):
    gated = Gated(world)
    await ensure(world)
    running = asyncio.create_task(world.jobs.run_due())
    await gated.entered.wait()
    for _ in range(3):
        await ensure(world)
    assert await claim(world) == 0
    gated.go_on.set()
    await running

    # What it made of what was before is rolled back.
    assert (gated.runs, await world.effects()) == (2, 1)
    row = await world.row()
    assert (row.state, row.again_at, row.attempts) == ("done", None, 1)
    assert (await world.jobs.snapshot()).runs == {("ping", "again"): 1, ("ping", "done"): 1}


@pytest.mark.parametrize("error", [Retry(timedelta(hours=1)), Park("word"), RuntimeError("no")])
async def test_one_that_fails_while_it_is_wanted_again_is_run_at_once(
    world: World, error: BaseException
):
    gated = Gated(world)
    gated.fails = error
    await ensure(world)
    task = asyncio.create_task(world.jobs.run_due())
    await gated.entered.wait()
    await ensure(world)
    gated.go_on.set()
    await task

    assert (await world.row()).state == "done"
    assert (gated.runs, await world.effects()) == (1, 1)
    assert world.events == []


async def test_the_last_attempt_is_not_the_last_when_it_is_wanted_again(world: World):
    gated = Gated(world, max_attempts=1)
    gated.fails = RuntimeError("no")
    await ensure(world)
    running = asyncio.create_task(world.jobs.run_due())
    await gated.entered.wait()
    await ensure(world)
    gated.go_on.set()
    await running

    assert (await world.row()).state == "done"
    assert world.events == []


async def test_it_waits_for_its_time_and_takes_the_earliest(world: World):
    gated = Gated(world)
    await ensure(world)
    task = asyncio.create_task(world.jobs.run_due())
    await gated.entered.wait()
    for after in (60, 30, 90):
        await ensure(world, after)
    gated.go_on.set()
    await task

    row = await world.row()
    assert (row.state, row.due_at) == ("pending", world.clock.now() + timedelta(seconds=30))
    world.clock.advance(31)
    await world.jobs.run_due()
    assert await world.effects() == 1


async def test_one_whose_process_died_runs_with_what_was_stored_once_its_lease_is_over(
    world: World,
):
    world.register()
    await ensure(world)
    assert await claim(world) == 1
    await ensure(world)
    world.clock.advance(31)
    await world.jobs.run_due()

    row = await world.row()
    assert (row.state, row.again_at) == ("done", None)
    assert await world.effects() == 1


@pytest.mark.parametrize("end", ["replaced", "cancelled"])
async def test_who_lost_their_claim_does_not_bring_it_back(world: World, end: str):
    gated = Gated(world)
    await ensure(world)
    task = asyncio.create_task(world.jobs.run_due())
    await gated.entered.wait()
    await ensure(world)
    if end == "replaced":
        await world.schedule(due_at=world.clock.now() + timedelta(hours=1))
    else:
        async with world.database.write() as session:
            await world.jobs.cancel(session, "one")
    gated.go_on.set()
    await task

    row = await world.row()
    assert row.state == ("pending" if end == "replaced" else "cancelled")
    assert row.due_at > world.clock.now() or end == "cancelled"
    assert await world.effects() == 0
    assert (await world.jobs.snapshot()).runs == {("ping", "lost"): 1}
