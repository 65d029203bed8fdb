"""What fails in the background reaches the operator's error webhook, not only the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.events import Event
from bot.core.health.lag import STALL_SECONDS
from bot.core.jobs import Job
from bot.core.outbox import Delivery
from db.engine import Database
from tests.simcord_env import Bench, running_bench


@dataclass
class Place:
    """A running bot, and what its operator was told."""

    bench: Bench
    told: list[tuple[str, str]] = field(default_factory=list)

    def error(self, where: str, error: BaseException | str) -> None:
        self.told.append((where, error if isinstance(error, str) else type(error).__name__))


@pytest.fixture
async def place(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database) as bench:
        place = Place(bench)
        monkeypatch.setattr(bench.kernel.webhooks, "error", place.error)
        yield place


async def fail(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError


async def test_background_work_that_fails_is_told_of_by_its_family(place: Place) -> None:
    await place.bench.kernel.supervisor.spawn("pond:17", fail())
    assert place.told == [("task pond", "ZeroDivisionError")]


async def test_background_work_that_needs_the_database_is_no_fault(place: Place) -> None:
    async def gone() -> None:
        raise OperationalError("SELECT", {}, ConnectionRefusedError(), connection_invalidated=True)

    await place.bench.kernel.supervisor.spawn("pond", gone())
    assert place.told == []


async def test_failing_listener_of_the_bus_is_told_of(place: Place) -> None:
    kernel = place.bench.kernel
    kernel.bus.subscribe(Event, fail)
    await kernel.bus.publish(Event(at=kernel.clock.now()))
    assert place.told == [("listener fail", "ZeroDivisionError")]


async def test_failing_listener_of_the_gateway_is_told_of(place: Place) -> None:
    place.bench.bot.add_listener(fail, "on_storm")
    place.bench.bot.dispatch("storm")
    await place.bench.env.settle()
    assert place.told == [("listener on_storm", "ZeroDivisionError")]


async def test_job_that_is_given_up_is_told_of(place: Place) -> None:
    kernel = place.bench.kernel

    async def handle(_job: Job, _session: AsyncSession) -> None:
        raise ZeroDivisionError("no ducks")

    kernel.jobs.register("feed", handle, max_attempts=1)
    async with kernel.database.write() as session:
        await kernel.jobs.schedule(session, "feed", kernel.clock.now(), {}, dedupe_key="feed")
    await place.bench.run_jobs()
    assert place.told == [("job feed", "ZeroDivisionError: no ducks")]


async def test_delivery_that_breaks_is_told_of(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, bot = place.bench.kernel, place.bench.bot
    monkeypatch.setattr(bot.http, "send_message", fail)
    channel = place.bench.env.create_guild("Harbour").create_text_channel("general")
    delivery = Delivery.message(channel.id, {"content": "Ahoy"}, dedupe_key="ahoy")
    async with kernel.database.write() as session:
        await kernel.outbox.send(session, delivery)
    await place.bench.deliver()
    assert place.told == [("delivery message.send", "ZeroDivisionError")]


async def test_failing_gate_is_told_of(place: Place) -> None:
    def break_down(_facts: object) -> None:
        raise ZeroDivisionError

    place.bench.bot.intake.add_gate("dam", break_down, order=1)
    guild = place.bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    await guild.add_member(place.bench.env.create_user("ada")).send(channel, "hello")
    assert ("intake dam", "ZeroDivisionError") in place.told


async def test_stall_of_the_event_loop_is_told_of_once_it_is_over(place: Place) -> None:
    probe = place.bench.kernel.lag
    probe.note(STALL_SECONDS - 1)
    assert place.told == []
    probe.note(STALL_SECONDS + 2)
    [(where, text)] = place.told
    assert where == "event loop"
    assert "32 s" in text
