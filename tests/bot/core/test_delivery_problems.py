"""Deliveries that wait for a permission become problems, and are tried again when it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import ChannelSummary
from bot.core.delivery_problems import CAUSE, FEATURE, DeliveryProblems, problem_in
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.outbox import OutboxParked
from bot.core.problems import Problem, ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.fakes import FakeClock

GUILD, CHANNEL = 1, 2
ALL = frozenset({"view_channel", "send_messages", "embed_links", "attach_files"})
PLACE = ChannelSummary(CHANNEL, GUILD, "welcome", "text", bot_permissions=ALL)


class State:
    """A guild with one channel, as the bot sees it."""

    def __init__(self) -> None:
        self.place: ChannelSummary | None = PLACE

    def guild(self, guild_id: int) -> None:
        return None

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return self.place


@dataclass
class Case:
    bus: EventBus
    state: State
    service: ProblemService
    problems: DeliveryProblems
    supervisor: TaskSupervisor
    clock: FakeClock

    async def park(self) -> None:
        await self.bus.publish(
            OutboxParked(
                at=self.clock.now(),
                guild_id=GUILD,
                channel_id=CHANNEL,
                dedupe_key="k",
                reason="missing_permissions",
            )
        )

    async def open(self) -> list[tuple[str, str, str]]:
        found = [one.problem for one in await self.service.list(GUILD)]
        return [(one.feature, one.cause, one.subject) for one in found]

    async def look_again(self) -> None:
        self.problems.look_again(GUILD)
        await self.supervisor.stop()


@pytest.fixture
async def case(database: Database, clock: FakeClock) -> AsyncIterator[Case]:
    bus, state, supervisor = EventBus(), State(), TaskSupervisor()
    live: Any = cast("Any", lambda: state)
    # Only reported problems matter here, so there is no feature to be looked at.
    nothing = FeatureRegistry([])
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, nothing, audit, state=live)
    service = ProblemService(database, clock, bus, nothing, settings, state=live)
    problems = DeliveryProblems(database, service, bus, supervisor, cast("Any", lambda: state))
    yield Case(bus, state, service, problems, supervisor, clock)
    await supervisor.stop()


async def test_parked_delivery_becomes_one_problem(case: Case) -> None:
    case.state.place = replace(PLACE, bot_permissions=ALL - {"send_messages"})
    await case.park()
    await case.park()
    assert await case.open() == [(FEATURE, CAUSE, str(CHANNEL))]


async def test_problem_that_a_feature_found_is_not_repeated(case: Case) -> None:
    field = Problem("welcome", "channel_permission", f"join_channel_id:{CHANNEL}", *_texts())
    await case.service.report(GUILD, field)
    await case.park()
    assert await case.open() == [("welcome", "channel_permission", f"join_channel_id:{CHANNEL}")]


async def test_problem_stays_until_the_permission_is_there(case: Case) -> None:
    case.state.place = replace(PLACE, bot_permissions=ALL - {"send_messages"})
    await case.park()
    await case.look_again()
    assert len(await case.open()) == 1
    case.state.place = PLACE
    await case.look_again()
    assert await case.open() == []


async def test_problem_goes_with_its_channel(case: Case) -> None:
    await case.park()
    case.state.place = None
    await case.look_again()
    assert await case.open() == []


async def test_problem_of_an_earlier_run_is_taken_up(case: Case, database: Database) -> None:
    await case.service.report(GUILD, problem_in(CHANNEL, None))
    await case.look_again()
    assert len(await case.open()) == 1
    await case.problems.load()
    await case.look_again()
    assert await case.open() == []


def test_message_names_the_channel_and_what_is_missing() -> None:
    missing = problem_in(CHANNEL, replace(PLACE, bot_permissions=ALL - {"embed_links"}))
    assert "#welcome" in str(missing.message)
    assert "Embed" in str(missing.message)
    assert "#welcome" in str(problem_in(CHANNEL, PLACE).message)


def _texts() -> tuple[Any, Any]:
    one = problem_in(CHANNEL, None)
    return one.message, one.fix
