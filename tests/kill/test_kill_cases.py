"""A process killed at any step of a ban, or of its lift, loses nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.cases import (
    CaseKind,
    CaseService,
    CaseState,
    DefaultPolicy,
    Enforcer,
    Order,
    Target,
)
from bot.core.clock import SystemClock
from bot.core.contracts import Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from bot.enforcement import DiscordEnforcer
from cogs import general
from db import cases as table
from db import jobs as job_table
from db import sanctions as sanction_table
from db.engine import Database
from tests.kill.harness import JOB_CLAIM, JOB_DONE, STEPS, Step, run_victim, survive
from tests.kill.victim import Limits, Scene, die
from tests.loopback_discord import LoopbackDiscord, log_in, serve_discord

GUILD, LOG, ANN = 1 << 40, 500, 1001
CASE_OPENED, CASE_SETTLED = "INSERT INTO cases", r"UPDATE cases SET.* state="
LIFT_NOTED = r"UPDATE sanctions SET.* state="
BAN_STEPS = {
    "order written": Step("committed", CASE_OPENED),
    "farewell claimed": STEPS["delivery claimed"],
    "about to write": STEPS["about to send"],
    "farewell written": STEPS["sent"],
    "farewell not noted": STEPS["message id not committed"],
    "farewell noted": STEPS["message id stored"],
    "about to ban": Step("calling"),
    "banned": Step("called"),
    "ban not settled": Step("committing", CASE_SETTLED),
    "ban settled": Step("committed", CASE_SETTLED),
}
LIFT_STEPS = {
    "lift not claimed": Step("committing", JOB_CLAIM),
    "lift claimed": Step("committed", JOB_CLAIM),
    "lift not noted": Step("committing", LIFT_NOTED),
    "lift noted": Step("committed", LIFT_NOTED),
    "about to unban": Step("calling"),
    "unbanned": Step("called"),
    "end not settled": Step("committing", CASE_SETTLED),
    "end settled": Step("committed", CASE_SETTLED),
    "job marked done": Step("committing", JOB_DONE),
    "job done": Step("committed", JOB_DONE),
}


class DoomedEnforcer:
    """Hands on to the real enforcer and dies before or after it."""

    def __init__(self, enforcer: Enforcer, moment: str) -> None:
        self._enforcer = enforcer
        self._moment = moment

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._enforcer, name)

        async def doomed(*arguments: Any, **named: Any) -> Any:
            if self._moment == "calling":
                die()
            answer = await call(*arguments, **named)
            if self._moment == "called":
                die()
            return answer

        return doomed


async def start_cases(scene: Scene) -> CaseService:
    """Build the service as the bot does, around what the process has."""
    bus, registry = EventBus(), FeatureRegistry([general.FEATURE])
    audit = AuditLog(scene.clock, bus, scene.supervisor)
    database, clock = scene.database, scene.clock
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
    problems = ProblemService(database, clock, bus, registry, settings, state=NullState)
    cases = CaseService(
        database,
        clock,
        settings,
        bus=bus,
        jobs=scene.jobs,
        outbox=scene.outbox,
        problems=problems,
        supervisor=scene.supervisor,
        state=NullState,
    )
    cases.use_policy(Policy())
    cases.use(DoomedEnforcer(DiscordEnforcer(scene.client), scene.step.moment))  # pyright: ignore[reportArgumentType]
    await cases.start()
    return cases


class Policy(DefaultPolicy):
    """Cases are logged in one channel."""

    async def log_channel_id(self, guild_id: int) -> int | None:
        return LOG


def make_order(duration: timedelta | None = None, *, notify: bool = True) -> Order:
    return Order(
        guild_id=GUILD,
        kind=CaseKind.BAN,
        target=Target(ANN, "ann"),
        moderator=Actor(9, "command", "mod"),
        source="command",
        dedupe_key="interaction:1",
        reason="spam",
        duration=duration,
        notify=notify,
    )


def ban(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A moderator bans somebody; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        cases = await start_cases(scene)
        if scene.is_first:
            await cases.order(make_order())

    return act


def lift(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Nobody does anything: the ban's time is over."""
    return start_cases


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with serve_discord() as server:
        yield server


@pytest.mark.parametrize("step", BAN_STEPS.values(), ids=BAN_STEPS.keys())
async def test_kill_at_each_step_of_a_ban(
    database: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, "tests.kill.test_kill_cases:ban", step)

    assert (server.bans, server.bans_made, server.bans_lifted) == ({ANN}, 1, 0)
    async with database.read() as session:
        [case] = await table.list_cases(session, GUILD)
        sanction = await sanction_table.get_sanction(session, GUILD, ANN, "ban")
    assert (case.number, case.state) == (1, CaseState.APPLIED)
    assert sanction is not None
    assert (sanction.case_id, sanction.state, sanction.ends_at) == (case.id, "holding", None)
    farewells = [one for one in server.messages if one["channel_id"] != str(LOG)]
    # It is not sent late: by then the member is gone.
    assert len(farewells) <= 1
    assert len(server.messages) - len(farewells) == 1


async def test_kill_before_the_order_is_written_leaves_nothing(
    database: Database, database_url: str, server: LoopbackDiscord
):
    step = Step("committing", CASE_OPENED)
    await survive(database_url, server.url, "tests.kill.test_kill_cases:ban", step)

    assert (server.bans, server.messages) == (set(), [])
    async with database.read() as session:
        assert await table.list_cases(session, GUILD) == []
        assert await sanction_table.list_sanctions(session, GUILD) == []


@pytest.fixture
async def banned(database: Database, server: LoopbackDiscord) -> Database:
    """A database with a ban of 100 seconds that was made and logged."""
    clock, supervisor = SystemClock(), TaskSupervisor()
    jobs = JobService(database, clock, Limits(), supervisor)
    outbox = OutboxService(database, clock, supervisor)
    async with log_in(server.url) as client:
        scene = Scene(database, clock, supervisor, jobs, outbox, client, Step(""), is_first=True)
        cases = await start_cases(scene)
        await cases.order(make_order(timedelta(seconds=100), notify=False))
    await supervisor.stop()
    return database


@pytest.mark.parametrize("step", LIFT_STEPS.values(), ids=LIFT_STEPS.keys())
async def test_kill_at_each_step_of_a_lift(
    banned: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    scenario = "tests.kill.test_kill_cases:lift"
    status, output = await run_victim(database_url, server.url, scenario, step, later=150.0)
    assert status is not None, output
    assert status < 0, output
    status, output = await run_victim(database_url, server.url, scenario, later=400.0)
    assert status == 0, output

    await assert_lifted_once(banned, server)


async def test_kill_at_one_step_of_a_lift_after_another(
    banned: Database, database_url: str, server: LoopbackDiscord
):
    scenario = "tests.kill.test_kill_cases:lift"
    for times, name in enumerate(("lift claimed", "lift noted", "unbanned", "end not settled")):
        later = 150.0 + 100.0 * times
        step = LIFT_STEPS[name]
        status, output = await run_victim(database_url, server.url, scenario, step, later=later)
        # What is noted is not noted again.
        assert status is not None, output
    status, output = await run_victim(database_url, server.url, scenario, later=800.0)
    assert status == 0, output

    await assert_lifted_once(banned, server)


async def assert_lifted_once(database: Database, server: LoopbackDiscord) -> None:
    assert (server.bans, server.bans_made, server.bans_lifted) == (set(), 1, 1)
    async with database.read() as session:
        [case] = await table.list_cases(session, GUILD)
        assert await sanction_table.list_sanctions(session, GUILD) == []
        job = await job_table.get_job(session, f"cases.lift:{GUILD}:{ANN}:ban")
    assert case.state == CaseState.ENDED
    assert job is not None
    assert job.state == "done"
    # One log message, which says how it stands.
    [message] = server.messages
    assert "Over since" in message["embeds"][0]["description"]
