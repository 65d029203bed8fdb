"""Who gets in where: every route, every kind of visitor."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from tests.web.conftest import OpenWorld
from tests.web.support import (
    BEHIND_PROXY,
    FROM_OUTSIDE,
    GUILD,
    KEY,
    OWNER,
    REGISTRY,
    STRANGER,
    World,
    minutes,
)
from web.app import declared_routes
from web.keys import DECLARED, ROUTES
from web.routes import Access

OPERATOR_PATHS = ["/metrics", "/api/stats", "/api/logs"]
WITH_KEY = {"Authorization": f"Bearer {KEY}"}
KEY_HASH = hashlib.sha256(KEY.encode()).digest()


def test_access_is_declared_for_every_operator_path() -> None:
    declared = {
        route.path: route.access
        for route in declared_routes(REGISTRY.all())
        # That these have the guild's guard is checked below.
        if "{guild_id}" not in route.path
    }
    assert declared == {
        "/livez": Access.ANYONE,
        "/health": Access.DETAIL,
        "/ready": Access.DETAIL,
        "/metrics": Access.OPERATOR,
        "/api/health": Access.ANYONE,
        "/api/stats": Access.OPERATOR,
        "/api/logs": Access.OPERATOR,
        "/openapi.json": Access.ANYONE,
        "/v1/guilds": Access.OPERATOR,
        "/guilds": Access.OPERATOR,
        "/": Access.DETAIL,
        "/login/{token}": Access.ANYONE,
        "/logout": Access.SESSION,
        "/logout/everywhere": Access.SESSION,
        "/sessions": Access.SESSION,
        "/sessions/end-others": Access.SESSION,
        "/sessions/{session_id}/end": Access.SESSION,
        "/v1/sessions": Access.SESSION,
        "/v1/sessions/{session_id}": Access.SESSION,
        "/static/{name}": Access.ANYONE,
        "/favicon.ico": Access.ANYONE,
    }


async def test_access_no_route_is_registered_without_declaration(world: World) -> None:
    app = world.app
    registered = list(app.router.routes())
    assert registered
    assert all(route in app[ROUTES] for route in registered)
    assert all(route in app[ROUTES].values() for route in app[DECLARED])


@pytest.mark.parametrize("path", OPERATOR_PATHS)
async def test_access_trusted_network(world: World, path: str) -> None:
    assert (await world.client.get(path)).status == 200


@pytest.mark.parametrize("path", OPERATOR_PATHS)
async def test_access_stranger_is_refused(outside: World, path: str) -> None:
    response = await outside.client.get(path, headers=FROM_OUTSIDE)
    assert response.status == 401
    # The reference is random, so it may hold the number of guilds by chance.
    told = (await response.text()).replace(response.headers["X-Request-ID"], "")
    assert "150" not in told


@pytest.mark.parametrize("path", OPERATOR_PATHS)
async def test_access_key(open_web: OpenWorld, path: str) -> None:
    world = await open_web(access_key_hash=KEY_HASH, **BEHIND_PROXY)
    response = await world.client.get(path, headers=FROM_OUTSIDE | WITH_KEY)
    assert response.status == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
async def test_access_key_scheme_in_any_case(open_web: OpenWorld, scheme: str) -> None:
    world = await open_web(access_key_hash=KEY_HASH, **BEHIND_PROXY)
    headers = FROM_OUTSIDE | {"Authorization": f"{scheme} {KEY}"}
    assert (await world.client.get("/metrics", headers=headers)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": "Bearer ñandú"},
    ],
)
async def test_access_wrong_key(open_web: OpenWorld, headers: dict[str, str]) -> None:
    world = await open_web(access_key_hash=KEY_HASH, **BEHIND_PROXY)
    response = await world.client.get("/metrics", headers=FROM_OUTSIDE | headers)
    assert response.status == 401


async def test_access_key_in_the_query_opens_nothing(open_web: OpenWorld) -> None:
    world = await open_web(access_key_hash=KEY_HASH, **BEHIND_PROXY)
    path = f"/metrics?access_key={KEY}"
    assert (await world.client.get(path, headers=FROM_OUTSIDE)).status == 401


async def test_access_wrong_keys_lock_the_address_out(open_web: OpenWorld) -> None:
    world = await open_web(access_key_hash=KEY_HASH, per_minute=1000, **BEHIND_PROXY)
    wrong = FROM_OUTSIDE | {"Authorization": "Bearer wrong"}
    statuses = [(await world.client.get("/metrics", headers=wrong)).status for _ in range(12)]
    assert statuses == [401] * 11 + [429]
    value_of = world.services.metrics.registry.get_sample_value
    assert value_of("pegasus_bot_auth_logins_total", {"outcome": "wrong_key"}) == 11
    assert value_of("pegasus_bot_http_rate_limited_total", {"policy": "key"}) == 1
    right = await world.client.get("/metrics", headers=FROM_OUTSIDE | WITH_KEY)
    assert right.status == 429
    assert int(right.headers["Retry-After"]) <= 600
    elsewhere = {"X-Forwarded-For": "198.51.100.1"} | WITH_KEY
    assert (await world.client.get("/metrics", headers=elsewhere)).status == 200
    world.clock.advance(minutes(11))
    assert (await world.client.get("/metrics", headers=FROM_OUTSIDE | WITH_KEY)).status == 200


async def test_access_owner_and_other_person(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in(STRANGER)
    assert (await world.client.get("/api/stats")).status == 403
    await world.log_in(OWNER)
    assert (await world.client.get("/api/stats")).status == 200


@pytest.mark.parametrize("user_id", [OWNER, STRANGER])
async def test_access_person_in_a_trusted_network_is_both(world: World, user_id: int) -> None:
    await world.log_in(user_id)
    page = await (await world.client.get("/")).text()
    assert f"Logged in as {user_id}" in page
    assert "Log out everywhere" in page
    assert "the details are for" not in page
    assert (await world.client.get("/api/stats")).status == 200
    settings = await world.client.get(f"/guilds/{GUILD}/settings/welcome")
    assert "Log out" in await settings.text()


async def test_access_trusted_network_needs_no_database_to_be_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.log_in()

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("web.access._PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("web.session.get_login", hang)
    page = await (await world.client.get("/")).text()
    assert "Numbers" in page
    assert "Logged in" not in page


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-For": "unknown"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Real-IP": "203.0.113.7"},
    ],
)
@pytest.mark.parametrize("path", OPERATOR_PATHS)
async def test_access_proxy_that_does_not_say_for_whom_is_no_trusted_network(
    outside: World, path: str, headers: dict[str, str]
) -> None:
    assert (await outside.client.get(path, headers=headers)).status == 401


async def test_access_request_in_old_http_may_be_forwarded(world: World) -> None:
    host, port = world.client.server.host, world.client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    # What nginx sends for a bare proxy_pass.
    writer.write(b"GET /api/stats HTTP/1.0\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    assert answer.startswith(b"HTTP/1.0 401")


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "Via",
    ],
)
async def test_access_unknown_proxy_is_no_trusted_network(world: World, header: str) -> None:
    response = await world.client.get("/api/stats", headers={header: "127.0.0.1"})
    assert response.status == 401


async def test_access_claimed_loopback_through_a_proxy_is_not_believed(outside: World) -> None:
    # The proxy appended the true address; what stands left of it the sender made up.
    headers = {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}
    assert (await outside.client.get("/api/stats", headers=headers)).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 401),
        ("evil.example:8080", 401),
        ("127.0.0.1.evil.example", 401),
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("pegasus:8080", 200),
    ],
)
async def test_access_name_pointed_at_loopback(world: World, host: str, status: int) -> None:
    assert (await world.client.get("/api/stats", headers={"Host": host})).status == status


async def test_access_head_is_guarded_like_get(outside: World) -> None:
    assert (await outside.client.head("/api/stats", headers=FROM_OUTSIDE)).status == 401


async def test_access_stranger_learns_status_only(outside: World) -> None:
    response = await outside.client.get("/health", headers=FROM_OUTSIDE)
    assert await response.json() == {"status": "healthy", "timestamp": "2026-06-01T12:00:00.000Z"}
    response = await outside.client.get("/ready", headers=FROM_OUTSIDE)
    assert await response.json() == {"ready": True, "timestamp": "2026-06-01T12:00:00.000Z"}


async def test_access_health_answers_a_wrong_key_like_a_stranger(outside: World) -> None:
    response = await outside.client.get("/health", headers=FROM_OUTSIDE | WITH_KEY)
    body: dict[str, Any] = await response.json()
    assert response.status == 200
    assert "checks" not in body
