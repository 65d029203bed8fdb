"""Pages of custom commands and shop items, by their services; and of every resource there is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.core.config import Config
from bot.core.jobs import JobService
from bot.core.resources import Item, Resource
from bot.core.supervisor import TaskSupervisor
from cogs.customcommand.book import CommandBook
from cogs.customcommand.resource import CommandResource
from cogs.economy.shop_office import ShopOffice
from cogs.economy.shop_resource import ItemResource
from cogs.economy.stocking import Stockroom
from db.audit import list_audit_entries
from db.economy_shop import take_stock
from db.engine import Database
from tests.fakes import FakeClock
from tests.sandbox.chromium import chromium, find_chromium
from tests.web.conftest import OpenWorld
from tests.web.pages import Page, alert_on, errors_on, fill, submit, visit
from tests.web.support import CHANNEL, GUILD, OWNER, REGISTRY, ROLE, World, open_world

HOME = f"/guilds/{GUILD}"
COMMANDS = f"{HOME}/kept/custom-commands"
ITEMS = f"{HOME}/kept/shop-items"
FORMS = [
    pytest.param(resource, id=resource.name)
    for feature in REGISTRY.all()
    for resource in feature.resources
    if resource.addition is not None
]
every_form = pytest.mark.parametrize("resource", FORMS)


async def no_mute_role(_guild_id: int) -> None:
    """Stand in for the cases of a guild without a mute role."""


def register(world: World) -> None:
    """Hand over the services of custom commands and the shop, as their features do."""
    services: Any = world.services
    jobs = JobService(services.database, services.clock, Config().jobs, TaskSupervisor())
    book = CommandBook(services.database, services.clock, services.audit, jobs, lambda: {"help"})
    office = ShopOffice(
        database=services.database,
        clock=services.clock,
        settings=services.settings,
        jobs=jobs,
        roles=None,  # pyright: ignore[reportArgumentType] - what is on offer gives none
        audit=services.audit,
        state=services.state,
        mute_role=no_mute_role,
    )
    services.resources.register("custom-commands", CommandResource(book, services.state))
    services.resources.register("shop-items", ItemResource(Stockroom(office)))


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world with both on each of the databases."""
    world = await open_world(database, clock, per_minute=10_000)
    register(world)
    yield world
    await world.client.close()


class Nobody:
    """Stand in for a service that is asked for nothing."""

    async def get(self, guild_id: int, item_id: int) -> Any:
        raise AssertionError("nothing is asked for")

    async def list(self, guild_id: int) -> list[Item]:
        """What forms offer to choose from."""
        return []


async def add(world: World, place: str, **texts: str) -> Any:
    form = (await visit(world, f"{place}/new")).form(f"{place}/new")
    return await submit(world, fill(form, **texts))


async def read(world: World, kind: str, item_id: str) -> dict[str, Any]:
    return await (await world.client.get(f"/v1/guilds/{GUILD}/{kind}/{item_id}")).json()


@pytest.mark.parametrize("number", [2**63, 10**19 - 1, 10**25])
async def test_number_that_no_database_holds_names_nothing(stored: World, number: int) -> None:
    for place in (COMMANDS, ITEMS, f"/v1/guilds/{GUILD}/shop-items"):
        assert (await stored.client.get(f"{place}/{number}")).status == 404
    largest = await stored.client.get(f"{ITEMS}/{2**63 - 1}")
    assert largest.status == 404


# --- custom commands --------------------------------------------------------------------------


async def test_command_is_added_changed_and_removed(stored: World) -> None:
    answer = await add(
        stored,
        COMMANDS,
        name="rules",
        texts="Be kind, {user.name}.\r\n\r\nReally.\r\n---\r\nBe nice.",
        embed__title="Rules",
        embed__colour="blue",
        cooldown="1m",
        aliases="r\r\nlaw",
        channel_ids=str(CHANNEL),
        role_ids=str(ROLE),
    )
    place = answer.headers["Location"].removesuffix("?done=added")
    number = place.rpartition("/")[2]
    command = await read(stored, "custom-commands", number)
    assert command["texts"] == ["Be kind, {user.name}.\n\nReally.", "Be nice."]
    assert command["embed"] == {"title": "Rules", "body": "", "image": "", "colour": "#3498db"}
    assert (command["cooldown"], command["aliases"]) == (60, ["r", "law"])
    assert (command["channel_ids"], command["role_ids"]) == ([str(CHANNEL)], [str(ROLE)])

    same = await submit(stored, (await visit(stored, place)).form(place))
    assert same.headers["Location"] == f"{place}?done=same"
    form = fill(
        (await visit(stored, place)).form(place),
        embed__title="",
        embed__colour="",
        enabled="false",
        channel_ids="",
    )
    assert (await submit(stored, form)).headers["Location"] == f"{place}?done=saved"
    changed = await read(stored, "custom-commands", number)
    expected = {"embed": None, "enabled": False, "channel_ids": []}
    later = {name: changed[name] for name in ("updated_at", "updated_by")}
    assert changed == command | expected | later
    assert "switched off · 0 uses" in await (await stored.client.get(COMMANDS)).text()

    form = (await visit(stored, f"{place}/remove")).form(f"{place}/remove")
    assert (await submit(stored, form)).headers["Location"] == f"{COMMANDS}?done=removed"
    assert (await stored.client.get(place)).status == 404
    async with stored.services.database.read() as session:
        entries = await list_audit_entries(session, guild_id=GUILD)
    assert {one.action for one in entries} == {
        f"customcommand.{what}" for what in ("add", "edit", "remove")
    }


async def test_command_with_errors_of_model_and_service(stored: World) -> None:
    answer = await add(
        stored,
        COMMANDS,
        name="no good",
        texts="fine\r\n---\r\n{nobody}",
        embed__title="{user.nme}",
        aliases="ok\r\nalso no good",
        channel_ids="999",
    )
    text = await answer.text()
    assert answer.status == 400
    said = errors_on(Page(text), text)
    assert said.keys() == {"name", "texts", "embed.title", "aliases", "channel_ids"}
    assert said["texts"].startswith("2: ")
    assert Page(text).form(f"{COMMANDS}/new").value("embed.title") == "{user.nme}"
    taken = await add(stored, COMMANDS, name="help", texts="x")
    assert taken.status == 409
    assert "help" in alert_on(await taken.text())


async def test_command_changed_by_many_at_once_has_one_winner(stored: World) -> None:
    answer = await add(stored, COMMANDS, name="rules", texts="x")
    place = answer.headers["Location"].removesuffix("?done=added")
    form = (await visit(stored, place)).form(place)
    answers = await asyncio.gather(
        *(submit(stored, fill(form, description=f"the {number}th")) for number in range(6))
    )
    assert sorted(one.status for one in answers) == [303] + [409] * 5


async def test_change_is_audited_as_made_on_the_pages(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    register(world)
    await world.log_in()
    await add(world, COMMANDS, name="rules", texts="x")
    async with world.services.database.read() as session:
        [entry] = await list_audit_entries(session, guild_id=GUILD)
    assert (entry.user_id, entry.ip) == (OWNER, "127.0.0.1")
    listing = await (await world.client.get(f"{COMMANDS}/1")).text()
    assert re.search(rf"<dt>Added by</dt>\s*<dd>{OWNER}</dd>", listing)


# --- the shop ---------------------------------------------------------------------------------


async def test_item_is_added_and_changed_but_not_over_a_sale(
    stored: World, clock: FakeClock
) -> None:
    answer = await add(
        stored,
        ITEMS,
        name="Sword",
        price="1,200",
        stock="5",
        lasts="2 days",
        required_role_id=str(ROLE),
        offered_until="2027-01-01 12:30",
    )
    place = answer.headers["Location"].removesuffix("?done=added")
    number = place.rpartition("/")[2]
    item = await read(stored, "shop-items", number)
    assert (item["price"], item["lasts"], item["required_role_id"]) == (1200, 172800, str(ROLE))
    assert item["offered_until"] == "2027-01-01T12:30:00Z"

    form = fill((await visit(stored, place)).form(place), price="1300")
    async with stored.services.database.write() as session:
        await take_stock(session, GUILD, int(number), quantity=2, price=1200, now=clock.now())
    overtaken = await submit(stored, form)
    assert overtaken.status == 409
    form = Page(await overtaken.text()).form(place)
    assert (form.value("price"), form.value("stock")) == ("1300", "3")
    assert (await submit(stored, form)).status == 303
    item = await read(stored, "shop-items", number)
    assert (item["price"], item["stock"], item["sold"]) == (1300, 3, 2)
    assert "Price: 1300 · Stock: 3 · Sold: 2" in await (await stored.client.get(ITEMS)).text()


async def test_item_with_what_fits_no_field_is_told_in_all(stored: World) -> None:
    answer = await add(stored, ITEMS, name="Sword", price="30", kind="role_at_once")
    assert answer.status == 400
    assert "Say which role the item gives." in alert_on(await answer.text())
    answer = await add(stored, ITEMS, name="#1", price="0", emoji="x", lasts="1s")
    text = await answer.text()
    assert errors_on(Page(text), text).keys() == {"name", "price", "emoji", "lasts"}


# --- every resource ---------------------------------------------------------------------------


@every_form
@pytest.mark.parametrize("language", ["en", "es"])
async def test_form_has_every_field_with_its_label(
    open_web: OpenWorld, resource: Resource, language: str
) -> None:
    world = await open_web()
    # The form of a new one asks no service but for what it offers to choose from.
    for one in (one for feature in REGISTRY.all() for one in feature.resources):
        world.services.resources.register(one.name, Nobody())
    page = await visit(world, f"{HOME}/kept/{resource.name}/new", **{"Accept-Language": language})
    drawn = [(kind, tag) for kind, tag in page.tags if tag.get("id", "").startswith("f-")]
    labelled = {tag["for"] for name, tag in page.tags if name == "label" and "for" in tag}
    heads = {tag["id"].removeprefix("f-").partition(".")[0] for _, tag in drawn}

    assert page.language == language
    assert resource.addition is not None
    assert heads == set(resource.addition.model_fields)
    assert {tag["id"] for kind, tag in drawn if kind != "fieldset"} <= labelled
    for _, tag in drawn:
        assert set(tag.get("aria-describedby", "").split()) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


async def test_form_offers_what_another_kind_has(open_web: OpenWorld) -> None:
    class Panels(Nobody):
        async def list(self, guild_id: int) -> list[Item]:
            assert guild_id == GUILD
            return [Item(number, 1, Named(name=name)) for number, name in ((3, "Help"), (5, "<b>"))]

    class Named(BaseModel):
        name: str

    world = await open_web()
    world.services.resources.register("ticket-panels", Panels())
    world.services.resources.register("tickets", Nobody())
    page = await visit(world, f"{HOME}/kept/tickets/new")
    [select] = [tag for kind, tag in page.tags if kind == "select" and tag["name"] == "panel_id"]
    offered = [tag["value"] for kind, tag in page.tags if kind == "option"]
    assert select["id"] == "f-panel_id"
    assert {"3", "5"} <= set(offered)
    text = await (await world.client.get(f"{HOME}/kept/tickets/new")).text()
    assert ">Help</option>" in text
    assert ">&lt;b&gt;</option>" in text


async def test_pages_lead_to_what_features_keep(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=1000)
    led = await _links_on(world, HOME)
    for feature in REGISTRY.all():
        kept = {f"{HOME}/kept/{one.name}" for one in feature.resources}
        assert kept <= led
        assert kept <= await _links_on(world, f"{HOME}/settings/{feature.key}")


async def _links_on(world: World, path: str) -> set[str]:
    return {tag["href"] for name, tag in (await visit(world, path)).tags if name == "a"}


async def test_page_of_a_feature_that_did_not_load_says_so(world: World) -> None:
    answer = await world.client.get(COMMANDS, headers={"Accept": "text/html"})
    assert answer.status == 502
    assert "This part of the bot is not running." in await answer.text()


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
async def test_pages_fit_a_phone_and_break_no_rule(
    served: str, world: World, tmp_path: Path
) -> None:
    register(world)
    word = "W" * 50
    await add(world, ITEMS, name=word, price="30")
    paths = (ITEMS, f"{ITEMS}/new", f"{ITEMS}/1", f"{ITEMS}/1/remove", HOME)
    async with chromium(tmp_path) as page:
        for path in paths:
            await page.open(f"{served}{path}", width=360, height=700)
            await page.until(
                f"location.pathname === '{path}' && document.readyState === 'complete'"
            )
            wide = "document.documentElement.scrollWidth <= 360"
            assert await page.evaluate(wide), path
        assert page.problems == []
