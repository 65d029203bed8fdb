"""Giveaways over the API, by the services that Discord's commands use."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.core.config import Config
from bot.core.contracts import SYSTEM, ChannelSummary, RoleSummary
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.giveaways import proof
from cogs.giveaways.board import Board
from cogs.giveaways.bodies import GiveawayBody
from cogs.giveaways.bodychecks import BodyChecks
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.resource import RESOURCE, GiveawayResource
from cogs.giveaways.stocking import Stocking
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.vault import Vault
from cogs.giveaways.verify import check_proof
from db.audit import list_audit_entries
from db.engine import Database
from tests.cogs.giveaways.rows import add_drawn, make_giveaway
from tests.fakes import FakeClock
from tests.web.support import CHANNEL, FOREIGN_CHANNEL, GUILD, ROLE, World, open_world
from tests.web.test_error_shape import assert_problem

PATH = f"/v1/guilds/{GUILD}/giveaways"
HERE = {"Sec-Fetch-Site": "same-origin"}
MUTE_ROLE = 61


async def mute_role(_guild_id: int) -> int:
    return MUTE_ROLE


class FakeDrawing:
    """Notes who ends what, and has it drawn again."""

    def __init__(self) -> None:
        self.again: list[Any] = []
        self.closed: list[Any] = []
        self.ready: list[int] = []
        self.told: list[Any] = []

    async def get_ready(self, guild_id: int) -> None:
        self.ready.append(guild_id)

    async def close(self, session: Any, giveaway_id: Any, *, by: int | None = None) -> bool:
        self.closed.append(giveaway_id)
        return True

    async def tell_of_codes(self, session: Any, giveaway_id: Any) -> None:
        self.told.append(giveaway_id)

    async def reroll(self, giveaway_id: Any, *, note: Any, **wanted: Any) -> None:
        self.again.append(wanted)


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[tuple[World, FakeDrawing]]:
    """A world with giveaways on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    services, supervisor = world.services, TaskSupervisor()
    drawing: Any = FakeDrawing()
    jobs = JobService(database, clock, Config().jobs, supervisor)
    outbox = OutboxService(database, clock, supervisor)
    board = Board(
        database,
        clock,
        services.settings,
        jobs=jobs,
        outbox=outbox,
        state=services.state,
        watch=MessageWatch(database, services.problems),
    )
    opening = Opening(
        database, clock, services.settings, jobs=jobs, audit=services.audit, board=board
    )
    resource = GiveawayResource(
        database,
        clock,
        opening=opening,
        drawing=drawing,
        winning=drawing,
        proofs=Proofs(database),
        stocking=Stocking(
            database,
            services.audit,
            vault=Vault(clock, secret="an operator's secret", key_file=None),
            winning=drawing,
        ),
        audit=services.audit,
        checks=BodyChecks(
            services.settings,
            services.state,
            mute_role,
            items=ItemCheck(database, services.settings),
        ),
    )
    services.resources.register("giveaways", resource)
    yield world, drawing
    await world.client.close()


def body(world: World, **changes: Any) -> dict[str, Any]:
    ends_at = (world.services.clock.now() + timedelta(days=1)).isoformat()
    return {"channel_id": str(CHANNEL), "prize": "A boat", "ends_at": ends_at} | changes


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


async def test_giveaway_is_paused_and_goes_on(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    place = (await world.client.post(PATH, json=body(world), headers=HERE)).headers["Location"]
    paused = await world.client.post(f"{place}/pause", headers=HERE | {"If-Match": '"v1"'})
    shown = await paused.json()
    assert (paused.status, shown["status"], shown["ends_at"]) == (200, "paused", None)
    await assert_problem(await world.client.post(f"{place}/pause", headers=HERE), 409, "E004")

    # What was read can be sent back as it was.
    kept = {name: shown[name] for name in GiveawayBody.model_fields}
    same = await _put(world, place, "v2", **kept)
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
        refused = await _put(world, place, "v1", **act)
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


async def test_mute_role_is_no_prize(stored: tuple[World, FakeDrawing]) -> None:
    world, _ = stored
    world.state.ranks.append(RoleSummary(MUTE_ROLE, GUILD, "Muted", 1))
    response = await world.client.post(
        PATH, json=body(world, reward_role_id=str(MUTE_ROLE)), headers=HERE
    )
    (error,) = (await response.json())["errors"]
    assert (response.status, error["pointer"]) == (400, "/reward_role_id")


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


async def _put(world: World, place: str, version: str, **changes: Any) -> Any:
    match = HERE | {"If-Match": f'"{version}"'}
    return await world.client.put(place, json=body(world, **changes), headers=match)
