"""`/api/logs`: filters, pages, and the documented shape."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from db.audit import add_audit_entry
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import World, open_world

GUILD, OTHER_GUILD, USER = 987654321098765432, 5, 123456789012345678


@pytest.fixture
async def logged(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world with ten entries, `ban_user` in every third and two in one instant."""
    world = await open_world(database, clock)
    async with database.write() as session:
        for number in range(10):
            await add_audit_entry(
                session,
                user_id=USER if number % 2 else 7,
                guild_id=GUILD if number < 8 else OTHER_GUILD,
                action="ban_user" if number % 3 == 0 else "command_executed",
                category="moderation" if number % 3 == 0 else "user_action",
                details={"number": number},
                now=clock.now() + timedelta(seconds=number // 2),
            )
    yield world
    await world.client.close()


async def _get(world: World, query: str = "") -> list[dict[str, Any]]:
    response = await world.client.get(f"/api/logs{query}")
    assert response.status == 200, await response.text()
    return await response.json()


async def test_logs_have_the_documented_shape(logged: World) -> None:
    entries = await _get(logged)
    assert len(entries) == 10
    for entry in entries:
        assert list(entry) == [
            "id",
            "user_id",
            "guild_id",
            "action",
            "category",
            "details",
            "created_at",
        ]
        assert isinstance(entry["user_id"], str)
        assert isinstance(entry["guild_id"], str)
        assert re.fullmatch(r"2026-06-01T12:00:\d\d\.\d{3}Z", entry["created_at"])
    assert str(GUILD) in {entry["guild_id"] for entry in entries}
    instants = [entry["created_at"] for entry in entries]
    assert instants == sorted(instants, reverse=True)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (f"?guild_id={OTHER_GUILD}", {8, 9}),
        (f"?user_id={USER}", {1, 3, 5, 7, 9}),
        ("?action=ban_user", {0, 3, 6, 9}),
        ("?category=moderation", {0, 3, 6, 9}),
        (f"?category=moderation&guild_id={GUILD}&user_id={USER}", {3}),
        ("?action=nothing", set()),
        ("?since=2026-06-01T12:00:03Z", {6, 7, 8, 9}),
        ("?since=2026-06-01T14:00:04%2B02:00&user_id=7", {8}),
    ],
)
async def test_logs_filters(logged: World, query: str, numbers: set[int]) -> None:
    assert {entry["details"]["number"] for entry in await _get(logged, query)} == numbers


async def test_logs_pages_by_link_show_every_entry_once(logged: World) -> None:
    seen: list[str] = []
    path: str | None = "/api/logs?limit=3&category=user_action"
    while path:
        response = await logged.client.get(path)
        seen += [entry["id"] for entry in await response.json()]
        link = re.fullmatch('<(.+)>; rel="next"', response.headers.get("Link", ""))
        path = link[1] if link else None
    assert len(seen) == len(set(seen)) == 6


async def test_logs_before_an_entry(logged: World) -> None:
    entries = await _get(logged)
    for place in (0, 4, 9):
        after = await _get(logged, f"?before={entries[place]['id']}")
        assert after == entries[place + 1 :]


async def test_logs_before_an_instant(logged: World) -> None:
    entries = await _get(logged, "?before=2026-06-01T12:00:02Z")
    assert {entry["details"]["number"] for entry in entries} == {0, 1, 2, 3}


async def test_logs_limit(logged: World) -> None:
    assert len(await _get(logged, "?limit=1")) == 1
    assert len(await _get(logged, "?limit=200")) == 10


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?category=bogus", "'moderation'"),
        ("?since=yesterday", "2024-01-01T00:00:00Z"),
        ("?since=2024-01-01T00:00:00", "2024-01-01T00:00:00Z"),
    ],
)
async def test_logs_filter_that_names_nothing_is_told(logged: World, query: str, said: str) -> None:
    response = await logged.client.get(f"/api/logs{query}")
    assert response.status == 400
    (error,) = (await response.json())["errors"]
    assert said in error["detail"]


async def test_logs_every_filter_is_described(logged: World) -> None:
    document = await (await logged.client.get("/openapi.json")).json()
    for parameter in document["paths"]["/api/logs"]["get"]["parameters"]:
        assert parameter["description"], parameter["name"]
