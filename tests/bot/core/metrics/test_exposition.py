"""The snapshots of the metrics: fresh while somebody scrapes, and made once for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from bot.core.metrics.exposition import MetricsExposition
from bot.core.supervisor import TaskSupervisor
from tests.fakes import FakeClock


class _Counting(Collector):
    """Counts how often it is collected."""

    def __init__(self) -> None:
        self.times = 0

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        self.times += 1
        return ()


def _exposition(clock: FakeClock) -> tuple[MetricsExposition, _Counting]:
    registry, counting = CollectorRegistry(), _Counting()
    registry.register(counting)
    return MetricsExposition(registry, clock), counting


async def test_exposition_many_scrapers_cost_one_rendering(clock: FakeClock) -> None:
    exposition, counting = _exposition(clock)
    await asyncio.gather(*(exposition.latest("text/plain") for _ in range(20)))
    await exposition.latest("application/openmetrics-text")
    assert counting.times == 1
    clock.advance(1.01)
    await exposition.latest("")
    assert counting.times == 2


async def test_exposition_a_scraper_that_leaves_ends_nothing(clock: FakeClock) -> None:
    exposition, counting = _exposition(clock)
    leaving = asyncio.create_task(exposition.latest(""))
    staying = asyncio.create_task(exposition.latest(""))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).body == b""
    assert counting.times == 1


async def test_exposition_is_prepared_only_while_somebody_scrapes(clock: FakeClock) -> None:
    exposition, counting = _exposition(clock)
    supervisor = TaskSupervisor()
    supervisor.start("metrics_snapshot", exposition.run)
    await asyncio.sleep(1.0)
    assert counting.times == 0
    await exposition.latest("")
    async with asyncio.timeout(30):
        while counting.times < 2:
            await asyncio.sleep(0.02)
    await supervisor.stop()


async def test_exposition_knows_two_formats_whatever_version_is_asked_for(
    clock: FakeClock,
) -> None:
    exposition, _ = _exposition(clock)
    openmetrics = await exposition.latest("application/openmetrics-text; version=7.1.0")
    plain = await exposition.latest("nonsense")
    assert openmetrics.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.body.endswith(b"# EOF\n")
    assert plain.content_type.startswith("text/plain; version=0.0.4")
