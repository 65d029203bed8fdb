"""What features keep, over the API: custom commands, by the service that Discord's use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.config import Config
from bot.core.jobs import JobService
from bot.core.supervisor import TaskSupervisor
from cogs.customcommand.book import CommandBook
from cogs.customcommand.resource import CommandResource
from db.audit import list_audit_entries
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import CHANNEL, FOREIGN_CHANNEL, GUILD, OTHER_GUILD, ROLE, World, open_world
from tests.web.test_error_shape import assert_problem

PATH = f"/v1/guilds/{GUILD}/custom-commands"
HERE = {"Sec-Fetch-Site": "same-origin"}
RULES: dict[str, Any] = {"name": "rules", "texts": ["Be kind, {user.name}."], "cooldown": 30}


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world with custom commands on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    services = world.services
    jobs = JobService(database, clock, Config().jobs, TaskSupervisor())
    book = CommandBook(database, clock, services.audit, jobs, lambda: {"help"})
    services.resources.register("custom-commands", CommandResource(book, services.state))
    yield world
    await world.client.close()


async def add(world: World, **changes: Any) -> Any:
    return await world.client.post(PATH, json=RULES | changes, headers=HERE)


async def test_command_is_added_read_changed_and_removed(stored: World) -> None:
    client = stored.client
    added = await add(stored, channel_ids=[str(CHANNEL)], role_ids=[str(ROLE)], aliases=["r"])
    assert (added.status, added.headers["ETag"]) == (201, '"v1"')
    place, body = added.headers["Location"], await added.json()
    assert (body["name"], body["cooldown"], body["uses"]) == ("rules", 30, 0)
    assert body["created_by"] is None
    assert await (await client.get(PATH)).json() == [body]

    embed = {"title": "Rules", "colour": "blue"}
    sent = {"name": "Rules", "embed": embed}
    headers = HERE | {"If-Match": '"v1"'}
    changed = await client.put(place, json=sent, headers=headers)
    assert (changed.status, changed.headers["ETag"]) == (200, '"v2"')
    body = await changed.json()
    assert (body["texts"], body["embed"]["colour"], body["aliases"]) == ([], "#3498db", [])

    # What was read before that is not changed or removed any more.
    for call in (
        client.put(place, json=sent, headers=headers),
        client.delete(place, headers=headers),
    ):
        await assert_problem(await call, 412, "E004")
    await assert_problem(await client.put(place, json=sent, headers=HERE), 428, "E004")
    assert (await client.delete(place, headers=HERE)).status == 204
    await assert_problem(await client.get(place), 404, "E006")
    await assert_problem(await client.delete(place, headers=HERE), 404, "E006")
    async with stored.services.database.read() as session:
        entries = await list_audit_entries(session, guild_id=GUILD)
    assert {one.action for one in entries} == {
        f"customcommand.{what}" for what in ("add", "edit", "remove")
    }


async def test_every_wrong_field_is_named_and_nothing_kept(stored: World) -> None:
    wrong = await add(
        stored,
        name="no good",
        texts=["fine", "{nobody}", "{if"],
        embed={"title": "{user.nme}", "colour": "bluish"},
        aliases=["ok", "also no good"],
        channel_ids=[str(FOREIGN_CHANNEL), "here"],
        role_ids=["1"],
    )
    fields = ("/name", "/aliases/1", "/texts/1", "/texts/2", "/embed/title", "/embed/colour")
    places = ("/channel_ids/0", "/channel_ids/1", "/role_ids/0")
    await assert_problem(wrong, 400, "E004", *fields, *places)
    odd = await add(stored, cooldown=-1, nmae="x")
    await assert_problem(odd, 400, "E004", "/cooldown", "/nmae")
    await assert_problem(await add(stored, name="help"), 409, "E004")
    await assert_problem(await add(stored, texts=[]), 400, "E004")
    assert await (await stored.client.get(PATH)).json() == []


async def test_what_no_database_can_hold_is_named(stored: World) -> None:
    wrong = await add(stored, texts=["fine", "a\x00b"], name="rules\x00")
    await assert_problem(wrong, 400, "E004", "/name", "/texts")
    assert await (await stored.client.get(PATH)).json() == []


async def test_commands_of_another_guild_are_not_there(stored: World) -> None:
    place = (await add(stored)).headers["Location"]
    elsewhere = place.replace(f"/{GUILD}/", f"/{OTHER_GUILD}/")
    await assert_problem(await stored.client.get(elsewhere), 404, "E006")
    await assert_problem(await stored.client.delete(elsewhere, headers=HERE), 404, "E006")
    for strange in ("x", "-1", "9" * 30, "%00"):
        await assert_problem(await stored.client.get(f"{PATH}/{strange}"), 404, "E006")


async def test_resource_of_a_feature_that_did_not_load_is_told(world: World) -> None:
    await assert_problem(await world.client.get(PATH), 502, "E002")
