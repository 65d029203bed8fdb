"""What is scheduled runs once when it is due, and what is not does not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.core.errors import InvalidInput
from tests.bot.core.jobs.world import GUILD, SOON, World


async def test_job_runs_once_when_due(world: World):
    world.register()
    await world.schedule(due_at=world.clock.now() + SOON, payload={"id": 7}, guild_id=GUILD)

    await world.jobs.run_due()
    assert world.ran == []
    world.clock.advance(SOON)
    await world.jobs.run_due()
    await world.jobs.run_due()

    [job] = world.ran
    assert (job.payload, job.guild_id, job.attempt) == ({"id": 7}, GUILD, 1)
    assert (await world.row()).state == "done"
    assert await world.effects() == 1


async def test_schedule_rolls_back_with_its_transaction(world: World):
    world.register()

    async def change_mind() -> None:
        async with world.database.write() as session:
            await world.jobs.schedule(session, "ping", world.clock.now(), dedupe_key="one")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_mind()

    await world.jobs.run_due()

    assert world.ran == []


async def test_schedule_again_moves_the_job(world: World):
    world.register()
    await world.schedule(due_at=world.clock.now() + SOON, payload={"n": 1})

    assert await world.schedule(due_at=world.clock.now(), payload={"n": 2})
    await world.jobs.run_due()

    assert [job.payload for job in world.ran] == [{"n": 2}]


async def test_schedule_without_replace_keeps_the_first(world: World):
    world.register()
    await world.schedule(payload={"n": 1})

    assert not await world.schedule(payload={"n": 2}, replace=False)
    await world.jobs.run_due()
    assert not await world.schedule(payload={"n": 3}, replace=False)
    await world.jobs.run_due()

    assert [job.payload for job in world.ran] == [{"n": 1}]


async def test_schedule_refuses_a_naive_instant(world: World):
    with pytest.raises(Exception, match="naive"):
        await world.schedule(due_at=datetime(2026, 6, 1))  # noqa: DTZ001 - what is refused


async def test_schedule_refuses_a_rule_that_is_none(world: World):
    with pytest.raises(InvalidInput):
        await world.schedule(recurrence="every monday")


async def test_cancelled_job_does_not_run(world: World):
    world.register()
    await world.schedule()
    async with world.database.write() as session:
        assert await world.jobs.cancel(session, "one")
        assert not await world.jobs.cancel(session, "another")

    await world.jobs.run_due()

    assert world.ran == []


async def test_only_registered_kinds_are_claimed(world: World):
    world.register("known")
    await world.schedule("a", "known")
    await world.schedule("b", "from a newer version")

    await world.jobs.run_due()

    assert [job.kind for job in world.ran] == ["known"]
    assert (await world.row("b")).state == "pending"


async def test_snapshot_counts_what_waits_and_how_late_it_is(world: World):
    await world.schedule("late", due_at=world.clock.now() - timedelta(seconds=90))
    await world.schedule("later", due_at=world.clock.now() + SOON)

    snapshot = await world.jobs.snapshot()

    assert (snapshot.pending, snapshot.running, snapshot.oldest_overdue) == (2, 0, 90.0)
