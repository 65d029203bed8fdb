"""Rate limits: exact windows, per address, told in headers, and never for probes."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.web.conftest import OpenWorld
from tests.web.support import BEHIND_PROXY, World


async def test_pacing_lets_exactly_the_limit_through(world: World) -> None:
    statuses = [(await world.client.get("/openapi.json")).status for _ in range(32)]
    assert statuses == [200] * 30 + [429] * 2
    world.clock.advance(59.9)
    assert (await world.client.get("/openapi.json")).status == 429
    world.clock.advance(0.1)
    assert (await world.client.get("/openapi.json")).status == 200


async def test_pacing_hour(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=10, per_hour=25)
    passed = 0
    for _ in range(6):
        for _ in range(10):
            passed += (await world.client.get("/openapi.json")).status == 200
        world.clock.advance(60)
    assert passed == 25
    response = await world.client.get("/openapi.json")
    assert response.status == 429
    assert response.headers["RateLimit"].startswith('"minute";r=9;t=60, "hour";r=0;t=')
    assert int(response.headers["Retry-After"]) == 3600 - 6 * 60


async def test_pacing_headers(world: World) -> None:
    response = await world.client.get("/openapi.json")
    assert response.headers["RateLimit-Policy"] == '"minute";q=30;w=60, "hour";q=1000;w=3600'
    assert response.headers["RateLimit"] == '"minute";r=29;t=60, "hour";r=999;t=3600'


async def test_pacing_counts_pages_apart_and_lets_four_times_as_many_through(
    open_web: OpenWorld,
) -> None:
    world = await open_web(per_minute=2)
    statuses = [(await world.client.get("/guilds")).status for _ in range(9)]
    assert statuses == [200] * 8 + [429]
    assert (await world.client.get("/openapi.json")).status == 200


@pytest.mark.parametrize(
    "path", ["/livez", "/health", "/ready", "/metrics", "/static/pegasus.css", "/favicon.ico"]
)
async def test_pacing_exempts_probes_and_files(open_web: OpenWorld, path: str) -> None:
    world = await open_web(per_minute=1)
    for _ in range(5):
        response = await world.client.get(path)
        assert response.status == 200
        assert "RateLimit" not in response.headers


async def test_pacing_counts_unknown_paths(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=2)
    statuses = [(await world.client.get(f"/wp-admin/{n}")).status for n in range(3)]
    assert statuses == [404, 404, 429]


async def test_pacing_is_per_address_and_per_ipv6_network(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=1, **BEHIND_PROXY)

    async def status_for(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return (await world.client.get("/openapi.json", headers=headers)).status

    assert await status_for("203.0.113.1") == 200
    assert await status_for("203.0.113.1") == 429
    assert await status_for("203.0.113.2") == 200
    assert await status_for("2001:db8::1") == 200
    assert await status_for("2001:db8::2") == 429
    assert await status_for("2001:db8:0:1::1") == 200


async def test_pacing_unknown_proxy_is_warned_of_once(world: World) -> None:
    with capture_logs() as lines:
        for address in ("203.0.113.1", "203.0.113.2"):
            await world.client.get("/openapi.json", headers={"X-Forwarded-For": address})
    assert [line["event"] for line in lines].count("proxy_not_trusted") == 1
