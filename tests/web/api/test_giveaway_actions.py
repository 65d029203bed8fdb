"""What is done with giveaways over the API, and their proofs."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from cogs.giveaways import proof
from cogs.giveaways.bodies import GiveawayBody
from cogs.giveaways.resource import RESOURCE
from cogs.giveaways.verify import check_proof
from db.audit import list_audit_entries
from db.engine import Database
from tests.cogs.giveaways.rows import add_drawn, make_giveaway
from tests.fakes import FakeClock
from tests.web.api.giveaway_world import (
    HERE,
    PATH,
    FakeDrawing,
    body,
    giveaways_over_the_api,
    put,
)
from tests.web.support import GUILD, World
from tests.web.test_error_shape import assert_problem


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[tuple[World, FakeDrawing]]:
    """A world with giveaways on each of the databases."""
    async with giveaways_over_the_api(database, clock) as world:
        yield world


async def test_giveaway_is_paused_and_goes_on(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    place = (await world.client.post(PATH, json=body(world), headers=HERE)).headers["Location"]
    paused = await world.client.post(f"{place}/pause", headers=HERE | {"If-Match": '"v1"'})
    shown = await paused.json()
    assert (paused.status, shown["status"], shown["ends_at"]) == (200, "paused", None)
    await assert_problem(await world.client.post(f"{place}/pause", headers=HERE), 409, "E004")

    # What was read can be sent back as it was.
    kept = {name: shown[name] for name in GiveawayBody.model_fields}
    same = await put(world, place, "v2", **kept)
    assert (await same.json())["status"] == "paused"
    resumed = await world.client.post(f"{place}/resume", headers=HERE | {"If-Match": '"v3"'})
    assert (await resumed.json())["status"] == "active"
    stale = await world.client.post(f"{place}/pause", headers=HERE | {"If-Match": '"v3"'})
    assert stale.status == 412


async def test_what_is_done_with_one_is_no_part_of_what_it_is(
    stored: tuple[World, FakeDrawing],
) -> None:
    world, drawing = stored
    place = (await world.client.post(PATH, json=body(world), headers=HERE)).headers["Location"]
    for act in ({"end": True}, {"paused": True}, {"draw_again": {"count": 1}}):
        refused = await put(world, place, "v1", **act)
        await assert_problem(refused, 400, "E004", f"/{next(iter(act))}")
    assert not drawing.closed


async def test_giveaway_is_drawn_again(stored: tuple[World, FakeDrawing]) -> None:
    world, drawing = stored
    added = await world.client.post(PATH, json=body(world), headers=HERE)
    again = f"{added.headers['Location']}/draw-again"
    for wanted in ({"count": 3}, {"instead_of": "9"}):
        assert (await world.client.post(again, json=wanted, headers=HERE)).status == 200
    assert [(one["count"], one["user_id"]) for one in drawing.again] == [(3, None), (1, 9)]
    for wrong in ({"count": 51}, {"instead_of": "x"}, {"count": 2, "instead_of": "9"}):
        refused = await world.client.post(again, json=wrong, headers=HERE)
        pointer = (await refused.json())["errors"][0]["pointer"]
        assert (refused.status, pointer) == (
            400,
            "/count" if wrong == {"count": 51} else "/instead_of",
        )


async def test_each_action_has_a_button_while_it_can_be_done() -> None:
    offered = {
        status: {
            one.name for one in RESOURCE.actions if one.is_offered(SimpleNamespace(status=status))
        }
        for status in ("scheduled", "active", "paused", "drawing", "ended", "cancelled")
    }
    assert offered == {
        "scheduled": {"add-codes"},
        "active": {"end", "pause", "add-codes"},
        "paused": {"end", "resume", "add-codes"},
        "drawing": {"add-codes"},
        "ended": {"draw-again", "add-codes"},
        "cancelled": set(),
    }


async def test_codes_are_taken_and_never_come_back(
    stored: tuple[World, FakeDrawing], database: Database
) -> None:
    world, drawing = stored
    place = (await world.client.post(PATH, json=body(world), headers=HERE)).headers["Location"]
    for codes, total in ((["AAA-1", " BBB-2 "], 2), (["CCC-3"], 3)):
        answer = await world.client.post(f"{place}/add-codes", json={"codes": codes}, headers=HERE)
        shown = await answer.json()
        assert (answer.status, shown["codes"], shown["codes_handed"]) == (200, total, 0)
        assert "AAA" not in str(shown)
    assert len(drawing.told) == 1
    (listed,) = await (await world.client.get(PATH)).json()
    assert listed["codes"] == 3

    for wrong in (["BBB-2"], [], [" "], ["x" * 501], ["DDD", "DDD"]):
        refused = await world.client.post(f"{place}/add-codes", json={"codes": wrong}, headers=HERE)
        assert refused.status == 400
        assert "BBB" not in await refused.text()
    async with database.read() as session:
        entries = await list_audit_entries(session, guild_id=GUILD)
    noted = [one.details for one in entries if one.action == "giveaways.codes"]
    assert sorted(one["codes"] for one in noted) == [2, 3]
    assert "AAA" not in str(noted)


async def test_proof_is_handed_out_once_it_was_drawn(
    stored: tuple[World, FakeDrawing], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = stored
    await world.client.post(PATH, json=body(world), headers=HERE)
    await assert_problem(await world.client.get(f"{PATH}/1/proof"), 404, "E006")
    await assert_problem(await world.client.get(f"{PATH}/2/proof"), 404, "E006")
    async with database.write() as session:
        await add_drawn(session, make_giveaway(guild_id=GUILD, number=2), {7: 1, 8: 1, 9: 3})

    handed = await world.client.get(f"{PATH}/2/proof")
    assert check_proof(await handed.json())
    assert "giveaway-2.json" in handed.headers["Content-Disposition"]
    monkeypatch.setattr(proof, "LARGEST_PLAIN", 10)
    packed = await world.client.get(f"{PATH}/2/proof")
    assert packed.content_type == "application/gzip"
    assert check_proof(json.loads(gzip.decompress(await packed.read())))
