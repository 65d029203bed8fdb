"""Giveaways over the API, by the services that Discord's commands use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core.contracts import SYSTEM, ChannelSummary, RoleSummary
from cogs.giveaways.bodies import GiveawayBody
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.api.giveaway_world import (
    HERE,
    MUTE_ROLE,
    PATH,
    FakeDrawing,
    body,
    giveaways_over_the_api,
)
from tests.web.support import FOREIGN_CHANNEL, GUILD, ROLE, World
from tests.web.test_error_shape import assert_problem


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[tuple[World, FakeDrawing]]:
    """A world with giveaways on each of the databases."""
    async with giveaways_over_the_api(database, clock) as world:
        yield world


async def test_giveaway_ends_at_the_very_instant_that_was_sent(
    stored: tuple[World, FakeDrawing], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _drawing = stored
    sent, read = body(world), clock.now

    def tick() -> datetime:
        clock.advance(timedelta(milliseconds=400))
        return read()

    monkeypatch.setattr(clock, "now", tick)
    added = await world.client.post(PATH, json=sent, headers=HERE)
    shown = datetime.fromisoformat((await added.json())["ends_at"])
    assert shown == datetime.fromisoformat(sent["ends_at"])


async def test_giveaway_is_opened_read_changed_ended_and_cancelled(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, drawing = stored
    client = world.client
    needs = {"any_roles": [str(ROLE)], "messages": 3}
    added = await client.post(PATH, json=body(world, requirements=needs), headers=HERE)
    assert (added.status, added.headers["ETag"]) == (201, '"v1"')
    place, shown = added.headers["Location"], await added.json()
    assert (shown["id"], shown["status"], shown["entries"]) == ("1", "active", 0)
    assert shown["requirements"]["any_roles"] == [str(ROLE)]
    assert "seed" not in shown
    assert await (await client.get(PATH)).json() == [shown]

    sent = body(world, prize="Two boats", winners=2)
    changed = await client.put(place, json=sent, headers=HERE | {"If-Match": '"v1"'})
    assert (changed.status, (await changed.json())["prize"]) == (200, "Two boats")
    stale = await client.put(place, json=sent, headers=HERE | {"If-Match": '"v1"'})
    assert stale.status == 412

    ended = await client.post(f"{place}/end", headers=HERE | {"If-Match": '"v2"'})
    assert ended.status == 200
    assert (len(drawing.closed), drawing.ready) == (1, [GUILD])
    gone = await client.delete(place, headers=HERE | {"If-Match": '"v2"'})
    assert gone.status == 204
    assert (await (await client.get(place)).json())["status"] == "cancelled"


async def test_giveaway_says_its_time_to_claim_as_it_is_sent(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, _drawing = stored
    await world.services.settings.change(GUILD, "giveaways", {"claim_window": "1h"}, actor=SYSTEM)
    for sent, meant in (({}, 3600), ({"claim_window": None}, 3600), ({"claim_window": 0}, 0)):
        added = await world.client.post(PATH, json=body(world, **sent), headers=HERE)
        shown = await added.json()
        assert shown["claim_window"] == meant
        # What was answered says the same when it is sent, for a new one and for this one.
        again = {name: shown[name] for name in GiveawayBody.model_fields if name != "starts_at"}
        copied = await world.client.post(PATH, json=again, headers=HERE)
        assert (await copied.json())["claim_window"] == meant
        headers = HERE | {"If-Match": added.headers["ETag"]}
        kept = await world.client.put(added.headers["Location"], json=again, headers=headers)
        assert (kept.status, (await kept.json())["claim_window"]) == (200, meant)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"channel_id": str(FOREIGN_CHANNEL)}, "/channel_id"),
        ({"channel_id": "none"}, "/channel_id"),
        ({"winners": 0}, "/winners"),
        ({"winners": 10_000}, "/winners"),
        ({"prize": "x" * 5000}, "/prize"),
        ({"requirements": {"no_roles": ["5"]}}, "/requirements"),
        ({"bonus_entries": [{"role_id": "x", "entries": 1}]}, "/bonus_entries"),
        ({"bonus_entries": [{"role_id": str(ROLE), "entries": 1}] * 2}, "/bonus_entries/1/role_id"),
        ({"level_bonus_entries": [{"level": 5, "entries": 1}]}, "/level_bonus_entries/0/level"),
        ({"level_bonus_entries": [{"level": 0, "entries": 1}]}, "/level_bonus_entries"),
        ({"item_bonus_entries": [{"item_id": "9", "entries": 1}]}, "/item_bonus_entries/0/item_id"),
        ({"item_bonus_entries": [{"item_id": "x", "entries": 1}]}, "/item_bonus_entries/0/item_id"),
        ({"item_bonus_entries": [{"item_id": "9", "entries": 0}]}, "/item_bonus_entries"),
        ({"unknown": 1}, "/unknown"),
        ({"prize_amount": 0}, "/prize_amount"),
        ({"prize_amount": 10**12 + 1}, "/prize_amount"),
        ({"prize_xp": 0}, "/prize_xp"),
        ({"prize_xp": 10**9 + 1}, "/prize_xp"),
        # Levels are off.
        ({"prize_xp": 5}, "/prize_xp"),
        ({"reward_role_id": "5"}, "/reward_role_id"),
        ({"host_id": "9" * 19}, "/host_id"),
        ({"requirements": {"level": 3}}, "/requirements/level"),
    ],
)
async def test_wrong_field_is_named_and_nothing_is_opened(
    stored: tuple[World, FakeDrawing], changes: dict[str, Any], pointer: str
) -> None:
    world, _ = stored
    response = await world.client.post(PATH, json=body(world, **changes), headers=HERE)
    problem = await response.json()

    assert (response.status, problem["code"]) == (400, "E004")
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert await (await world.client.get(PATH)).json() == []


async def test_end_in_the_past_and_unknown_number_are_told(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, _ = stored
    past = (world.services.clock.now() - timedelta(days=1)).isoformat()
    response = await world.client.post(PATH, json=body(world, ends_at=past), headers=HERE)
    await assert_problem(response, 400, "E004")
    await assert_problem(await world.client.get(f"{PATH}/7"), 404, "E006")


async def test_currency_and_a_role_for_a_time_are_kept(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    given = {
        "prize_amount": 10**12,
        "reward_role_id": str(ROLE),
        "reward_role_time": 86_400,
    }
    response = await world.client.post(PATH, json=body(world, **given), headers=HERE)
    shown = await response.json()

    assert response.status == 201
    assert {name: shown[name] for name in given} == given


async def test_start_and_host_are_changed_where_they_are_sent(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, _ = stored
    now = world.services.clock.now()
    times = [(now + timedelta(hours=one)).isoformat() for one in (2, 4, 30)]
    sent = body(world, starts_at=times[0], ends_at=times[2], host_id="5")
    place = (await world.client.post(PATH, json=sent, headers=HERE)).headers["Location"]

    again = body(world, ends_at=times[2])
    headers = HERE | {"If-Match": '"v1"'}
    kept = await (await world.client.put(place, json=again, headers=headers)).json()
    assert (kept["host_id"], kept["status"]) == ("5", "scheduled")
    sent |= {"starts_at": times[1], "host_id": "6"}
    headers = HERE | {"If-Match": '"v2"'}
    moved = await (await world.client.put(place, json=sent, headers=headers)).json()
    assert moved["host_id"] == "6"
    assert datetime.fromisoformat(moved["starts_at"]) == now + timedelta(hours=4)
    assert datetime.fromisoformat(moved["ends_at"]) == now + timedelta(hours=30)


async def test_start_that_is_past_is_now_and_the_end_stays(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, _ = stored
    now = world.services.clock.now()
    yesterday = (now - timedelta(days=1)).isoformat()
    sent = body(world, starts_at=yesterday)
    shown = await (await world.client.post(PATH, json=sent, headers=HERE)).json()

    assert datetime.fromisoformat(shown["ends_at"]) == now + timedelta(days=1)


async def test_giveaway_is_ended_and_changed_whatever_has_become_of_its_channel_and_roles(
    stored: tuple[World, FakeDrawing],
) -> None:
    """What was right when it was sent, and is as it was, is in nobody's way."""
    world, drawing = stored
    needs = {"any_roles": [str(ROLE)]}
    sent = body(world, requirements=needs)
    place = (await world.client.post(PATH, json=sent, headers=HERE)).headers["Location"]
    world.state.rooms, world.state.ranks = [], []

    changed = await world.client.put(
        place, json=sent | {"prize": "Two boats"}, headers=HERE | {"If-Match": '"v1"'}
    )
    assert (changed.status, (await changed.json())["prize"]) == (200, "Two boats")
    other = sent | {"requirements": needs | {"no_roles": [str(ROLE)]}}
    refused = await world.client.put(place, json=other, headers=HERE | {"If-Match": '"v2"'})
    assert refused.status == 400
    ended = await world.client.post(f"{place}/end", headers=HERE)
    assert (ended.status, len(drawing.closed)) == (200, 1)


async def test_role_that_everybody_has_is_not_asked_for(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    world.state.ranks.append(RoleSummary(GUILD, GUILD, "@everyone", 0))
    needs = {"all_roles": [str(GUILD)]}
    response = await world.client.post(PATH, json=body(world, requirements=needs), headers=HERE)

    assert response.status == 400
    assert "@everyone" in str((await response.json())["errors"])


async def test_channel_that_nobody_writes_in_takes_no_giveaway(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, _ = stored
    world.state.rooms.append(ChannelSummary(77, GUILD, "Rooms", "category"))
    response = await world.client.post(PATH, json=body(world, channel_id="77"), headers=HERE)

    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "/channel_id"


async def test_giveaways_are_listed_in_pages(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    for _number in range(5):
        await world.client.post(PATH, json=body(world), headers=HERE)
    target, numbers = f"{PATH}?limit=2", []
    while target:
        answer = await world.client.get(target)
        numbers.append([int(one["id"]) for one in await answer.json()])
        target = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert numbers == [[5, 4], [3, 2], [1]]
    beyond = await world.client.get(f"{PATH}?before={2**63 - 1}&limit=1")
    assert [one["id"] for one in await beyond.json()] == ["5"]
    await assert_problem(await world.client.get(f"{PATH}/{2**62}"), 404, "E006")


async def test_mute_role_is_no_prize(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    world.state.ranks.append(RoleSummary(MUTE_ROLE, GUILD, "Muted", 1))
    response = await world.client.post(
        PATH, json=body(world, reward_role_id=str(MUTE_ROLE)), headers=HERE
    )
    (error,) = (await response.json())["errors"]
    assert (response.status, error["pointer"]) == (400, "/reward_role_id")
