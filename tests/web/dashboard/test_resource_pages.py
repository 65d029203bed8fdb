"""Forms of what features keep: adding, changing, mistakes, and other people meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import ConfigurationError, Conflict, DiscordFailed
from bot.core.i18n import _
from tests.web.dashboard.boats import (
    BOATS,
    HOME,
    NEW,
    ONE,
    Harbour,
    add,
    not_yours,
    too_deep,
)
from tests.web.pages import Page, alert_on, errors_on, fill, submit, visit
from tests.web.support import ROLE

# --- adding -----------------------------------------------------------------------------------


async def test_form_adds_what_was_typed_and_else_the_defaults(harbour: Harbour) -> None:
    world, fleet = harbour
    answer = await add(
        world,
        crew__size="3",
        crew__captain="44",
        crew__role_ids=str(ROLE),
        paint__colour="red",
        legs='[{"port": "Lee", "miles": 3}]',
        tags="fast\r\n\r\n old ",
        leaves_at="2026-12-24 18:00",
        trip="1h 30m",
        insured="false",
        afloat="false",
        length="12.5",
        story="Once.\r\nTwice.",
    )
    assert (answer.status, answer.headers["Location"]) == (303, f"{ONE}?done=added")

    boat = fleet.body(1).model_dump(mode="json")
    assert boat["crew"] == {"size": 3, "captain": "44", "role_ids": [str(ROLE)]}
    assert boat["paint"] == {"colour": 0xE74C3C, "maker": ""}
    assert boat["legs"] == [{"port": "Lee", "miles": 3}]
    assert (boat["tags"], boat["trip"], boat["insured"]) == (["fast", "old"], 5400, False)
    assert (boat["afloat"], boat["length"]) == (False, 12.5)
    assert (boat["leaves_at"], boat["rig"]) == ("2026-12-24T18:00:00Z", "sloop")
    assert boat["story"] == "Once.\nTwice."
    [(_, _, _, actor)] = fleet.done
    assert actor.source == "web"
    assert "Added." in await (await world.client.get(f"{ONE}?done=added")).text()


async def test_form_left_as_it_is_sends_no_more_than_is_needed(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    [(_, _, body, _)] = fleet.done
    assert body.model_fields_set == {"name"}
    assert (body.paint, body.crew.size) == (None, 2)


async def test_form_sends_what_it_shows_beside_what_was_typed(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world, crew__captain="44")
    # The default of the whole is another than that of its part.
    assert fleet.body(1).crew.size == 2


async def test_form_says_every_error_beside_its_field_and_keeps_all(harbour: Harbour) -> None:
    world, fleet = harbour
    answer = await add(
        world,
        name="x",
        crew__size="many",
        legs="[{",
        tags="1\r\n2\r\n3\r\n4",
        leaves_at="soon",
        trip="90",
        length="0",
        story="<b>kept</b>",
    )
    text = await answer.text()
    page = Page(text)

    assert answer.status == 400
    assert errors_on(page, text).keys() == {
        "name",
        "crew.size",
        "legs",
        "tags",
        "leaves_at",
        "trip",
        "length",
    }
    assert 'href="#f-crew.size"' in alert_on(text)
    form = page.form(NEW)
    assert form.value("story") == "<b>kept</b>"
    assert (form.value("leaves_at"), form.value("crew.size")) == ("soon", "many")
    assert fleet.done == []
    mended = fill(
        form, name="Petrel", crew__size="2", legs="", tags="", leaves_at="", trip="", length="9"
    )
    assert (await submit(world, mended)).status == 303


async def test_form_says_where_there_is_none_to_choose(harbour: Harbour) -> None:
    world, _fleet = harbour
    assert "There is none to choose." not in await (await world.client.get(NEW)).text()
    world.state.ranks.clear()
    assert "There is none to choose." in await (await world.client.get(NEW)).text()


async def test_form_needs_what_has_no_default(harbour: Harbour) -> None:
    world, _fleet = harbour
    page = await visit(world, NEW)
    [needed] = [tag["name"] for _, tag in page.tags if "aria-required" in tag]
    answer = await add(world, name=" ")
    text = await answer.text()
    assert (needed, errors_on(Page(text), text)) == ("name", {"name": "This is needed."})


async def test_form_names_the_group_that_is_wrong_as_a_whole(harbour: Harbour) -> None:
    world, _fleet = harbour
    answer = await add(world, crew__size="1", crew__captain="44", story="kept")
    text = await answer.text()
    assert answer.status == 400
    assert alert_on(text).count("Crew: Nobody is left to steer.") == 1
    assert Page(text).form(NEW).value("story") == "kept"
    both = await (await add(world, name="x", crew__size="1", crew__captain="44")).text()
    assert "Crew: Nobody is left to steer." in alert_on(both)
    assert errors_on(Page(both), both).keys() == {"name"}


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (too_deep(), 400, "The harbour is too deep."),
        (too_deep("/engine/power"), 400, "The harbour is too deep."),
        (Conflict(_("There is a Petrel.")), 409, "There is a Petrel."),
        (not_yours(), 403, "Ask the harbour master."),
        (DiscordFailed(_("Discord is asleep.")), 502, "Discord is asleep."),
        (ConfigurationError(_("There is no key.")), 500, "There is no key."),
    ],
    ids=["field", "no field of the form", "conflict", "denied", "discord", "configuration"],
)
async def test_form_tells_what_the_service_says_and_keeps_all(
    harbour: Harbour, refusal: Exception, status: int, said: str
) -> None:
    world, fleet = harbour
    fleet.refusal = refusal
    answer = await add(world, story="kept", paint__maker="Ann")
    text = await answer.text()
    assert answer.status == status
    assert said in text
    form = Page(text).form(NEW)
    assert (form.value("story"), form.value("paint.maker")) == ("kept", "Ann")
    assert (await submit(world, form)).status == 303


# --- changing ---------------------------------------------------------------------------------


async def test_form_changes_what_was_edited_and_nothing_else(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world, paint__maker="Ann", tags="a", leaves_at="2026-12-24 18:00:30.5")
    untouched = await submit(world, (await visit(world, ONE)).form(ONE))
    assert untouched.headers["Location"] == f"{ONE}?done=same"
    assert fleet.boats[1][1].revision == 1

    form = (await visit(world, ONE)).form(ONE)
    before = fleet.body(1).model_dump(mode="json")
    answer = await submit(world, fill(form, crew__size="4", tags="", paint__maker=""))
    assert answer.headers["Location"] == f"{ONE}?done=saved"
    after = fleet.body(1).model_dump(mode="json")
    # The instant keeps the parts of a second that the form has no place for.
    assert after == before | {
        "crew": before["crew"] | {"size": 4},
        "tags": [],
        "paint": {"colour": 0, "maker": ""},
    }
    form = (await visit(world, ONE)).form(ONE)
    await submit(world, fill(form, paint__colour="", leaves_at="", crew__size=""))
    boat = fleet.body(1)
    assert (boat.paint, boat.leaves_at, boat.crew.size) == (None, None, 1)


async def test_times_are_those_of_the_guild(harbour: Harbour) -> None:
    world, fleet = harbour
    general = f"{HOME}/settings/general"
    form = (await visit(world, general)).form(general)
    await submit(world, form.sets("time_zone", "Europe/Madrid"))
    await add(world, leaves_at="2026-07-01 18:00")
    assert fleet.body(1).leaves_at.hour == 16
    text = await (await world.client.get(ONE)).text()
    assert 'value="2026-07-01 18:00"' in text
    assert "in the zone Europe/Madrid" in text
    assert "2:00:00\u202fPM Europe/Madrid" in text, "when it was built"


async def test_form_that_somebody_overtook_comes_back_with_both(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world, story="old")
    mine = (await visit(world, ONE)).form(ONE)
    fleet.paint(1, story="theirs", rig="cutter")
    answer = await submit(world, fill(mine, story="mine", tags="mine"))
    text = await answer.text()
    page = Page(text)

    assert answer.status == 409
    said = errors_on(page, text)
    assert said.keys() == {"story"}
    assert "Somebody else set this to “theirs” meanwhile." in said["story"]
    form = page.form(ONE)
    assert (form.value("story"), form.value("tags")) == ("mine", "mine")
    assert (form.value("rig"), form.value("version")) == ("cutter", "2")
    assert fleet.body(1).story == "theirs"
    assert (await submit(world, form)).status == 303
    boat = fleet.body(1)
    assert (boat.story, boat.tags, boat.rig) == ("mine", ["mine"], "cutter")


async def test_form_that_was_overtaken_at_the_last_moment(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    form = fill((await visit(world, ONE)).form(ONE), story="mine")

    async def put(*_: Any) -> Any:
        fleet.paint(1, story="theirs")
        raise Conflict(_text)

    _text = _("Somebody else has changed this meanwhile.")
    fleet.put = put  # type: ignore[method-assign]
    answer = await submit(world, form)
    text = await answer.text()
    assert answer.status == 409
    assert "theirs" in text
    assert Page(text).form(ONE).value("version") == "2"
    assert Page(text).form(ONE).value("story") == "mine"


async def test_form_of_one_that_is_gone_may_be_added_anew(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    form = fill((await visit(world, ONE)).form(ONE), story="kept")
    fleet.boats.clear()
    answer = await submit(world, form)
    text = await answer.text()
    assert answer.status == 404
    assert "There is no boat with the ID 1." in alert_on(text)
    again = Page(text).form(NEW)
    assert again.value("story") == "kept"
    assert (await submit(world, again)).headers["Location"] == f"{BOATS}/2?done=added"


@pytest.mark.parametrize("marks", ["", "x", "[]", "[" * 9000, '{"story": 1}'])
async def test_form_without_its_marks_is_compared_with_what_is_there(
    harbour: Harbour, marks: str
) -> None:
    world, fleet = harbour
    await add(world)
    form = (await visit(world, ONE)).form(ONE).sets("marks", marks)
    assert (await submit(world, fill(form, tags="a"))).status == 303
    assert fleet.body(1).tags == ["a"]


@pytest.mark.parametrize("body", [b"", b"version=", b"version=x", b"nonsense", b"\xff=1"])
async def test_form_that_is_none(harbour: Harbour, body: bytes) -> None:
    world, _fleet = harbour
    await add(world)
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    for path in (ONE, f"{ONE}/remove", f"{ONE}/do/haul-out"):
        response = await world.client.post(path, data=body, headers=headers)
        assert response.status == 400
    assert world.webhooks.reports == []


@pytest.mark.parametrize("text", ["\x00", "a\x00b"])
async def test_form_with_what_no_database_holds(harbour: Harbour, text: str) -> None:
    world, fleet = harbour
    assert (await add(world, story=text)).status == 400
    assert (await add(world, legs='[{"port": "\\ud800"}]')).status == 400
    assert fleet.done == []
