"""What was given up becomes a problem, once per cause, until it is put right or has been quiet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM, ChannelSummary
from bot.core.events import EventBus
from bot.core.failure_problems import DELIVERY_CAUSE, JOB_CAUSE, FailureProblems, explain
from bot.core.features import FeatureRegistry, discover
from bot.core.jobs import Job, JobService
from bot.core.outbox import OutboxFailed
from bot.core.problems import ProblemFound, ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.bot.core.jobs.world import Limits
from tests.fakes import FakeClock

GUILD, CHANNEL = 1, 2
AUTOMOD = f"{CHANNEL}:blocked_by_automod"


class State:
    """A guild that the bot does not see, so that nothing is found by looking."""

    def guild(self, guild_id: int) -> None:
        return None

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary:
        return ChannelSummary(CHANNEL, GUILD, "welcome", "text")


@dataclass
class Case:
    bus: EventBus
    clock: FakeClock
    database: Database
    settings: SettingsStore
    service: ProblemService
    jobs: JobService
    found: list[ProblemFound]

    async def fail(
        self, reason: str, *, channel_id: int | None = CHANNEL, key: str = "welcome.join:1"
    ):
        await self.bus.publish(
            OutboxFailed(
                at=self.clock.now(),
                guild_id=GUILD,
                channel_id=channel_id,
                user_id=None,
                dedupe_key=key,
                reason=reason,
            )
        )

    async def open(self) -> list[tuple[str, str, str]]:
        found = [one.problem for one in await self.service.list(GUILD)]
        return [(one.feature, one.cause, one.subject) for one in found]


@pytest.fixture
async def case(database: Database, clock: FakeClock) -> AsyncIterator[Case]:
    bus, supervisor, state = EventBus(), TaskSupervisor(), cast("Any", State)
    registry: FeatureRegistry = discover()
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=state)
    service = ProblemService(database, clock, bus, registry, settings, state=state)
    jobs = JobService(database, clock, Limits(), supervisor, bus=bus)
    FailureProblems(database, clock, service, jobs, registry=registry, state=state).listen(bus)
    found: list[ProblemFound] = []

    async def note(event: ProblemFound) -> None:
        found.append(event)

    bus.subscribe(ProblemFound, note)
    yield Case(bus, clock, database, settings, service, jobs, found)
    await jobs.stop(0.0)
    await supervisor.stop()


async def test_failed_delivery_is_told_once_per_cause(case: Case) -> None:
    await case.fail("blocked_by_automod")
    await case.fail("blocked_by_automod", key="welcome:2")
    await case.fail("invalid_payload")
    assert sorted(await case.open()) == [
        ("welcome", DELIVERY_CAUSE, AUTOMOD),
        ("welcome", DELIVERY_CAUSE, f"{CHANNEL}:invalid_payload"),
    ]
    assert len(case.found) == 2
    assert "#welcome" in str(case.found[0].problem.message)
    assert "my role" in str(case.found[0].problem.fix)


async def test_failed_delivery_of_no_feature_is_put_down_to_the_basics(case: Case) -> None:
    await case.fail("rejected_40333", key="problems:1:now", channel_id=None)
    assert await case.open() == [("general", DELIVERY_CAUSE, "dm:rejected_40333")]
    assert "direct messages (rejected_40333)" in str(case.found[0].problem.message)


@pytest.mark.parametrize("reason", ["expired", "too_old", "message_gone", "channel_gone"])
async def test_failure_that_nobody_can_put_right_is_not_told(case: Case, reason: str) -> None:
    await case.fail(reason)
    assert await case.open() == []


async def test_problem_closes_after_a_day_without_another_failure(case: Case) -> None:
    await case.fail("blocked_by_automod")
    case.clock.advance(timedelta(hours=20))
    await case.fail("blocked_by_automod")
    case.clock.advance(timedelta(hours=20))
    await case.jobs.run_due()
    assert len(await case.open()) == 1
    case.clock.advance(timedelta(hours=5))
    await case.jobs.run_due()
    assert await case.open() == []


async def test_problem_closes_when_its_feature_is_changed(case: Case) -> None:
    await case.fail("blocked_by_automod")
    await case.settings.change(GUILD, "general", {}, actor=SYSTEM, enabled=True)
    await case.settings.change(GUILD, "welcome", {}, actor=SYSTEM, enabled=True)
    assert await case.open() == []
    await case.fail("blocked_by_automod")
    assert await case.open() == [("welcome", DELIVERY_CAUSE, AUTOMOD)]


async def test_failed_job_is_told_where_it_belongs_to_a_guild(case: Case) -> None:
    async def fail(job: Job) -> None:
        raise RuntimeError("never works")

    case.jobs.register("welcome.digest", effect=fail, max_attempts=1)
    for guild_id in (GUILD, None):
        async with case.database.write() as session:
            await case.jobs.schedule(
                session, "welcome.digest", None, dedupe_key=str(guild_id), guild_id=guild_id
            )
    await case.jobs.run_due()
    assert await case.open() == [("welcome", JOB_CAUSE, "welcome.digest")]
    assert len(case.found) == 1


@pytest.mark.parametrize(
    "reason", ["invalid_payload", "not_a_text_channel", "thread_locked", "blocked_by_automod", "x"]
)
def test_every_reason_names_the_place_and_what_helps(reason: str) -> None:
    message, fix = explain(reason, "#welcome")
    assert "#welcome" in str(message)
    assert str(fix)
