"""`/v1/guilds`: which there are, and what there is to choose from in one."""

from __future__ import annotations

import pytest

from bot.core.contracts import GuildSummary
from tests.web.support import CHANNEL, GUILD, GUILD_NAME, OTHER_GUILD, OWNER, ROLE, World
from tests.web.test_error_shape import assert_problem


async def test_guilds_have_ids_as_texts(world: World) -> None:
    body = await (await world.client.get("/v1/guilds")).json()

    assert body == [
        {"id": str(GUILD), "name": GUILD_NAME, "member_count": 10, "icon": None},
        {"id": str(OTHER_GUILD), "name": "Elsewhere", "member_count": 3, "icon": None},
    ]


async def test_guilds_come_in_pages_and_by_name(world: World) -> None:
    world.state.known = {
        number: GuildSummary(number, f"Home {number}", OWNER, 1) for number in range(1, 6)
    }
    first = await world.client.get("/v1/guilds?limit=2&q=hOmE")
    assert [one["id"] for one in await first.json()] == ["1", "2"]
    target = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = await world.client.get(target)
    assert [one["id"] for one in await second.json()] == ["3", "4"]
    last = await world.client.get("/v1/guilds?after=4")
    assert [one["id"] for one in await last.json()] == ["5"]
    assert "Link" not in last.headers
    assert [one["id"] for one in await (await world.client.get("/v1/guilds?q=3")).json()] == ["3"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "after=x", "q=" + "a" * 101, "page=2"])
async def test_guilds_refuse_a_strange_query(world: World, query: str) -> None:
    pointer = "/" + query.partition("=")[0]
    await assert_problem(await world.client.get(f"/v1/guilds?{query}"), 400, "E004", pointer)


async def test_guild_in_full(world: World) -> None:
    body = await (await world.client.get(f"/v1/guilds/{GUILD}")).json()

    assert body["name"] == GUILD_NAME
    assert body["owner_id"] == str(OWNER)
    assert body["bot_joined_at"] == "2026-01-02T00:00:00.000Z"
    assert set(body["enabled_features"]) >= {"general", "admin"}


async def test_channels_and_roles_are_the_guilds_own(world: World) -> None:
    channels = await (await world.client.get(f"/v1/guilds/{GUILD}/channels")).json()
    assert [one["id"] for one in channels] == [str(CHANNEL), "51"]
    assert (channels[0]["type"], channels[1]["type"]) == ("text", "voice")
    assert "send_messages" in channels[0]["bot_permissions"]
    roles = await (await world.client.get(f"/v1/guilds/{GUILD}/roles")).json()
    assert [(one["id"], one["assignable"]) for one in roles] == [(str(ROLE), True)]
    assert await (await world.client.get(f"/v1/guilds/{OTHER_GUILD}/roles")).json() == []
