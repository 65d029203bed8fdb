"""Experience for messages: what counting costs on top of none, and writing behind against at once.

All ways run in one process and one run; compare the ratios.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.core.audit import AuditLog
from bot.core.clock import SystemClock
from bot.core.contracts import SYSTEM, MessageFacts
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.messages import MessagePipeline
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.roles import RoleService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general, levels
from cogs.levels.book import Book
from cogs.levels.boosts import Boosts
from cogs.levels.counting import TextCounter
from cogs.levels.plan import Plans
from cogs.levels.settings import KEY
from db.engine import Database
from db.migrate import upgrade
from tests.benchmarks import chatter
from tests.benchmarks.memory import settled

GUILD = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way costs, in µs per message: the median of its rounds."""

    name: str
    median: float


class PacedClock(SystemClock):
    """A clock that a message moves on: at two a second, pauses begin and end as in a busy guild."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return self.passed


@dataclass(frozen=True, slots=True)
class Bench:
    """A counter over a database of its own."""

    clock: PacedClock
    database: Database
    settings: SettingsStore
    counter: TextCounter


async def compare(count: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Return what a message costs without and with counting, then what writing costs each way."""
    messages = chatter.messages(count)
    async with _bench() as bench:
        counting = _compare_counting(bench, messages, rounds)
    writing = await _compare_writing(messages[: max(count // 20, 20)])
    return counting, writing


def _compare_counting(bench: Bench, messages: Sequence[MessageFacts], rounds: int) -> list[Cost]:
    ways = {
        "the pipeline alone, an observer that does nothing": lambda _facts: None,
        "experience, everybody in their pause": bench.counter.see,
        "experience, ten messages a second": bench.counter.see,
        "experience, two messages a second: nearly all earn": bench.counter.see,
    }
    steps = (0.0, 0.0, 0.1, 0.5)
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(rounds):
        for (name, see), step in zip(ways.items(), steps, strict=True):
            if not step:
                # Whoever is to be in their pause has just earned; with steps, pauses end meanwhile.
                for message in messages:
                    bench.counter.see(message)
            pipeline = MessagePipeline(bench.clock, lambda _name, work: work.close())
            pipeline.add_observer("experience", see)
            costs[name].append(_cpu(pipeline, messages, bench.clock, step))
    return [Cost(name, statistics.median(found)) for name, found in costs.items()]


def _cpu(
    pipeline: MessagePipeline, messages: Sequence[MessageFacts], clock: PacedClock, step: float
) -> float:
    with settled():
        before = time.process_time()
        for message in messages:
            clock.passed += step
            pipeline.judge(message)
        return (time.process_time() - before) / len(messages) * 1e6


async def _compare_writing(messages: Sequence[MessageFacts]) -> list[Cost]:
    async with _bench(cooldown=0) as bench:
        at_once = await _writing(bench, messages, flush_each=True)
    async with _bench(cooldown=0) as bench:
        behind = await _writing(bench, messages, flush_each=False)
    return [
        Cost("one transaction for each message", at_once),
        Cost("written behind in batches", behind),
    ]


async def _writing(bench: Bench, messages: Sequence[MessageFacts], *, flush_each: bool) -> float:
    """Return the µs of CPU for each message that earns, all threads together."""
    # Both ways compile their statements before.
    bench.counter.see(replace(messages[0], author_id=7))
    await bench.counter.flush()
    before = time.process_time()
    for message in messages:
        bench.clock.passed += 0.5
        bench.counter.see(message)
        if flush_each:
            await bench.counter.flush()
    await bench.counter.flush()
    return (time.process_time() - before) / len(messages) * 1e6


@asynccontextmanager
async def _bench(cooldown: int = 60) -> Any:
    with tempfile.TemporaryDirectory(prefix="pegasus-benchmark-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'pegasus.db'}")
        try:
            await upgrade(database)
            yield await _open(database, cooldown)
        finally:
            await database.close()


async def _open(database: Database, cooldown: int) -> Bench:
    clock, bus, supervisor = PacedClock(), EventBus(), TaskSupervisor()
    registry = FeatureRegistry([general.FEATURE, levels.FEATURE])
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
    problems = ProblemService(database, clock, bus, registry, settings, state=NullState)
    roles = RoleService(
        database,
        clock,
        settings,
        bus=bus,
        problems=problems,
        supervisor=supervisor,
        state=NullState,
    )
    plans = Plans()
    book = Book(
        clock,
        settings,
        plans=plans,
        outbox=OutboxService(database, clock, supervisor),
        roles=roles,
        bus=bus,
        state=NullState,
    )
    counter = TextCounter(
        database,
        clock,
        settings,
        book=book,
        plans=plans,
        boosts=Boosts(database, clock),
        spawn=lambda _name, work: work.close(),
        state=NullState,
    )
    changes = {"text_cooldown": cooldown, "announce": "off"}
    await settings.change(GUILD, KEY, changes, enabled=True, actor=SYSTEM)
    await settings.warm([GUILD])
    return Bench(clock, database, settings, counter)


def run(count: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Return what `compare` does."""
    return asyncio.run(compare(count, rounds))
