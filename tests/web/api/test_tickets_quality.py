"""Who is blocked from tickets, and ready texts, over the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import Actor
from bot.core.errors import Denied
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, OPENER, STAFF
from tests.fakes import FakeClock
from tests.web.api.ticket_world import ELSEWHERE, HERE, Office, open_office
from tests.web.test_error_shape import assert_problem

BLOCKS, TAGS = f"/v1/guilds/{GUILD}/ticket-blocks", f"/v1/guilds/{GUILD}/ticket-tags"
BOSS = Actor(STAFF, "command")
TEXT = "Read <#5>, @everyone <b>please</b>"


@pytest.fixture
async def office(database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    async with open_office(database, clock) as found:
        yield found


async def test_somebody_is_blocked_shown_and_let_go(office: Office) -> None:
    body = {"user_id": str(OPENER), "reason": "  spam <b> "}
    made = await office.post(BLOCKS, body)
    shown = await made.json()
    assert (made.status, made.headers["Location"]) == (201, f"{BLOCKS}/{OPENER}")
    assert (shown["id"], shown["reason"], shown["blocked_by"]) == (str(OPENER), "spam <b>", None)
    assert await (await office.client.get(BLOCKS)).json() == [shown]
    await assert_problem(await office.post(BLOCKS, body), 409, "E004", "/user_id")
    panel = await office.stage.panel()
    with pytest.raises(Denied, match="blocked you"):
        await office.stage.service.opening.open(office.stage.request(panel))

    # Blocked anew, it is another block than the one that was seen.
    stale = HERE | {"If-Match": made.headers["ETag"]}
    quality = office.stage.service.quality
    await quality.unblock(GUILD, OPENER, BOSS)
    office.stage.clock.advance(1)
    await quality.block(GUILD, OPENER, BOSS, "again")
    place = made.headers["Location"]
    await assert_problem(await office.client.delete(place, headers=stale), 412, "E004")
    assert (await office.client.delete(place, headers=HERE)).status == 204
    await assert_problem(await office.client.delete(place, headers=HERE), 404, "E006")
    assert (await office.stage.open(panel)).status == "open"
    done = sorted((one.action, one.target_id) for one in await office.audited())
    assert done == 2 * [("tickets.block", OPENER)] + 2 * [("tickets.unblock", OPENER)]


async def test_who_is_blocked_comes_in_pages(office: Office) -> None:
    for user_id in ("7", "5", "9"):
        await office.post(BLOCKS, {"user_id": user_id})
    first = await office.client.get(f"{BLOCKS}?limit=2")
    assert [one["id"] for one in await first.json()] == ["9", "7"]
    rest = await office.client.get(first.headers["Link"].split(">")[0].lstrip("<"))
    assert ([one["id"] for one in await rest.json()], "Link" in rest.headers) == (["5"], False)


async def test_wrong_people_are_named(office: Office) -> None:
    for user_id in ("", "x", "0", "9" * 19, "-3", 5, None):
        wrong = await office.post(BLOCKS, {"user_id": user_id})
        await assert_problem(wrong, 400, "E004", "/user_id")
    long = await office.post(BLOCKS, {"user_id": "5", "reason": "x" * 513})
    await assert_problem(long, 400, "E004", "/reason")
    await assert_problem(await office.client.get(f"{BLOCKS}/{'9' * 19}"), 404, "E006")
    await office.post(BLOCKS, {"user_id": "5"})
    elsewhere = f"{ELSEWHERE}/ticket-blocks"
    await assert_problem(await office.client.delete(f"{elsewhere}/5", headers=HERE), 404, "E006")
    assert await (await office.client.get(elsewhere)).json() == []


async def test_of_two_who_unblock_at_once_one_does(office: Office) -> None:
    await office.post(BLOCKS, {"user_id": "5"})
    calls = [office.client.delete(f"{BLOCKS}/5", headers=HERE) for _ in range(3)]
    found = sorted(one.status for one in await asyncio.gather(*calls))
    assert found[0] == 204
    assert set(found[1:]) <= {404, 409}


async def added(office: Office, **changes: Any) -> Any:
    return await office.post(TAGS, {"name": "Rules  here", "content": TEXT} | changes)


async def test_a_ready_text_is_kept_changed_and_deleted(office: Office) -> None:
    made = await added(office, trigger="lost key")
    shown, place = await made.json(), made.headers["Location"]
    assert (made.status, shown["name"], shown["content"]) == (201, "rules here", TEXT)
    assert shown["trigger"] == "lost key"
    assert await (await office.client.get(TAGS)).json() == [shown]
    await assert_problem(await added(office), 409, "E004", "/name")
    match = HERE | {"If-Match": made.headers["ETag"]}
    # That it was sent meanwhile does not make it another.
    await office.stage.service.quality.use_tag(GUILD, "rules here")
    changed = await office.client.put(place, json={"content": "Be kind."}, headers=match)
    assert (changed.status, (await changed.json())["trigger"]) == (200, None)
    assert (await office.stage.service.quality.use_tag(GUILD, "Rules here")).content == "Be kind."
    for call in (
        office.client.put(place, json={"content": "x"}, headers=match),
        office.client.delete(place, headers=match),
    ):
        await assert_problem(await call, 412, "E004")
    assert (await office.client.delete(place, headers=HERE)).status == 204
    await assert_problem(await office.client.get(place), 404, "E006")
    done = [one.action for one in await office.audited()]
    assert sorted(done) == ["tickets.tag_add", "tickets.tag_edit", "tickets.tag_remove"]


async def test_a_text_that_was_changed_meanwhile_is_left_alone(office: Office) -> None:
    await added(office)
    quality = office.stage.service.quality
    (seen,) = await quality.list_tags(GUILD)
    tags = office.tags
    item = (await tags.list(GUILD))[0]
    await quality.save_tag(GUILD, seen.name, "New.", None, BOSS, new=False)
    for call in (
        quality.save_tag(GUILD, seen.name, "Mine.", None, BOSS, new=False, seen=seen),
        quality.remove_tag(GUILD, seen.name, BOSS, seen=seen),
        tags.remove(GUILD, item.id, item.revision, BOSS),
    ):
        with pytest.raises(Exception, match="changed this tag meanwhile"):
            await call
    (left,) = await quality.list_tags(GUILD)
    assert left.content == "New."


async def test_wrong_texts_are_named_and_not_kept(office: Office) -> None:
    for change, pointer in (
        ({"name": " "}, "/name"),
        ({"name": "x" * 51}, "/name"),
        ({"content": " "}, "/content"),
        ({"content": "x" * 2001}, "/content"),
        ({"content": "a\x00"}, "/content"),
        ({"trigger": "!?"}, "/trigger"),
        ({"uses": 5}, "/uses"),
    ):
        await assert_problem(await added(office, **change), 400, "E004", pointer)
    made = await added(office)
    elsewhere = made.headers["Location"].replace(f"/{GUILD}/", f"/{ELSEWHERE.split('/')[-1]}/")
    await assert_problem(await office.client.get(elsewhere), 404, "E006")
    await assert_problem(await office.client.delete(elsewhere, headers=HERE), 404, "E006")
