from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.core.backoff import Backoff
from bot.core.clock import SystemClock
from bot.core.errors import InvalidInput
from bot.core.events import EventBus
from bot.core.jobs import Job, JobFailed, JobParked, JobService, Park, Retry
from bot.core.supervisor import TaskSupervisor
from db import jobs as table
from db.engine import Database
from db.leases import Shards
from db.notify import LocalNotifier, PostgresNotifier, make_notifier
from tests.fakes import FakeClock

GUILD = 1 << 40
SOON = timedelta(minutes=10)


@dataclass(frozen=True)
class Limits:
    poll_seconds: float = 0.05
    lease_seconds: float = 30.0
    concurrency: int = 4


class World:
    """A job service with its surroundings, and a note of every job that ran."""

    def __init__(self, database: Database, clock: Any, limits: Limits, **options: Any):
        self.database = database
        self.clock = clock
        self.bus = EventBus()
        self.supervisor = TaskSupervisor()
        self.events: list[Any] = []
        self.ran: list[Job] = []
        for kind in (JobParked, JobFailed):
            self.bus.subscribe(kind, self._note)
        self.jobs = JobService(database, clock, limits, self.supervisor, bus=self.bus, **options)

    async def _note(self, event: Any) -> None:
        self.events.append(event)

    def register(self, kind: str = "ping", fails: Callable[[Job], None] | None = None, **options):
        async def handler(job: Job, session: Any) -> None:
            self.ran.append(job)
            await session.execute(text("UPDATE effects SET n = n + 1"))
            if fails is not None:
                fails(job)

        self.jobs.register(kind, handler, **options)

    async def schedule(self, key: str = "one", kind: str = "ping", **options: Any) -> bool:
        due_at = options.pop("due_at", self.clock.now())
        async with self.database.write() as session:
            return await self.jobs.schedule(session, kind, due_at, dedupe_key=key, **options)

    async def row(self, key: str = "one") -> table.Job:
        async with self.database.read() as session:
            row = await table.get_job(session, key)
        assert row is not None
        return row

    async def effects(self) -> int:
        async with self.database.read() as session:
            return (await session.execute(text("SELECT n FROM effects"))).scalar_one()


@asynccontextmanager
async def make_world(
    database: Database, clock: Any, limits: Limits = Limits(), **options: Any
) -> AsyncIterator[World]:
    world = World(database, clock, limits, **options)
    try:
        yield world
    finally:
        await world.jobs.stop(0.0)
        await world.supervisor.stop(0.5)


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    await create_effects(database)
    async with make_world(database, clock) as world:
        yield world


async def create_effects(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE effects (n INTEGER NOT NULL)"))
        await session.execute(text("INSERT INTO effects VALUES (0)"))


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
        async with asyncio.timeout(5):
            while (until := (await world.row()).lease_until) is None or until <= first:
                await asyncio.sleep(0.01)
        go_on.set()
        await running

        assert (await world.row()).state == "done"


async def test_only_registered_kinds_are_claimed(world: World):
    world.register("known")
    await world.schedule("a", "known")
    await world.schedule("b", "from a newer version")

    await world.jobs.run_due()

    assert [job.kind for job in world.ran] == ["known"]
    assert (await world.row("b")).state == "pending"


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


async def test_snapshot_counts_what_waits_and_how_late_it_is(world: World):
    await world.schedule("late", due_at=world.clock.now() - timedelta(seconds=90))
    await world.schedule("later", due_at=world.clock.now() + SOON)

    snapshot = await world.jobs.snapshot()

    assert (snapshot.pending, snapshot.running, snapshot.oldest_overdue) == (2, 0, 90.0)


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

        async with asyncio.timeout(5):
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

        async with asyncio.timeout(5):
            await done.wait()


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

        async with asyncio.timeout(5):
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
        async with asyncio.timeout(5):
            await both.wait()
            await world.jobs.stop(0.5)

        states = {key: await world.row(key) for key in ("quick", "slow", "waiting")}
        assert states["quick"].state == "done"
        assert (states["slow"].state, states["slow"].attempts) == ("pending", 0)
        assert (states["waiting"].state, states["waiting"].lease_owner) == ("pending", None)


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
