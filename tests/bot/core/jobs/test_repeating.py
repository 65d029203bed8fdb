"""Jobs that run again: by a rule, or because their handler asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.jobs import Job, JobFailed
from db.engine import Database
from tests.bot.core.jobs.world import SOON, World, create_effects, make_world
from tests.fakes import FakeClock


async def test_recurring_job_keeps_its_wall_time_across_a_clock_change(
    database: Database,
):
    await create_effects(database)
    clock = FakeClock(datetime(2026, 3, 20, 12, tzinfo=UTC))
    async with make_world(database, clock) as world:
        world.register()
        await world.schedule(due_at=None, recurrence="0 9 * * MON", timezone="Europe/Berlin")
        for _ in range(2):
            row = await world.row()
            clock.advance(row.due_at - clock.now())
            await world.jobs.run_due()

        assert [job.due_at.isoformat() for job in world.ran] == [
            "2026-03-23T08:00:00+00:00",
            "2026-03-30T07:00:00+00:00",
        ]
        assert (await world.row()).due_at == datetime(2026, 4, 6, 7, tzinfo=UTC)


async def test_missed_occurrences_run_once(world: World):
    world.register()
    await world.schedule(due_at=None, recurrence="0 * * * *")

    world.clock.advance(timedelta(hours=50, minutes=1))
    await world.jobs.run_due()

    assert len(world.ran) == 1
    assert (await world.row()).due_at > world.clock.now()


async def test_failed_occurrence_does_not_end_the_series(world: World):
    def fail_first(job: Job) -> None:
        if len(world.ran) == 1:
            raise RuntimeError("bad hour")

    world.register(fails=fail_first, max_attempts=1)
    await world.schedule(due_at=None, recurrence="0 * * * *")
    for _ in range(2):
        world.clock.advance(timedelta(hours=1))
        await world.jobs.run_due()

    assert isinstance(world.events[0], JobFailed)
    assert [job.attempt for job in world.ran] == [1, 1]
    assert await world.effects() == 1


async def test_handler_can_ask_to_run_again(world: World):
    async def handler(job: Job, session: Any) -> datetime | None:
        world.ran.append(job)
        return world.clock.now() + SOON if len(world.ran) < 3 else None

    world.jobs.register("ping", handler)
    await world.schedule()
    for _ in range(4):
        await world.jobs.run_due()
        world.clock.advance(SOON)

    assert len(world.ran) == 3
    assert (await world.row()).state == "done"
