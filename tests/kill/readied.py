"""What every victim would do first, done once before they are forked; imported last of all.

A job and its delivery are carried out to the end: what is then imported, compiled and remembered
would take each victim longer than what it is killed at.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from typing import Any

import aiosqlite  # noqa: F401 - else each victim imports its driver
import asyncpg  # noqa: F401
from sqlalchemy.orm import configure_mappers

from bot.core.clock import SystemClock
from bot.core.jobs import Job, JobService
from bot.core.outbox import Delivery, OutboxService
from bot.core.supervisor import TaskSupervisor
from db.base import Base
from db.engine import Database
from tests.engines import share_statements
from tests.kill.victim import Limits, Step, run
from tests.loopback_discord import serve_discord

_KIND = "rehearse"


def register(jobs: JobService, outbox: OutboxService) -> None:
    """A job that says something."""

    async def say(job: Job, session: Any) -> None:
        await outbox.send(session, Delivery.message(1, {"content": "Hello"}, dedupe_key="hello"))

    jobs.register(_KIND, say)


async def rehearse(url: str) -> None:
    """Have a job of a new database done as victims do."""
    database, clock = Database(url), SystemClock()
    async with database.engine.begin() as connection:
        tables = [Base.metadata.tables[name] for name in ("jobs", "outbox")]
        await connection.run_sync(Base.metadata.create_all, tables=tables)
    jobs = JobService(database, clock, Limits(), TaskSupervisor())
    async with database.write() as session:
        await jobs.schedule(session, _KIND, clock.now(), dedupe_key="hello")
    await database.close()
    async with serve_discord() as server:
        await run(url, server.url, f"{__name__}:register", Step(""), 0.0)


configure_mappers()
share_statements()
with tempfile.TemporaryDirectory() as folder:
    # The loop takes its threads with it: a process that has any must not be forked.
    asyncio.run(rehearse(f"sqlite:///{folder}/rehearsal.db"))
# The collector of a victim leaves alone what it shares with all others.
gc.collect()
gc.freeze()
