"""The guard of guilds: every route with a guild in its path, every kind of visitor."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.web.conftest import OpenWorld
from tests.web.support import BEHIND_PROXY, FROM_OUTSIDE, GUILD, KEY, REGISTRY, STRANGER, World
from web.app import declared_routes
from web.keys import PACER
from web.pacing import Pacer
from web.routes import Access, Pace, Reply, Route

ROUTES = [route for route in declared_routes(REGISTRY.all()) if "{guild_id}" in route.path]
CHANGING = [route for route in declared_routes(REGISTRY.all()) if route.method != "GET"]
KEY_HASH = hashlib.sha256(KEY.encode()).digest()
WITH_KEY = {"Authorization": f"Bearer {KEY}"}
PLACES = {
    "feature": "welcome",
    "revision": "0",
    "token": "x",
    "session_id": "0" * 16,
    "item_id": "1",
    "resource": "custom-commands",
    "action": "x",
}
every_route = pytest.mark.parametrize(
    "route", ROUTES, ids=lambda route: f"{route.method} {route.path}"
)


async def call(
    world: World, route: Route, guild_id: object = GUILD, **headers: str
) -> ClientResponse:
    """Call a route as a page of ours would, unless the headers say otherwise."""
    path = route.path.format(guild_id=guild_id, **PLACES)
    return await world.client.request(
        route.method, path, headers={"Sec-Fetch-Site": "same-origin"} | headers
    )


def test_guard_no_route_with_a_guild_can_be_declared_without_it() -> None:
    async def handler(_: Any) -> Any: ...

    common: dict[str, Any] = {
        "method": "GET",
        "handler": handler,
        "part": "api",
        "pace": Pace.LIMITED,
        "summary": "x",
        "replies": {200: Reply("x")},
    }
    for access in set(Access) - {Access.GUILD}:
        with pytest.raises(ValueError, match=r"Access\.GUILD"):
            Route(path="/v2/{guild_id}/x", access=access, **common)
    with pytest.raises(ValueError, match=r"Access\.GUILD"):
        Route(path="/v2/x", access=Access.GUILD, **common)


@every_route
async def test_guard_tells_strangers_nothing(outside: World, route: Route) -> None:
    for guild_id in (GUILD, 999):
        response = await call(outside, route, guild_id, **FROM_OUTSIDE)
        assert response.status == 401, guild_id
        assert "alert" not in await response.text()


@every_route
async def test_guard_refuses_a_person_who_does_not_own_the_bot(
    open_web: OpenWorld, route: Route
) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in(STRANGER)
    assert (await call(world, route)).status == 403
    assert (await call(world, route, 999)).status == 403


@every_route
async def test_guard_does_not_know_other_guilds(world: World, route: Route) -> None:
    world.app[PACER]._requests = Pacer(world.clock, per_minute=99, per_hour=99)._requests
    for guild_id in (999, 0, "-7", "\uff17", "seven", "07" * 12, "7%00", "7.0", 2**63):
        response = await call(world, route, guild_id)
        assert response.status == 404, guild_id
        assert (await response.json())["code"] == "E006"


@every_route
async def test_guard_lets_keys_and_owners_in(open_web: OpenWorld, route: Route) -> None:
    world = await open_web(access_key_hash=KEY_HASH, **BEHIND_PROXY)
    assert (await call(world, route, **FROM_OUTSIDE, **WITH_KEY)).status not in (401, 403, 404)
    world = await open_web(trusted_networks=())
    await world.log_in()
    assert (await call(world, route)).status not in (401, 403, 404)


# --- a trusted network alone must not be what another site's page acts with -------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Authorization": "Basic eA=="},
        {"Sec-Fetch-Site": "cross-site", "X-HTTP-Method-Override": "GET"},
    ],
)
async def test_change_from_another_site_is_refused(
    open_web: OpenWorld, headers: dict[str, str]
) -> None:
    world = await open_web(per_minute=1000)
    for route in CHANGING:
        response = await call(world, route, **headers)
        assert response.status == 403, route.path
        assert "page of this site" in (await response.json())["detail"], route.path


async def test_change_without_a_word_of_its_origin_is_refused(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=1000)
    for route in CHANGING:
        path = route.path.format(guild_id=GUILD, **PLACES)
        for headers in ({}, {"Origin": "null"}, {"Origin": "http://localhost:1"}):
            response = await world.client.request(route.method, path, headers=headers)
            assert response.status == 403, route.path


async def test_change_from_a_name_pointed_at_this_machine_is_refused(open_web: OpenWorld) -> None:
    """A page elsewhere whose name leads here is of the same origin, but on no trusted network."""
    world = await open_web(per_minute=1000)
    for route in ROUTES:
        response = await call(world, route, Host="evil.example")
        assert response.status == 401, route.path


async def test_change_with_the_wrong_key_is_refused_on_a_trusted_network(world: World) -> None:
    route = next(one for one in ROUTES if one.method == "PATCH")
    response = await call(
        world, route, **{"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer x"}
    )
    assert response.status == 401


async def test_no_other_site_is_let_in_by_preflight(world: World) -> None:
    path = f"/v1/guilds/{GUILD}/settings/welcome"
    response = await world.client.options(
        path,
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"},
    )
    assert response.status == 405
    assert not [name for name in response.headers if name.startswith("Access-Control")]
