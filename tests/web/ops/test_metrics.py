"""`/metrics`: formats, compression, freshness, speed."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.web.support import World
from web.ops.metrics import accepts_gzip


async def test_metrics_plain_text(world: World) -> None:
    response = await world.client.get("/metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in parse_text(await response.text())}
    assert families["pegasus_bot_guilds"].samples[0].value == 150
    assert families["pegasus_bot_users"].samples[0].value == 50_000
    assert families["pegasus_bot_guilds"].documentation == "Total number of guilds"


async def test_metrics_openmetrics(world: World) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await world.client.get("/metrics", headers={"Accept": accept})
    assert response.content_type == "application/openmetrics-text"
    text = await response.text()
    assert text.endswith("# EOF\n")
    assert "pegasus_bot_guilds" in {family.name for family in parse_openmetrics(text)}


async def test_metrics_compressed_on_request(world: World) -> None:
    plain = await world.client.get("/metrics", headers={"Accept-Encoding": "identity"})
    packed = await world.client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3
    assert await packed.text() == await plain.text()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.8", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
def test_metrics_accepts_gzip(field: str, expected: bool) -> None:
    assert accepts_gzip(field) is expected


async def test_metrics_are_a_second_old_at_most(world: World) -> None:
    world.services.metrics.command_finished("giveaway create", "slash", "ok", 0.1)
    sample = 'pegasus_bot_commands_total{command="giveaway create",kind="slash",outcome="ok"}'
    assert f"{sample} 1.0" in await (await world.client.get("/metrics")).text()
    world.services.metrics.command_finished("giveaway create", "slash", "ok", 0.1)
    assert f"{sample} 1.0" in await (await world.client.get("/metrics")).text()
    world.clock.advance(1.1)
    assert f"{sample} 2.0" in await (await world.client.get("/metrics")).text()


async def test_metrics_within_a_second_are_those_that_were_rendered(world: World) -> None:
    first = await world.services.exposition.latest("")
    assert (await world.services.exposition.latest("text/plain")).body is first.body
    world.clock.advance(1.1)
    assert (await world.services.exposition.latest("text/plain")).body is not first.body
