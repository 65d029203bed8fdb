"""The shop's items over the API, by the stockroom that Discord's commands use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.config import Config
from bot.core.jobs import JobService
from bot.core.supervisor import TaskSupervisor
from cogs.economy.shop_office import ShopOffice
from cogs.economy.shop_resource import ItemResource
from cogs.economy.stocking import Stockroom
from db.audit import list_audit_entries
from db.economy_shop import take_stock
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import GUILD, OTHER_GUILD, ROLE, World, open_world
from tests.web.test_error_shape import assert_problem

PATH = f"/v1/guilds/{GUILD}/shop-items"
HERE = {"Sec-Fetch-Site": "same-origin"}
SWORD: dict[str, Any] = {"name": "Sword", "price": 30, "stock": 5}


async def no_mute_role(_guild_id: int) -> None:
    """Stand in for the cases of a guild without a mute role."""


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world with a shop on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    services: Any = world.services
    office = ShopOffice(
        database=database,
        clock=clock,
        settings=services.settings,
        jobs=JobService(database, clock, Config().jobs, TaskSupervisor()),
        roles=None,  # pyright: ignore[reportArgumentType] - what is on offer gives none
        audit=services.audit,
        state=services.state,
        mute_role=no_mute_role,
    )
    services.resources.register("shop-items", ItemResource(Stockroom(office)))
    yield world
    await world.client.close()


async def add(world: World, **changes: Any) -> Any:
    return await world.client.post(PATH, json=SWORD | changes, headers=HERE)


async def test_item_is_added_read_changed_and_removed(stored: World) -> None:
    client = stored.client
    added = await add(stored, offered_until="2027-01-01T00:00:00Z", required_role_id=str(ROLE))
    assert (added.status, added.headers["ETag"]) == (201, '"v1"')
    place, body = added.headers["Location"], await added.json()
    assert (body["price"], body["stock"], body["sold"], body["kind"]) == (30, 5, 0, "keep")
    assert body["required_role_id"] == str(ROLE)
    assert await (await client.get(PATH)).json() == [body]

    headers = HERE | {"If-Match": '"v1"'}
    changed = await client.put(place, json=SWORD | {"price": 40}, headers=headers)
    assert (changed.status, changed.headers["ETag"]) == (200, '"v2"')
    assert (await changed.json())["offered_until"] is None
    await assert_problem(await client.put(place, json=SWORD, headers=headers), 412, "E004")
    assert (await client.delete(place, headers=HERE)).status == 204
    await assert_problem(await client.get(place), 404, "E006")
    async with stored.services.database.read() as session:
        entries = await list_audit_entries(session, guild_id=GUILD)
    assert {one.action for one in entries} == {
        f"economy.item_{what}" for what in ("add", "edit", "remove")
    }


async def test_stock_from_before_a_sale_is_not_put_back(stored: World, clock: FakeClock) -> None:
    place = (await add(stored)).headers["Location"]
    async with stored.services.database.write() as session:
        item_id = int(place.rpartition("/")[2])
        await take_stock(session, GUILD, item_id, quantity=2, price=30, now=clock.now())
    headers = HERE | {"If-Match": '"v1"'}
    await assert_problem(await stored.client.put(place, json=SWORD, headers=headers), 412, "E004")
    body = await (await stored.client.get(place)).json()
    assert (body["stock"], body["sold"]) == (3, 2)


async def test_every_wrong_field_is_named_and_nothing_kept(stored: World) -> None:
    wrong = await add(stored, name="", price=0, stock=-1, per_member=0, emoji="x", colour="red")
    fields = ("/name", "/emoji", "/price", "/stock", "/per_member", "/colour")
    await assert_problem(wrong, 400, "E004", *fields)
    gone = await add(stored, kind="role_at_once", role_id="1")
    await assert_problem(gone, 400, "E004", "/role_id")
    await assert_problem(await add(stored, required_role_id="1"), 400, "E004", "/required_role_id")
    await assert_problem(await add(stored, kind="role_at_once"), 400, "E004", "")
    assert await (await stored.client.get(PATH)).json() == []
    await add(stored)
    await assert_problem(await add(stored, name="SWORD"), 409, "E004")


async def test_items_of_another_guild_are_not_there(stored: World) -> None:
    place = (await add(stored)).headers["Location"]
    elsewhere = place.replace(f"/{GUILD}/", f"/{OTHER_GUILD}/")
    await assert_problem(await stored.client.get(elsewhere), 404, "E006")
    await assert_problem(await stored.client.delete(elsewhere, headers=HERE), 404, "E006")
