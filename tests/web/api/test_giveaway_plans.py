"""Templates, series and blocks of giveaways over the API, by the services of the commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import Actor
from bot.core.errors import Conflict
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.giveaways.block_resource import BlockResource
from cogs.giveaways.blocklist import Blocklist
from cogs.giveaways.board import Board
from cogs.giveaways.bodychecks import BodyChecks
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.opening import Opening
from cogs.giveaways.plan import Plan
from cogs.giveaways.series import Series
from cogs.giveaways.series_resource import SeriesResource
from cogs.giveaways.template_resource import TemplateBody, TemplateResource
from cogs.giveaways.templates import MOST_TEMPLATES, Templates
from cogs.giveaways.upkeep import MessageWatch
from db.audit import list_audit_entries
from db.economy_shop import add_item, change_item
from db.engine import Database
from db.giveaways import Giveaway
from tests.fakes import FakeClock
from tests.web.api.giveaway_world import HERE, mute_role
from tests.web.support import CHANNEL, FOREIGN_CHANNEL, GUILD, OTHER_GUILD, ROLE, World, open_world
from tests.web.test_error_shape import assert_problem

TEMPLATES = f"/v1/guilds/{GUILD}/giveaway-templates"
SERIES = f"/v1/guilds/{GUILD}/giveaway-series"
BLOCKS = f"/v1/guilds/{GUILD}/giveaway-blocks"
DAY = timedelta(days=1)
ADMIN = Actor(5, "web", "admin")


@dataclass
class Stored:
    """A world with what giveaways are made of."""

    world: World
    audit: AuditLog
    templates: Templates
    series: Series
    jobs: JobService

    async def call(self, method: str, path: str, body: Any = None, version: int = 0) -> Any:
        match = {"If-Match": f'"v{version}"'} if version else {}
        return await self.world.client.request(method, path, json=body, headers=HERE | match)

    async def noted(self) -> list[str]:
        """Return what the audit log has, by name."""
        async with self.world.services.database.read() as session:
            entries = await list_audit_entries(session, guild_id=GUILD)
        return sorted(one.action.removeprefix("giveaways.") for one in entries)


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[Stored]:
    """A world on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    services, supervisor = world.services, TaskSupervisor()
    jobs = JobService(database, clock, Config().jobs, supervisor)
    board = Board(
        database,
        clock,
        services.settings,
        jobs=jobs,
        outbox=OutboxService(database, clock, supervisor),
        state=services.state,
        watch=MessageWatch(database, services.problems),
    )
    opening = Opening(
        database, clock, services.settings, jobs=jobs, audit=services.audit, board=board
    )
    series = Series(
        database,
        clock,
        settings=services.settings,
        jobs=jobs,
        opening=opening,
        problems=services.problems,
    )
    series.start()
    templates = Templates(database, clock, services.audit)
    items = ItemCheck(database, services.settings)
    checks = BodyChecks(services.settings, services.state, mute_role, items=items)
    for name, service in (
        ("giveaway-templates", TemplateResource(templates, checks)),
        (
            "giveaway-series",
            SeriesResource(series, checks, settings=services.settings, clock=clock),
        ),
        ("giveaway-blocks", BlockResource(Blocklist(database, clock, services.audit))),
    ):
        services.resources.register(name, service)
    yield Stored(world, services.audit, templates, series, jobs)
    await world.client.close()


# --- templates -----------------------------------------------------------------------------------


async def test_template_is_added_read_changed_and_deleted(stored: Stored) -> None:
    sent = {
        "name": " Friday  fun ",
        "prize": "A boat",
        "duration": 86_400,
        "claim_window": 0,
        "requirements": {"any_roles": [str(ROLE)], "messages": 3},
        "bonus_entries": [{"role_id": str(ROLE), "entries": 2}],
    }
    added = await stored.call("POST", TEMPLATES, sent)
    shown = await added.json()
    assert (added.status, added.headers["ETag"], shown["name"]) == (201, '"v1"', "Friday fun")
    assert {name: shown[name] for name in ("duration", "claim_window", "bonus_entries")} == {
        name: sent[name] for name in ("duration", "claim_window", "bonus_entries")
    }
    kept = await stored.templates.get(GUILD, "friday fun")
    assert Plan.from_json(kept.plan).duration == DAY
    assert await (await stored.call("GET", TEMPLATES)).json() == [shown]

    place = added.headers["Location"]
    same = {name: shown[name] for name in TemplateBody.model_fields}
    changed = await stored.call("PUT", place, same | {"name": "FRIDAY fun", "winners": 2}, 1)
    assert (changed.status, changed.headers["ETag"]) == (200, '"v2"')
    for call in (stored.call("PUT", place, same, 1), stored.call("DELETE", place, None, 1)):
        await assert_problem(await call, 412, "E004")
    assert (await stored.call("DELETE", place, None, 2)).status == 204
    await assert_problem(await stored.call("GET", place), 404, "E006")
    assert await stored.noted() == ["template_delete", "template_save", "template_save"]


async def test_levels_give_more_entries_while_levels_are_on(stored: Stored) -> None:
    steps = [{"level": 5, "entries": 1}, {"level": 20, "entries": 3}]
    sent = {"name": "Levels", "prize": "A boat", "level_bonus_entries": steps}
    refused = await (await stored.call("POST", TEMPLATES, sent)).json()
    assert [one["pointer"] for one in refused["errors"]] == [
        "/level_bonus_entries/0/level",
        "/level_bonus_entries/1/level",
    ]

    settings = stored.world.services.settings
    await settings.change(GUILD, "levels", {}, enabled=True, actor=ADMIN)
    shown = await (await stored.call("POST", TEMPLATES, sent)).json()
    assert shown["level_bonus_entries"] == steps
    await settings.change(GUILD, "levels", {}, enabled=False, actor=ADMIN)
    same = {name: shown[name] for name in TemplateBody.model_fields}
    changed = await stored.call("PUT", f"{TEMPLATES}/{shown['id']}", same | {"winners": 2}, 1)
    assert (await changed.json())["level_bonus_entries"] == steps


async def test_items_of_the_shop_give_entries(stored: Stored) -> None:
    database, now = stored.world.services.database, stored.world.services.clock.now()
    item = {"name": "Ticket", "name_key": "ticket", "description": "", "emoji": "", "price": 1}
    more = {"role_id": None, "trusted": False, "created_at": now, "kind": "keep"}
    async with database.write() as session:
        ours = await add_item(session, {"guild_id": GUILD, **item, **more})
        others = await add_item(session, {"guild_id": OTHER_GUILD, **item, **more})
    assert ours is not None
    assert others is not None
    named = [{"item_id": str(one.id), "entries": 2, "most": 3} for one in (ours, others)]
    sent = {"name": "Shop", "prize": "A boat", "item_bonus_entries": named}
    refused = await (await stored.call("POST", TEMPLATES, sent)).json()
    assert [one["pointer"] for one in refused["errors"]] == ["/item_bonus_entries/1/item_id"]

    answer = await stored.call("POST", TEMPLATES, sent | {"item_bonus_entries": named[:1]})
    shown = await answer.json()
    assert shown["item_bonus_entries"] == named[:1]
    # It stays in the plan after it was taken off the shop.
    async with database.write() as session:
        await change_item(session, GUILD, ours.id, ours.revision, {"archived_at": now})
    same = {name: shown[name] for name in TemplateBody.model_fields}
    place = f"{TEMPLATES}/{shown['id']}"
    assert (await stored.call("PUT", place, same | {"winners": 2}, 1)).status == 200
    again = await stored.call("POST", TEMPLATES, same | {"name": "Another"})
    await assert_problem(again, 400, "E004", "/item_bonus_entries/0/item_id")


async def test_template_of_the_command_is_one_of_the_api(stored: Stored) -> None:
    """A giveaway whose winners need not claim makes a template that says so."""
    plan = Plan(prize="A mug", duration=DAY, claim_window=timedelta(0))
    await stored.templates.save(GUILD, "Mug", plan, ADMIN, number=4)
    (shown,) = await (await stored.call("GET", TEMPLATES)).json()
    assert (shown["name"], shown["claim_window"], shown["duration"]) == ("Mug", 0, 86_400)
    place = f"{TEMPLATES}/{shown['id']}"
    await stored.templates.save(GUILD, "mug", plan, ADMIN)
    assert (await stored.call("GET", place)).headers["ETag"] == '"v2"'


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "mug"}, "/name"),
        ({"name": ""}, "/name"),
        ({"reward_role_id": "5"}, "/reward_role_id"),
        ({"requirements": {"level": 3}}, "/requirements/level"),
        ({"channel_id": str(CHANNEL)}, "/channel_id"),
    ],
)
async def test_wrong_field_of_a_template_is_named(
    stored: Stored, changes: dict[str, Any], pointer: str
) -> None:
    await stored.templates.save(GUILD, "Mug", Plan(prize="A mug"), ADMIN)
    other = await stored.call("POST", TEMPLATES, {"name": "Other", "prize": "x"})
    sent = {"name": "New", "prize": "A boat"} | changes
    for call in (
        stored.call("POST", TEMPLATES, sent),
        stored.call("PUT", other.headers["Location"], sent, 1),
    ):
        await assert_problem(await call, 400, "E004", pointer)
    assert len(await stored.templates.list(GUILD)) == 2


async def test_templates_of_the_api_have_their_bound(stored: Stored) -> None:
    for number in range(MOST_TEMPLATES):
        await stored.templates.save(GUILD, f"t{number}", Plan(prize="x"), ADMIN)
    refused = await stored.call("POST", TEMPLATES, {"name": "one more", "prize": "x"})
    await assert_problem(refused, 409, "E004")


async def test_template_that_was_seen_otherwise_stays(stored: Stored) -> None:
    plan = Plan(prize="A mug")
    seen = await stored.templates.add(GUILD, "Mug", plan, ADMIN)
    await stored.templates.save(GUILD, "mug", plan, ADMIN)
    with pytest.raises(Conflict):
        await stored.templates.change(seen, "Cup", plan, ADMIN)
    with pytest.raises(Conflict):
        await stored.templates.delete(seen, ADMIN, exactly=True)
    assert [one.name for one in await stored.templates.list(GUILD)] == ["mug"]


async def test_of_two_templates_of_one_name_at_once_one_is_kept(stored: Stored) -> None:
    answers = await asyncio.gather(
        *(stored.call("POST", TEMPLATES, {"name": "Mug", "prize": prize}) for prize in "abc")
    )
    assert sorted(one.status for one in answers) == [201, 400, 400]
    assert len(await stored.templates.list(GUILD)) == 1


async def test_template_of_another_guild_is_none(stored: Stored) -> None:
    found = await stored.templates.add(OTHER_GUILD, "Mug", Plan(prize="A mug"), ADMIN)
    await assert_problem(await stored.call("GET", f"{TEMPLATES}/{found.id}"), 404, "E006")


# --- what comes again ----------------------------------------------------------------------------


def weekly(stored: Stored, **changes: Any) -> dict[str, Any]:
    starts_at = (stored.world.clock.now() + DAY).replace(second=0, microsecond=0).isoformat()
    return {
        "channel_id": str(CHANNEL),
        "prize": "A mug",
        "starts_at": starts_at,
        "duration": 3600,
        "repeat": "weekly",
        **changes,
    }


async def test_series_is_begun_read_changed_and_stopped(stored: Stored) -> None:
    added = await stored.call("POST", SERIES, weekly(stored))
    shown = await added.json()
    assert (added.status, shown["repeat"], shown["timezone"]) == (201, "weekly", "UTC")
    begins = datetime.fromisoformat(shown["starts_at"])
    assert begins == datetime.fromisoformat(weekly(stored)["starts_at"])
    assert await (await stored.call("GET", SERIES)).json() == [shown]

    place, later = added.headers["Location"], begins + 2 * DAY
    changes = weekly(stored, prize="A cup", repeat="daily", starts_at=later.isoformat())
    changed = await stored.call("PUT", place, changes, 1)
    shown = await changed.json()
    assert (changed.status, shown["repeat"], shown["prize"]) == (200, "daily", "A cup")
    assert datetime.fromisoformat(shown["starts_at"]) == later
    await assert_problem(await stored.call("PUT", place, changes, 1), 412, "E004")
    assert (await stored.call("DELETE", place, None, 2)).status == 204
    await assert_problem(await stored.call("GET", place), 404, "E006")
    assert await (await stored.call("GET", SERIES)).json() == []
    assert await stored.noted() == ["series_edit", "series_start", "series_stop"]


async def test_series_can_not_begin_in_the_past(stored: Stored, clock: FakeClock) -> None:
    past = {"starts_at": (clock.now() - DAY).isoformat()}
    refused = await stored.call("POST", SERIES, weekly(stored, **past))
    await assert_problem(refused, 400, "E004", "/starts_at")
    assert await stored.series.list(GUILD) == []

    place = (await stored.call("POST", SERIES, weekly(stored))).headers["Location"]
    refused = await stored.call("PUT", place, weekly(stored, **past), 1)
    await assert_problem(refused, 400, "E004", "/starts_at")
    # Whose clock is slow, or who means this very minute.
    minute = {"starts_at": (clock.now() - timedelta(seconds=50)).isoformat()}
    assert (await stored.call("PUT", place, weekly(stored, **minute), 1)).status == 200


async def test_series_keeps_its_times_where_they_are_not_changed(
    stored: Stored, clock: FakeClock, database: Database
) -> None:
    place = (await stored.call("POST", SERIES, weekly(stored))).headers["Location"]
    shown = await (await stored.call("GET", place)).json()
    sent = weekly(stored, prize="A cup", by_clock=True)
    del sent["starts_at"]
    changed = await stored.call("PUT", place, sent, 1)
    assert (await changed.json())["starts_at"] == shown["starts_at"]

    clock.advance(DAY.total_seconds())
    await stored.jobs.run_due()
    async with database.read() as session:
        (held,) = await session.scalars(select(Giveaway))
    assert (held.prize, held.ends_at) == ("A cup", held.starts_at + timedelta(hours=1))
    # It has come again: what was seen before that is another thing.
    await assert_problem(await stored.call("PUT", place, sent, 2), 412, "E004")
    following = (await (await stored.call("GET", place)).json())["starts_at"]
    assert datetime.fromisoformat(following) == held.starts_at + 7 * DAY


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"channel_id": str(FOREIGN_CHANNEL)}, "/channel_id"),
        ({"host_id": "x"}, "/host_id"),
        ({"repeat": "hourly"}, "/repeat"),
        ({"all_roles": ["5"]}, "/all_roles"),
        ({"requirements": {"all_roles": ["5"]}}, "/requirements/all_roles/0"),
    ],
)
async def test_wrong_field_of_a_series_is_named(
    stored: Stored, changes: dict[str, Any], pointer: str
) -> None:
    refused = await stored.call("POST", SERIES, weekly(stored, **changes))
    await assert_problem(refused, 400, "E004", pointer)
    assert await stored.series.list(GUILD) == []


async def test_series_begins_within_a_year(stored: Stored) -> None:
    late = datetime.now(UTC) + 4000 * DAY
    refused = await stored.call("POST", SERIES, weekly(stored, starts_at=late.isoformat()))
    await assert_problem(refused, 400, "E004")


# --- who is blocked ------------------------------------------------------------------------------


async def test_people_are_blocked_and_let_in_again(stored: Stored) -> None:
    for user_id in (30, 10, 20):
        added = await stored.call("POST", BLOCKS, {"user_id": str(user_id), "reason": "Alts"})
        assert (added.status, added.headers["Location"]) == (201, f"{BLOCKS}/{user_id}")
    shown = await (await stored.call("GET", f"{BLOCKS}/20")).json()
    assert (shown["user_id"], shown["reason"]) == ("20", "Alts")
    page = await stored.call("GET", f"{BLOCKS}?limit=2")
    assert [one["user_id"] for one in await page.json()] == ["30", "20"]
    assert "before=20" in page.headers["Link"]
    rest = await stored.call("GET", f"{BLOCKS}?limit=2&before=20")
    assert [one["user_id"] for one in await rest.json()] == ["10"]

    await assert_problem(await stored.call("POST", BLOCKS, {"user_id": "20"}), 409, "E004")
    assert (await stored.call("DELETE", f"{BLOCKS}/20", None, 1)).status == 204
    await assert_problem(await stored.call("DELETE", f"{BLOCKS}/20"), 404, "E006")
    await assert_problem(await stored.call("PUT", f"{BLOCKS}/10", {}, 1), 405, "E004")
    assert await stored.noted() == ["block", "block", "block", "unblock"]


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"user_id": "x"}, "/user_id"),
        ({"user_id": "9" * 19}, "/user_id"),
        ({"user_id": "1", "reason": "x" * 513}, "/reason"),
    ],
)
async def test_nobody_is_blocked_by_mistake(
    stored: Stored, sent: dict[str, Any], pointer: str
) -> None:
    await assert_problem(await stored.call("POST", BLOCKS, sent), 400, "E004", pointer)
    assert await (await stored.call("GET", BLOCKS)).json() == []
