"""A process that runs jobs and outbox for real and kills itself with SIGKILL at a given moment.

Run by `tests.kill.harness`. The moments are found from outside the product: SQLAlchemy's events
tell what a connection does, a wrapper around the courier what goes to Discord.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import discord
from babel import Locale
from sqlalchemy import event

from bot.core.clock import SystemClock
from bot.core.i18n import LANGUAGES, load_catalogues
from bot.core.jobs import JobService
from bot.core.outbox import Courier, Entry, OutboxService
from bot.core.supervisor import TaskSupervisor
from bot.delivery import DiscordCourier
from db.engine import Database
from tests.loopback_discord import log_in
from tests.tracebacks import log_tracebacks_plainly

GIVE_UP_SECONDS = 30.0

log_tracebacks_plainly()

# Read once, before the processes are forked: each would take a sixth of a second for it.
load_catalogues()
NUMBER_FORMATS = [Locale.parse(language).decimal_formats for language in LANGUAGES]


@dataclass(frozen=True)
class Step:
    """A moment to die.

    At the statement that the pattern finds for the `nth` time (`executed`, `committing`,
    `committed`), at the courier with what it finds (`sending`, `sent`), or at a moment of the
    scenario's own.
    """

    moment: str
    pattern: str = ""
    nth: int = 1


@dataclass(frozen=True)
class Scene:
    """What a scenario finds in its process; `is_first` in the one that is to die."""

    database: Database
    clock: SystemClock
    supervisor: TaskSupervisor
    jobs: JobService
    outbox: OutboxService
    client: discord.Client
    step: Step
    is_first: bool


class LaterClock(SystemClock):
    """The machine's clock, put forward."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


@dataclass(frozen=True)
class Limits:
    poll_seconds: float = 0.1
    lease_seconds: float = 60.0
    concurrency: int = 4


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Watch:
    """Kills the process when a statement that matches is executed, is committed, or has been."""

    def __init__(self, database: Database, step: Step) -> None:
        self._moment, self._left = step.moment, step.nth
        self._pattern = re.compile(step.pattern, re.DOTALL)
        engine = database.engine.sync_engine
        event.listen(engine, "after_cursor_execute", self._executed)
        event.listen(engine, "commit", self._committing)
        event.listen(engine, "checkin", self._returned)

    def _executed(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if self._pattern.search(statement):
            self._left -= 1
            # From then on: what is rolled back was not the moment yet.
            if self._left > 0:
                return
            connection.info["seen"] = True
            self._die_if("executed")

    def _committing(self, connection: Any) -> None:
        if connection.info.get("seen"):
            self._die_if("committing")

    def _returned(self, dbapi_connection: Any, record: Any) -> None:
        if record.info.pop("seen", False):
            self._die_if("committed")

    def _die_if(self, moment: str) -> None:
        if moment == self._moment:
            die()


class DoomedCourier:
    """Hands on to the real courier and dies before or after it."""

    def __init__(self, courier: Courier, step: Step) -> None:
        self._courier = courier
        self._step = step

    async def deliver(self, entry: Entry) -> int | None:
        self._die_if("sending", entry)
        message_id = await self._courier.deliver(entry)
        self._die_if("sent", entry)
        return message_id

    def _die_if(self, moment: str, entry: Entry) -> None:
        if moment == self._step.moment and re.search(self._step.pattern, str(entry.payload)):
            die()

    async def find_sent(self, entry: Entry, since: datetime) -> Sequence[int]:
        return await self._courier.find_sent(entry, since)


async def has_work(jobs: JobService, outbox: OutboxService) -> bool:
    left = [await jobs.snapshot(), await outbox.snapshot()]
    return any(one.pending + one.running for one in left)


async def run_for_ever(run_due: Callable[[], Awaitable[object]]) -> None:
    while True:
        await run_due()
        await asyncio.sleep(0.02)


async def run(database_url: str, discord_url: str, scenario: str, step: Step, later: float) -> None:
    database = Database(database_url)
    clock, supervisor = LaterClock(timedelta(seconds=later)), TaskSupervisor()
    jobs = JobService(database, clock, Limits(), supervisor)
    outbox = OutboxService(database, clock, supervisor)
    module, _, name = scenario.partition(":")
    act = getattr(importlib.import_module(module), name)(jobs, outbox)
    async with log_in(discord_url) as client, asyncio.timeout(GIVE_UP_SECONDS):
        outbox.use(DoomedCourier(DiscordCourier(client, clock), step))
        if step.pattern:
            Watch(database, step)
        first = bool(step.moment)
        scene = Scene(database, clock, supervisor, jobs, outbox, client, step, first)
        acting = asyncio.ensure_future(act(scene) if act else asyncio.sleep(0))
        # Beside each other, as in the bot: a job may wait for what it has put into the outbox.
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(run_for_ever(one.run_due)) for one in (jobs, outbox)]
            while not acting.done() or await has_work(jobs, outbox):
                await asyncio.sleep(0.02)
            for worker in workers:
                worker.cancel()
        await acting
    await supervisor.stop()
    await database.close()


def main(
    database_url: str, discord_url: str, scenario: str, step: Step, later: float, output: Path
) -> None:
    """Live, and perhaps die; what is printed goes to the file."""
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    asyncio.run(run(database_url, discord_url, scenario, step, later))
