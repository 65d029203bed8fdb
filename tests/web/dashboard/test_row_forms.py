"""Lists of objects in forms: a row for each, one more, one less, another order, and mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.dashboard.boats import HOME, NEW, ONE, Harbour, add, too_deep
from tests.web.pages import Form, Page, alert_on, errors_on, fill, submit, visit
from tests.web.support import ROLE, World

TURN = "!turn"


def names_in(form: Form, beginning: str) -> list[str]:
    return [name for name, _ in form.pairs if name.startswith(beginning)]


def numbers_of(form: Form, name: str) -> list[str]:
    return [value for known, value in form.pairs if known == name]


async def pressed(world: World, form: Form, button: str) -> tuple[str, Form]:
    """Return the page after a button of a form that saves nothing."""
    answer = await submit(world, form.sets(TURN, button))
    text = await answer.text()
    assert answer.status == 200, text
    return text, Page(text).form(form.action)


def buttons_on(text: str) -> list[str]:
    return [tag["value"] for _, tag in Page(text).tags if tag.get("name") == TURN]


def guests_of(fleet: Any) -> list[dict[str, Any]]:
    return fleet.body(1).model_dump(mode="json")["guests"]


# --- rows -------------------------------------------------------------------------------------


async def test_empty_row_adds_one_when_it_is_typed_into(harbour: Harbour) -> None:
    world, fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    assert numbers_of(form, "guests") == ["", "0+"]
    await add(world)
    assert guests_of(fleet) == [], "an empty row is nobody"

    form = (await visit(world, ONE)).form(ONE)
    typed = fill(form, guests__0__role_id=str(ROLE), guests__0__bunks="2")
    assert (await submit(world, typed)).headers["Location"] == f"{ONE}?done=saved"
    nothing = {"role_id": None, "berth": None, "friends": [], "bunks": None, "role_ids": []}
    first = nothing | {"role_id": str(ROLE), "bunks": 2}
    assert guests_of(fleet) == [first]

    form = (await visit(world, ONE)).form(ONE)
    assert numbers_of(form, "guests") == ["", "0", "1+"]
    await submit(world, fill(form, guests__1__role_ids=str(ROLE)))
    assert guests_of(fleet) == [first, nothing | {"role_ids": [str(ROLE)]}]


async def test_form_with_rows_sent_as_it_is_changes_nothing(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(
        1,
        guests=[{}, {"bunks": 1}],
        voyages=[{"title": "Out", "meal": {"cook": "Ann"}, "stops": [{"pier": "a", "lit": False}]}],
        watches=[{"day": 6, "opens": "09:00", "closes": "00:00"}],
    )
    answer = await submit(world, (await visit(world, ONE)).form(ONE))
    assert answer.headers["Location"] == f"{ONE}?done=same"
    # Neither does another change touch them, not even an entry that is as empty as a new row.
    before = fleet.body(1).model_dump(mode="json")
    await submit(world, fill((await visit(world, ONE)).form(ONE), story="new"))
    assert fleet.body(1).model_dump(mode="json") == before | {"story": "new"}


async def test_row_is_removed_by_its_tick(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, guests=[{"bunks": 1}, {"bunks": 2}, {"bunks": 4}])
    form = (await visit(world, ONE)).form(ONE)
    assert numbers_of(form, "guests") == ["", "0", "1", "2"], "there is no place for a fourth"
    await submit(world, form.sets("guests.1!remove", "true"))
    assert [one["bunks"] for one in guests_of(fleet)] == [1, 4]
    form = (await visit(world, ONE)).form(ONE)
    gone = form.sets("guests.0!remove", "true").sets("guests.1!remove", "true")
    await submit(world, gone)
    assert guests_of(fleet) == []


async def test_button_adds_a_row_and_saves_nothing(harbour: Harbour) -> None:
    world, fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    typed = fill(form, name="x", guests__0__bunks="many", story="<b>kept</b>")
    text, form = await pressed(world, typed, "add:guests")
    assert fleet.done == []
    assert 'role="alert"' not in text
    assert numbers_of(form, "guests") == ["", "0+", "1+"]
    assert (form.value("guests.0.bunks"), form.value("story")) == ("many", "<b>kept</b>")
    [row] = [tag for _, tag in Page(text).tags if "autofocus" in tag]
    assert row["id"] == "f-guests.1"

    text, form = await pressed(world, form, "add:guests")
    assert "add:guests" not in buttons_on(text), "three are all there can be"
    _text, form = await pressed(world, form, "add:guests")
    assert numbers_of(form, "guests") == ["", "0+", "1+", "2+"]


async def test_button_raises_a_row(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, guests=[{"bunks": 1}, {"bunks": 2}])
    text = await (await world.client.get(ONE)).text()
    assert [one for one in buttons_on(text) if "guests" in one] == ["raise:guests.1"]
    _text, form = await pressed(world, Page(text).form(ONE), "raise:guests.1")
    assert [one["bunks"] for one in guests_of(fleet)] == [1, 2]
    assert (await submit(world, form)).headers["Location"] == f"{ONE}?done=saved"
    assert [one["bunks"] for one in guests_of(fleet)] == [2, 1]


async def test_form_that_was_turned_is_still_compared_with_what_it_was_made_with(
    harbour: Harbour,
) -> None:
    world, fleet = harbour
    await add(world, story="old")
    form = (await visit(world, ONE)).form(ONE)
    fleet.paint(1, story="theirs")
    _text, form = await pressed(world, form, "add:guests")
    answer = await submit(world, fill(form, guests__0__bunks="2"))
    assert answer.status == 409
    assert (await submit(world, Page(await answer.text()).form(ONE))).status == 303
    assert (fleet.body(1).story, guests_of(fleet)[0]["bunks"]) == ("theirs", 2)


@pytest.mark.parametrize(
    "button",
    ["", "add", "add:", "add:name", "add:guests.7", "raise:guests", "raise:x.y.z", "burn:1"],
)
async def test_button_that_is_none_breaks_nothing(harbour: Harbour, button: str) -> None:
    world, _fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    answer = await submit(world, fill(form, name="Petrel").sets(TURN, button))
    assert answer.status in (200, 303)
    assert world.webhooks.reports == []


async def test_enter_in_a_text_saves(harbour: Harbour) -> None:
    world, _fleet = harbour
    tags = (await visit(world, NEW)).tags
    buttons = [tag for kind, tag in tags if kind == "button" and tag.get("type") == "submit"]
    assert "name" not in buttons[0]
    assert buttons[0]["tabindex"] == "-1"


# --- rows in rows -----------------------------------------------------------------------------


async def test_rows_in_rows(harbour: Harbour) -> None:
    world, fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    _text, form = await pressed(world, fill(form, name="Petrel"), "add:voyages")
    typed = fill(form, voyages__0__title="Out", voyages__0__meal__cook="Ann")
    _text, form = await pressed(world, typed, "add:voyages.0.stops")
    _text, form = await pressed(
        world, fill(form, voyages__0__stops__0__pier="b"), "add:voyages.0.stops"
    )
    text, form = await pressed(
        world,
        fill(form, voyages__0__stops__1__pier="a", voyages__0__stops__1__lit="false"),
        "raise:voyages.0.stops.1",
    )
    [focus] = [tag for _, tag in Page(text).tags if "autofocus" in tag]
    assert focus["id"] == "f-voyages.0.stops.0"
    assert "<details open>" in text
    assert (await submit(world, form)).status == 303
    assert fleet.body(1).model_dump(mode="json")["voyages"] == [
        {
            "title": "Out",
            "meal": {"cook": "Ann"},
            "stops": [{"pier": "a", "lit": False}, {"pier": "b", "lit": True}],
        }
    ]


async def test_rows_are_told_apart_and_unfold(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, voyages=[{"title": "<i>Out</i>"}])
    text = await (await world.client.get(ONE)).text()
    assert "<legend>Voyages 1: &lt;i&gt;Out&lt;/i&gt;</legend>" in text
    assert "<details>" in text
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))


# --- mistakes ---------------------------------------------------------------------------------


async def test_rows_say_every_error_beside_its_field(harbour: Harbour) -> None:
    world, fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    for button in ("add:guests", "add:guests", "add:voyages", "add:voyages.0.stops"):
        _text, form = await pressed(world, form, button)
    answer = await submit(
        world,
        fill(
            form,
            name="Petrel",
            guests__1__bunks="many",
            guests__2__bunks="3",
            voyages__0__title="O",
            voyages__0__stops__0__pier="pierhead",
        ),
    )
    text = await answer.text()
    assert answer.status == 400
    assert fleet.done == []
    said = errors_on(Page(text), text)
    # The first row was left empty, and is not there any more.
    assert said == {
        "guests.0.bunks": "This has to be a whole number.",
        "guests.1": "There is no cabin for three.",
        "voyages.0.title": "This text is too short: it needs at least 2 characters.",
        "voyages.0.stops.0.pier": "This text is too long: at most 5 characters fit.",
    }
    assert 'href="#f-voyages.0.stops.0.pier">Voyages 1: O: Stops 1: pierhead: Pier' in alert_on(
        text
    )
    form = Page(text).form(NEW)
    assert form.value("guests.0.bunks") == "many"
    mended = fill(
        form,
        guests__0__bunks="1",
        guests__1__bunks="2",
        voyages__0__title="Out",
        voyages__0__stops__0__pier="p",
    )
    assert (await submit(world, mended)).status == 303


async def test_rows_choose_from_what_features_keep(harbour: Harbour) -> None:
    world, fleet = harbour
    text = await (await world.client.get(NEW)).text()
    assert '<option value="9">Lee</option>' in text
    form = Page(text).form(NEW)
    await submit(world, fill(form, name="Petrel", guests__0__berth="9"))
    assert guests_of(fleet)[0]["berth"] == "9"


async def test_row_that_is_there_and_emptied_says_what_is_needed(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, voyages=[{"title": "Out"}])
    form = (await visit(world, ONE)).form(ONE)
    text = await (await submit(world, fill(form, voyages__0__title=""))).text()
    assert errors_on(Page(text), text) == {"voyages.0.title": "This is needed."}


async def test_more_rows_than_there_can_be_are_refused(harbour: Harbour) -> None:
    world, fleet = harbour
    form = fill((await visit(world, NEW)).form(NEW), name="Petrel")
    numbers = [str(n) for n in range(900)]
    form = form.sets("guests", "", *numbers)
    answer = await submit(world, form)
    text = await answer.text()
    assert answer.status == 400
    assert errors_on(Page(text), text) == {"guests": "At most 3 fit."}
    assert len(numbers_of(Page(text).form(NEW), "guests")) == 5
    assert fleet.done == []


@pytest.mark.parametrize("number", ["[]", '[{"bunks": 1}]', "x", "-1", "99999", "\u0661", "1++"])
async def test_list_that_is_no_list_of_rows_is_not_taken_for_an_empty_one(
    harbour: Harbour, number: str
) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, guests=[{"bunks": 1}])
    form = (await visit(world, ONE)).form(ONE).sets("guests", number)
    assert (await submit(world, fill(form, story="new"))).status == 400
    assert (fleet.body(1).story, len(fleet.body(1).guests)) == ("", 1)


async def test_rows_say_what_the_service_says(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.refusal = too_deep("/guests/0/bunks")
    form = (await visit(world, NEW)).form(NEW)
    answer = await submit(world, fill(form, name="Petrel", guests__0__bunks="1"))
    text = await answer.text()
    assert errors_on(Page(text), text) == {"guests.0.bunks": "The harbour is too deep."}


# --- a week -----------------------------------------------------------------------------------


async def test_week_has_a_line_for_each_day(harbour: Harbour) -> None:
    world, fleet = harbour
    form = (await visit(world, NEW)).form(NEW)
    assert numbers_of(form, "watches") == [""] * 7
    week = ["9-12, 13.30 - 24:00", "", " 08:00-08:30 ", "", "", "", "00:00-24:00"]
    await submit(world, fill(form, name="Petrel").sets("watches", *week))
    assert fleet.body(1).model_dump(mode="json")["watches"] == [
        {"day": 0, "opens": "09:00:00", "closes": "12:00:00"},
        {"day": 0, "opens": "13:30:00", "closes": "00:00:00"},
        {"day": 2, "opens": "08:00:00", "closes": "08:30:00"},
        {"day": 6, "opens": "00:00:00", "closes": "00:00:00"},
    ]
    form = (await visit(world, ONE)).form(ONE)
    shown = ["09:00-12:00, 13:30-24:00", "", "08:00-08:30", "", "", "", "00:00-24:00"]
    assert numbers_of(form, "watches") == shown
    assert (await submit(world, form)).headers["Location"] == f"{ONE}?done=same"
    # Another day is another time, though the words are the same.
    await submit(world, form.sets("watches", "", *shown[:6]))
    assert [one.day for one in fleet.body(1).watches] == [1, 1, 3]
    await submit(world, (await visit(world, ONE)).form(ONE).sets("watches", *[""] * 7))
    assert fleet.body(1).watches == []


async def test_week_that_somebody_else_set_is_told_in_words(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    mine = (await visit(world, ONE)).form(ONE)
    fleet.paint(1, watches=[{"day": 1, "opens": "09:00", "closes": "00:00"}])
    answer = await submit(world, mine.sets("watches", "10-11"))
    text = await answer.text()
    assert "set this to “Tuesday 09:00-24:00” meanwhile" in errors_on(Page(text), text)["watches"]


@pytest.mark.parametrize("line", ["soon", "9", "25-26", "12-9", "9-9", "9-12, x", "09:60-10:00"])
async def test_week_says_which_day_can_not_be_read(harbour: Harbour, line: str) -> None:
    world, fleet = harbour
    form = fill((await visit(world, NEW)).form(NEW), name="Petrel")
    text = await (await submit(world, form.sets("watches", "", "", line, "", line))).text()
    said = errors_on(Page(text), text)["watches"]
    assert said.startswith("Wednesday: write it like 09:00-12:00, 13:00-17:30. Friday: ")
    assert numbers_of(Page(text).form(NEW), "watches") == ["", "", line, "", line, "", ""]
    assert fleet.done == []


# --- settings ---------------------------------------------------------------------------------


async def test_settings_have_rows_too(harbour: Harbour) -> None:
    world, _fleet = harbour
    address = f"{HOME}/settings/levels"
    form = (await visit(world, address)).form(address)
    typed = fill(form, multipliers__0__role_id=str(ROLE), multipliers__0__percent="150")
    text, form = await pressed(world, typed, "add:multipliers")
    wrong = fill(form, multipliers__1__percent="5000", rewards__0__level="3")
    answer = await submit(world, wrong)
    text = await answer.text()
    assert answer.status == 400
    assert errors_on(Page(text), text) == {
        "multipliers.1.percent": "At most 1000, please.",
        "rewards.0.role_id": "This is needed.",
    }
    form = fill(Page(text).form(address), multipliers__1__percent="20", rewards__0__level="")
    text = await (await submit(world, form)).text()
    assert errors_on(Page(text), text) == {
        "multipliers.1": "A multiplier is for one role or one channel."
    }
    form = Page(text).form(address).sets("multipliers.1!remove", "true")
    assert (await submit(world, form)).headers["Location"] == f"{address}?done=saved"
    stored = await (await world.client.get(f"/v1{HOME}/settings/levels")).json()
    assert stored["multipliers"] == [{"role_id": str(ROLE), "channel_id": None, "percent": 150}]
    assert stored["rewards"] == []


async def test_settings_that_others_changed_while_a_row_was_added(harbour: Harbour) -> None:
    world, _fleet = harbour
    address = f"{HOME}/settings/levels"
    form = (await visit(world, address)).form(address)
    theirs = fill(form, multipliers__0__role_id=str(ROLE), multipliers__0__percent="150")
    assert (await submit(world, theirs)).status == 303
    _text, mine = await pressed(world, form, "add:multipliers")
    mine = fill(mine, multipliers__0__role_id=str(ROLE), multipliers__0__percent="90")
    answer = await submit(world, mine)
    assert answer.status == 409
    assert "meanwhile" in errors_on(Page(text := await answer.text()), text)["multipliers"]
