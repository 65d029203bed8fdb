"""`/health`, `/ready`, `/livez` and `/api/health`: true answers in the documented shapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.core.contracts import GatewayStatus
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import FROM_OUTSIDE, World, open_world

# The body of seeds' documentation: every key of it must be there, in its type.
DOCUMENTED = {
    "status": "healthy",
    "timestamp": "2024-01-01T00:00:00.000Z",
    "uptime": 3600,
    "version": "1.0.0",
    "checks": {
        "discord": {"status": "healthy", "latency": 45, "guilds": 150, "users": 50000},
        "database": {
            "status": "healthy",
            "connections": {"active": 5, "idle": 15, "total": 20},
        },
        "memory": {
            "status": "healthy",
            "usage": {
                "heapUsed": 134217728,
                "heapTotal": 268435456,
                "rss": 402653184,
                "external": 12582912,
            },
        },
    },
}


def assert_has_shape(body: Any, shape: Any, at: str = "") -> None:
    """Check that every key of the shape is in the body with a value of the same type."""
    assert type(body) is type(shape), f"{at}: {body!r}"
    if isinstance(shape, dict):
        for key, value in shape.items():
            assert key in body, f"{at}/{key} is missing"
            assert_has_shape(body[key], value, f"{at}/{key}")


async def test_health_has_every_documented_key(world: World) -> None:
    world.clock.advance(7)
    response = await world.client.get("/health")
    assert response.status == 200
    body = await response.json()
    assert_has_shape(body, DOCUMENTED)
    assert body["status"] == "healthy"
    assert body["checks"]["discord"] == {
        "status": "healthy",
        "reasons": [],
        "latency": 45,
        "guilds": 150,
        "users": 50_000,
    }
    assert body["checks"]["memory"]["usage"]["rss"] > 1_000_000


async def test_health_degraded_is_200_with_reasons(world: World) -> None:
    world.state.disconnect(20)
    await world.measure()
    response = await world.client.get("/health")
    body = await response.json()
    assert (response.status, body["status"]) == (200, "degraded")
    assert body["checks"]["discord"]["reasons"] == ["Shard 0 has been disconnected for 20 s."]
    assert (await world.client.get("/ready")).status == 503


async def test_health_unhealthy_is_503(world: World) -> None:
    world.state.disconnect(200)
    await world.measure()
    response = await world.client.get("/health")
    assert (response.status, (await response.json())["status"]) == (503, "unhealthy")
    response = await world.client.get("/api/health")
    assert response.status == 503
    assert (await response.json())["checks"] == {"bot": False, "database": True, "memory": True}


async def test_api_health_of_a_full_disk_says_which_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    await world.measure()
    response = await world.client.get("/api/health")
    assert response.status == 503
    assert (await response.json())["checks"] == {"bot": True, "database": False, "memory": True}


async def test_health_stale_sample_is_unhealthy(world: World) -> None:
    world.clock.advance(20)
    assert (await world.client.get("/health")).status == 200
    world.clock.advance(0.1)
    response = await world.client.get("/health")
    assert response.status == 503
    assert (await response.json())["checks"]["eventLoop"]["status"] == "unhealthy"
    assert (await world.client.get("/ready")).status == 503


async def test_health_latency_unknown_is_null(world: World) -> None:
    shard = replace(world.state.status.shards[0], latency=float("inf"))
    world.state.status = replace(world.state.status, shards=(shard,))
    await world.measure()
    body = await (await world.client.get("/health")).json()
    assert body["checks"]["discord"]["latency"] is None
    assert body["checks"]["discord"]["status"] == "degraded"


@pytest.mark.parametrize(
    ("gone_for", "word", "status"), [(0, "pass", 200), (20, "warn", 200), (200, "fail", 503)]
)
async def test_health_in_the_standard_form(
    world: World, gone_for: float, word: str, status: int
) -> None:
    if gone_for:
        world.state.disconnect(gone_for)
    await world.measure()
    response = await world.client.get("/health", headers={"Accept": "application/health+json"})
    assert response.status == status
    assert response.content_type == "application/health+json"
    body = await response.json()
    assert body["status"] == word
    assert body["checks"]["gateway"][0]["status"] == word


async def test_ready_names_what_is_missing(world: World) -> None:
    world.state.status = GatewayStatus()
    await world.measure()
    response = await world.client.get("/ready")
    assert response.status == 503
    body = await response.json()
    assert body["ready"] is False
    assert body["reasons"] == ["Not connected to Discord yet."]


async def test_ready_ends_when_the_process_begins_to_stop(world: World) -> None:
    assert (await world.client.get("/ready")).status == 200
    world.services.health.begin_draining()
    response = await world.client.get("/ready")
    assert response.status == 503
    assert (await response.json())["reasons"] == ["The bot is shutting down."]
    assert (await world.client.get("/health")).status == 200


async def test_health_of_a_lost_database(tmp_path: Path, clock: FakeClock) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/gone.db")
    world = await open_world(database, clock)
    body = await (await world.client.get("/health")).json()
    assert body["checks"]["database"]["status"] == "degraded"
    assert (await world.client.get("/ready")).status == 503
    clock.advance(61)
    await world.measure()
    response = await world.client.get("/health")
    assert response.status == 503
    assert (await (await world.client.get("/api/health")).json())["checks"]["database"] is False
    assert (await world.client.get("/livez")).status == 200

    (tmp_path / "missing").mkdir()
    await world.measure()
    assert (await world.client.get("/health")).status == 200
    await world.client.close()
    await database.close()


async def test_health_asks_the_database_nothing(tmp_path: Path, clock: FakeClock) -> None:
    # Every query of this database would fail; only a browser's cookie is worth a try.
    database = Database(f"sqlite:///{tmp_path}/missing/gone.db")
    world = await open_world(database, clock, trusted_networks=())
    cookie = {"Cookie": "pegasus=whatever"}
    for path in ("/livez", "/health", "/ready"):
        answer = await world.client.get(path, headers=FROM_OUTSIDE)
        assert answer.content_type == "application/json"
        assert (await world.client.get(path, headers=cookie)).status == answer.status
    await world.client.close()
    await database.close()


async def test_livez_answers_whatever_else_is_wrong(world: World) -> None:
    world.state.status = GatewayStatus(fatal="4004")
    world.clock.advance(3600)
    response = await world.client.get("/livez")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_api_health_has_the_documented_shape(world: World) -> None:
    response = await world.client.get("/api/health")
    assert await response.json() == {
        "status": "healthy",
        "checks": {"bot": True, "database": True, "memory": True},
        "timestamp": "2026-06-01T12:00:00.000Z",
    }


async def test_health_head_has_no_body(world: World) -> None:
    response = await world.client.head("/health")
    assert response.status == 200
    assert await response.read() == b""
