"""A process killed at any step of a job and its message loses nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from bot.core.clock import SystemClock
from bot.core.jobs import Job, JobService
from bot.core.outbox import Delivery, OutboxService
from bot.core.supervisor import TaskSupervisor
from db import jobs as job_table
from db import outbox as outbox_table
from db.engine import Database
from tests.kill.harness import STEPS, Step, run_victim, survive
from tests.kill.victim import Limits
from tests.loopback_discord import LoopbackDiscord, serve_discord

CHANNEL = 100
SCENARIO = "tests.kill.test_kill_job:register"
EFFECT = {"effect made": Step("executed", "UPDATE effects")}


def register(jobs: JobService, outbox: OutboxService) -> None:
    """The job under test changes a row and announces it."""

    async def announce(job: Job, session: Any) -> None:
        await session.execute(text("UPDATE effects SET n = n + 1"))
        message = {"content": f"It happened: {job.payload['what']}"}
        await outbox.send(session, Delivery.message(CHANNEL, message, dedupe_key="announcement"))

    jobs.register("announce", announce)


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with serve_discord() as server:
        yield server


@pytest.fixture
async def scheduled(database: Database) -> Database:
    clock = SystemClock()
    jobs = JobService(database, clock, Limits(), TaskSupervisor())
    async with database.write() as session:
        await session.execute(text("CREATE TABLE effects (n INTEGER NOT NULL)"))
        await session.execute(text("INSERT INTO effects VALUES (0)"))
        await jobs.schedule(
            session, "announce", clock.now(), {"what": "a draw"}, dedupe_key="draw:1"
        )
    return database


@pytest.mark.parametrize("step", {**STEPS, **EFFECT}.values(), ids={**STEPS, **EFFECT}.keys())
async def test_kill_at_each_step_loses_and_repeats_nothing(
    scheduled: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, SCENARIO, step)

    await assert_happened_once(scheduled, server)


@pytest.mark.parametrize("name", ["sent", "message id not committed"])
async def test_kill_after_sending_is_not_repeated_once_the_nonce_is_forgotten(
    scheduled: Database, database_url: str, server: LoopbackDiscord, name: str
):
    status, _ = await run_victim(database_url, server.url, SCENARIO, STEPS[name])
    assert status != 0
    server.forget_nonces()
    status, output = await run_victim(database_url, server.url, SCENARIO, later=3600.0)
    assert status == 0, output

    await assert_happened_once(scheduled, server)


async def test_kill_at_one_step_after_another_loses_and_repeats_nothing(
    scheduled: Database, database_url: str, server: LoopbackDiscord
):
    names = ("job claimed", "job marked done", "delivery claimed", "sent")
    for times, name in enumerate(names):
        status, output = await run_victim(
            database_url, server.url, SCENARIO, STEPS[name], later=100.0 * times
        )
        assert status is not None, output
        assert status < 0, output
    status, output = await run_victim(database_url, server.url, SCENARIO, later=450.0)
    assert status == 0, output

    await assert_happened_once(scheduled, server)


async def assert_happened_once(database: Database, server: LoopbackDiscord) -> None:
    async with database.read() as session:
        effects = (await session.execute(text("SELECT n FROM effects"))).scalar_one()
        job = await job_table.get_job(session, "draw:1")
        message = await outbox_table.get_message(session, "announcement")
    assert effects == 1
    assert server.said() == ["It happened: a draw"]
    assert job is not None
    assert job.state == "done"
    assert message is not None
    assert (message.state, str(message.message_id)) == ("sent", server.messages[0]["id"])
