"""Whatever happens to jobs in whatever order: none is lost, none has its effect twice."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.core.jobs import Job, JobService, Park, Retry
from bot.core.supervisor import TaskSupervisor
from db import jobs as table
from db.engine import Database
from tests.fakes import FakeClock

KEYS = ("a", "b", "c")
keys = st.sampled_from(KEYS)
actions = st.one_of(
    st.tuples(st.just("schedule"), keys, st.booleans(), st.integers(0, 90)),
    st.tuples(st.just("cancel"), keys),
    st.tuples(st.just("run"), st.sampled_from(["work", "fail", "park", "retry", "fail late"])),
    st.tuples(st.just("crash"), st.integers(1, 3)),
    st.tuples(st.just("advance"), st.integers(1, 200)),
    st.tuples(st.just("resume")),
)


@dataclass
class Limits:
    poll_seconds: float = 1.0
    lease_seconds: float = 60.0
    concurrency: int = 2


@dataclass
class Play:
    """Plays actions against a real service and keeps a model of what must come of them."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    mood: str = "work"
    generation: int = 0
    wanted: dict[str, int] = field(default_factory=dict)

    async def play(self, script: list[tuple[Any, ...]]) -> None:
        self.jobs = JobService(self.database, self.clock, Limits(), TaskSupervisor())
        self.jobs.register("job", self.handle, max_attempts=10_000)
        async with self.database.write() as session:
            await session.execute(text("CREATE TABLE effects (key TEXT, generation INTEGER)"))
        for name, *arguments in script:
            await getattr(self, name)(*arguments)
            await self.check(finished=False)
        for _ in range(3):
            await self.advance(7200)
            await self.resume()
            await self.run("work")
        await self.check(finished=True)

    async def handle(self, job: Job, session: Any) -> None:
        values = {"key": job.dedupe_key, "generation": job.payload["generation"]}
        if self.mood in ("work", "fail late"):
            await session.execute(text("INSERT INTO effects VALUES (:key, :generation)"), values)
        match self.mood:
            case "park":
                raise Park("permission")
            case "retry":
                raise Retry(timedelta(seconds=20))
            case "fail" | "fail late":
                raise RuntimeError("no luck")

    async def schedule(self, key: str, replace: bool, seconds: int) -> None:
        self.generation += 1
        due_at = self.clock.now() + timedelta(seconds=seconds)
        payload = {"generation": self.generation}
        async with self.database.write() as session:
            if await self.jobs.schedule(
                session, "job", due_at, payload, dedupe_key=key, replace=replace
            ):
                self.wanted[key] = self.generation

    async def cancel(self, key: str) -> None:
        async with self.database.write() as session:
            if await self.jobs.cancel(session, key):
                self.wanted.pop(key)

    async def run(self, mood: str) -> None:
        self.mood = mood
        await self.jobs.run_due()

    async def crash(self, limit: int) -> None:
        lease, now = timedelta(seconds=60), self.clock.now()
        async with self.database.write() as session:
            await table.claim_due_jobs(session, now=now, owner="dead", lease=lease, limit=limit)

    async def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    async def resume(self) -> None:
        await self.jobs.resume_parked()

    async def check(self, *, finished: bool) -> None:
        async with self.database.read() as session:
            rows = await session.execute(text("SELECT key, generation FROM effects"))
            effects = Counter((key, generation) for key, generation in rows)
        assert not effects or max(effects.values()) == 1
        if finished:
            assert set(self.wanted.items()) <= set(effects)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(actions, max_size=20))
def test_no_job_is_lost_and_no_effect_is_repeated(
    sqlite_template: Path, script: list[tuple[Any, ...]]
):
    async def run(path: str) -> None:
        database = Database(f"sqlite:///{path}")
        try:
            await Play(database).play(script)
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(shutil.copy(sqlite_template, folder)))
