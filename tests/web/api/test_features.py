"""`/v1/guilds/{guild_id}/features`: what is on, what is in its way, and the switch."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientResponse

from bot.core.i18n import _
from bot.core.problems import Problem
from tests.web.support import GUILD, REGISTRY, World
from tests.web.test_error_shape import assert_problem

PATH = f"/v1/guilds/{GUILD}/features"
HERE = {"Sec-Fetch-Site": "same-origin"}


async def _switch(world: World, sent: Any, key: str = "welcome", **headers: str) -> ClientResponse:
    return await world.client.patch(f"{PATH}/{key}", json=sent, headers=HERE | headers)


async def test_features_are_all_there_in_the_readers_language(world: World) -> None:
    english = await (await world.client.get(PATH)).json()
    spanish = await (await world.client.get(PATH, headers={"Accept-Language": "es"})).json()

    assert [one["key"] for one in english] == [one.key for one in REGISTRY.all()]
    by_key = {one["key"]: one for one in english}
    assert by_key["welcome"]["title"] == "Welcome"
    assert by_key["welcome"]["enabled"] is False
    assert {one["key"]: one for one in spanish}["welcome"]["title"] == "Bienvenida"


async def test_feature_is_switched_on_and_off(world: World) -> None:
    on = await _switch(world, {"enabled": True})
    assert (on.status, on.headers["ETag"]) == (200, '"v1"')
    assert (await on.json())["enabled"] is True
    assert (await _switch(world, {"enabled": True})).headers["ETag"] == '"v1"'
    off = await _switch(world, {"enabled": False}, **{"If-Match": '"v1"'})
    assert (await off.json())["enabled"] is False
    guild = await (await world.client.get(f"/v1/guilds/{GUILD}")).json()
    assert "welcome" not in guild["enabled_features"]


async def test_feature_switched_by_somebody_else_meanwhile(world: World) -> None:
    await _switch(world, {"enabled": True})
    response = await _switch(world, {"enabled": True}, **{"If-Match": '"v0"'})
    body = await assert_problem(response, 412, "E004", "/enabled")
    assert body["changes"][0]["diff"] == {"enabled": {"before": False, "after": True}}


async def test_feature_that_is_always_on(world: World) -> None:
    [key] = [one.key for one in REGISTRY.all() if one.always_on][:1]
    await assert_problem(await _switch(world, {"enabled": False}, key), 400, "E004", "/enabled")


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({}, "/enabled"),
        ({"enabled": 1}, "/enabled"),
        ({"enabled": "yes"}, "/enabled"),
        ({"enabled": True, "version": 3}, "/version"),
    ],
)
async def test_feature_switch_takes_only_a_switch(
    world: World, sent: dict[str, Any], pointer: str
) -> None:
    await assert_problem(await _switch(world, sent), 400, "E004", pointer)


async def test_feature_unknown(world: World) -> None:
    await assert_problem(await world.client.get(f"{PATH}/welcom"), 404, "E006")
    await assert_problem(await _switch(world, {"enabled": True}, "welcom"), 404, "E006")


async def test_feature_tells_problems_with_their_fix(world: World) -> None:
    await _switch(world, {"enabled": True})
    headers = HERE | {"If-Match": "*"}
    path = f"/v1/guilds/{GUILD}/settings/welcome"
    channel = str(world.state.rooms[0].id)
    await world.client.patch(path, json={"join_channel_id": channel}, headers=headers)
    world.state.rooms.clear()

    [problem] = [
        one
        for one in (await (await world.client.get(f"{PATH}/welcome")).json())["problems"]
        if one["cause"] == "channel_gone"
    ]
    assert problem["subject"] == f"join_channel_id:{channel}"
    assert problem["fix"] == "Choose another channel, or let me see it."


async def test_feature_tells_problems_that_were_met_at_work(world: World) -> None:
    met = Problem("welcome", "refused", "message", _("Discord refused it."), _("Choose another."))
    await world.services.problems.report(GUILD, met)

    body = await (await world.client.get(f"{PATH}/welcome")).json()
    assert "refused" in [one["cause"] for one in body["problems"]]
    body = await (await world.client.get(f"{PATH}/general")).json()
    assert body["problems"] == []
