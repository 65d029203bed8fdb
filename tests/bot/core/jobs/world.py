"""A job service with its surroundings, for the tests of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from bot.core.events import EventBus
from bot.core.jobs import Job, JobFailed, JobParked, JobService
from bot.core.supervisor import TaskSupervisor
from db import jobs as table
from db.engine import Database

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


async def create_effects(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE effects (n INTEGER NOT NULL)"))
        await session.execute(text("INSERT INTO effects VALUES (0)"))
