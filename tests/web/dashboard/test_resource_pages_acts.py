"""Lists and details of what features keep, and what is done with each."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core.errors import Conflict
from bot.core.i18n import _
from bot.core.resources import Resource
from tests.web.dashboard.boats import (
    BOATS,
    HOME,
    NEW,
    ONE,
    Harbour,
    MoveBody,
    add,
    not_yours,
)
from tests.web.pages import Page, alert_on, errors_on, fill, submit, visit
from tests.web.support import OTHER_GUILD, World

# --- acts -------------------------------------------------------------------------------------


async def test_action_is_a_button_while_it_is_offered(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    path = f"{ONE}/do/haul-out"
    form = (await visit(world, ONE)).form(path)
    assert (await submit(world, form)).headers["Location"] == f"{ONE}?done=done"
    assert fleet.body(1).afloat is False
    assert path not in [one.action for one in (await visit(world, ONE)).forms]

    again = await submit(world, form)
    text = await again.text()
    assert again.status == 409
    assert "Somebody changed this meanwhile." in alert_on(text)
    assert (await submit(world, Page(text).form(path))).status == 303


async def test_action_asks_for_what_it_needs(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    path = f"{ONE}/do/move"
    assert f'href="{path}"' in await (await world.client.get(ONE)).text()
    page = await visit(world, path)
    assert [tag["name"] for _, tag in page.tags if "aria-required" in tag] == ["berth"]
    form = fill(page.form(path), reason="<i>windy")
    refused = await submit(world, form)
    text = await refused.text()
    assert refused.status == 400
    assert errors_on(Page(text), text) == {"berth": "This is needed."}
    assert Page(text).form(path).value("reason") == "<i>windy"

    fleet.refusal = not_yours()
    denied = await submit(world, fill(form, berth="4"))
    assert denied.status == 403
    form = Page(await denied.text()).form(path)
    assert (await submit(world, form)).headers["Location"] == f"{ONE}?done=done"
    # What is off or empty is said as well where it has no default.
    moved = MoveBody(berth=4, reason="<i>windy", towed=False, lines=[])
    assert fleet.done[-1][:3] == ("move", 1, moved)


@pytest.mark.parametrize(
    ("path", "what", "warning", "after"),
    [
        (f"{ONE}/do/scuttle", "scuttle", "This can&#39;t be undone.", f"{ONE}?done=done"),
        (f"{ONE}/remove", "remove", "This removes it for good.", f"{BOATS}?done=removed"),
    ],
)
async def test_what_can_not_be_undone_is_asked_first(
    harbour: Harbour, path: str, what: str, warning: str, after: str
) -> None:
    world, fleet = harbour
    await add(world)
    assert path not in [one.action for one in (await visit(world, ONE)).forms]
    text = await (await world.client.get(path)).text()
    assert warning in text
    form = Page(text).form(path)
    assert fleet.done[-1][0] == "add"

    fleet.paint(1, rig="cutter")
    assert (await submit(world, form)).status == 409
    fleet.refusal = Conflict(_("It is at sea."))
    form = (await visit(world, path)).form(path)
    refused = await submit(world, form)
    assert refused.status == 409
    assert "It is at sea." in alert_on(await refused.text())
    assert (await submit(world, form)).headers["Location"] == after
    assert fleet.done[-1][0] == what
    assert (await world.client.get(after)).status == 200


async def test_what_stays_when_it_is_removed_is_not_said_to_be_gone(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _fleet = harbour
    await add(world)
    monkeypatch.setattr(Resource, "stays", True)
    text = await (await world.client.get(f"{ONE}/remove")).text()
    assert "This can&#39;t be undone." in text
    answer = await submit(world, Page(text).form(f"{ONE}/remove"))
    assert answer.headers["Location"] == f"{ONE}?done=done"


async def test_what_can_not_be_done_with_one_as_it_stands_is_not_offered(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    form = (await visit(world, ONE)).form(ONE)
    fleet.paint(1, story="Sunk.")
    text = await (await world.client.get(ONE)).text()
    assert [one.action for one in Page(text).forms if one.action == ONE] == []
    assert f"{ONE}/remove" not in text
    assert f"{ONE}/document" not in text
    # Its fields are still said.
    assert "Sunk." in text

    # What was typed meanwhile comes back with what is there now.
    answer = await submit(world, fill(form, name="Gull"))
    assert answer.status == 409
    assert Page(await answer.text()).form(ONE).value("name") == "Gull"


async def test_act_on_what_is_gone_is_told_on_its_page(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    path = f"{ONE}/do/move"
    form = fill((await visit(world, path)).form(path), reason="kept")
    fleet.boats.clear()
    answer = await submit(world, form)
    text = await answer.text()
    assert answer.status == 404
    assert "There is no boat with the ID 1." in alert_on(text)
    assert 'value="kept"' in text
    assert f'href="{BOATS}"' in text


async def test_revision_may_be_told_from_what_is_shown(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    guild_id, item = fleet.boats[1]
    fleet.boats[1] = (guild_id, replace(item, revision=2**56 - 1))
    form = (await visit(world, ONE)).form(f"{ONE}/do/haul-out")
    assert (await submit(world, form)).status == 303
    form = fill((await visit(world, ONE)).form(ONE), story="new")
    assert (await submit(world, form)).status == 303


async def test_refusal_written_for_discord_is_plain_here(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    form = (await visit(world, ONE)).form(f"{ONE}/do/haul-out")
    text = "`Petrel` of <@44> is **away** until <t:1700000000:F> in <#1>."
    fleet.refusal = Conflict(_(text))
    said = alert_on(await (await submit(world, form)).text())
    assert "Petrel of 44 is away until Nov 14, 2023" in said
    assert "in Deleted channel (1)." in said


async def test_document_is_downloaded(harbour: Harbour) -> None:
    world, _fleet = harbour
    await add(world)
    assert f'href="{ONE}/document"' in await (await world.client.get(ONE)).text()
    answer = await world.client.get(f"{ONE}/document")
    assert await answer.read() == b"{}"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="papers.json"'


# --- lists ------------------------------------------------------------------------------------


async def test_list_comes_in_pages(harbour: Harbour) -> None:
    world, _fleet = harbour
    text = await (await world.client.get(BOATS)).text()
    assert "There is nothing here yet." in text
    assert f'href="{NEW}"' in text
    for number in range(1, 8):
        await add(world, name=f"Boat {number}")

    seen: list[str] = []
    path: str | None = BOATS
    while path:
        text = await (await world.client.get(path)).text()
        seen += re.findall(r">Boat (\d)</a>", text)
        assert (f'href="{BOATS}"' in text) == (path != BOATS), "the way to the newest"
        older = link_on(text, "next")
        path = f"{BOATS}{older}" if older else None
    assert seen == list("7654321")


def link_on(text: str, way: str) -> str:
    return next((tag["href"] for _, tag in Page(text).tags if tag.get("rel") == way), "")


async def test_list_leads_back_page_by_page(harbour: Harbour) -> None:
    world, _fleet = harbour
    for number in range(1, 12):
        await add(world, name=f"Boat {number}")
    gone, path, way_on = [], BOATS, ""
    while path:
        gone.append(re.findall(r">Boat (\d+)</a>", text := await _text(world, path)))
        way_on, path = path, (step := link_on(text, "next")) and f"{BOATS}{step}"
    assert [len(one) for one in gone] == [3, 3, 3, 2]
    for page in (gone[2], gone[1]):
        way_on = f"{BOATS}{link_on(await _text(world, way_on), 'prev')}"
        assert re.findall(r">Boat (\d+)</a>", await _text(world, way_on)) == page
    # From the second page the newest is one step.
    text = await _text(world, way_on)
    assert link_on(text, "prev") == ""
    assert f'href="{BOATS}">Newest</a>' in text


async def test_way_back_has_an_end_and_is_no_way_elsewhere(harbour: Harbour) -> None:
    world, _fleet = harbour
    for number in range(1, 6):
        await add(world, name=f"Boat {number}")
    trail = ".".join(map(str, range(100, 140)))
    text = await _text(world, f"{BOATS}?before=5&back={trail}")
    assert link_on(text, "next") == f"?before=2&back={trail.partition('.')[2]}.5"
    for back in (f"{trail}.7", "1..2", ".", "x", "1.", "9" * 20, "//evil.example"):
        answer = await world.client.get(BOATS, params={"before": "5", "back": back})
        assert answer.status == 400


async def _text(world: World, path: str) -> str:
    answer = await world.client.get(path)
    assert answer.status == 200
    return await answer.text()


async def test_list_says_facts_and_names_the_nameless(harbour: Harbour) -> None:
    world, _fleet = harbour
    await add(world, name="--", story="Shop")
    text = await (await world.client.get(BOATS, headers={"Accept-Language": "es"})).text()
    assert f'<a href="{ONE}">#1</a>' in text
    # What a person wrote is in no language of ours.
    assert "sí · Shop" in text


async def test_what_is_only_shown_has_no_form(harbour: Harbour) -> None:
    world, _fleet = harbour
    berths = f"{HOME}/kept/berths"
    text = await (await world.client.get(berths)).text()
    assert "/new" not in text
    page = await visit(world, f"{berths}/5")
    assert [one.action for one in page.forms] == []
    text = await (await world.client.get(f"{berths}/5")).text()
    assert re.search(r"<dt>Miles</dt>\s*<dd>4</dd>", text)
    for path in ("new", "5/remove", "5/do/x", "5/document"):
        assert (await world.client.get(f"{berths}/{path}")).status == 404
    headers = {"Sec-Fetch-Site": "same-origin"}
    for path in ("new", "5", "5/remove", "5/do/x"):
        assert (await world.client.post(f"{berths}/{path}", headers=headers)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        f"{HOME}/kept/nothing",
        f"{BOATS}/x",
        f"{BOATS}/99999999999999999999",
        f"{BOATS}/7",
        f"{ONE}/do/sing",
        f"/guilds/{OTHER_GUILD}/kept/boats/1",
        f"/guilds/{OTHER_GUILD}/kept/boats/1/document",
        f"/guilds/{OTHER_GUILD}/kept/boats/1/remove",
    ],
)
async def test_what_is_not_there(harbour: Harbour, path: str) -> None:
    world, _fleet = harbour
    await add(world)
    assert (await world.client.get(path)).status == 404
    assert world.webhooks.reports == []


# --- everybody --------------------------------------------------------------------------------

HOSTILE = '"><script>alert(1)</script> {kind}'


async def test_pages_hold_nothing_that_a_text_could_run(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world, name=HOSTILE, story=HOSTILE, tags=HOSTILE)
    crew = {"captain": HOSTILE, "size": 2}
    fleet.paint(1, visits=[{"port": HOSTILE, "miles": 2}], crew=crew)
    for path in (BOATS, ONE, f"{ONE}/do/move", f"{ONE}/remove"):
        text = await (await world.client.get(path)).text()
        page = Page(text)
        assert "&lt;script&gt;" in text, path
        assert not {name for name, _ in page.tags} & {"script", "style", "iframe"}
        for _name, attributes in page.tags:
            assert not [one for one in attributes if one.startswith("on") or one == "style"]
            for link in ("href", "src", "action"):
                assert attributes.get(link, "/").startswith(("/", "#", "?"))


async def test_details_are_in_words(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, visits=[{"port": "Lee", "miles": 2}, {"port": "Ness"}])
    text = await (await world.client.get(ONE)).text()
    assert "<dd>Port: Lee · Miles: 2</dd>" in text
    assert "<dd>Port: Ness · Miles: 1</dd>" in text
