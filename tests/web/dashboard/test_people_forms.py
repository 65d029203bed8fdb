"""Members that are typed into forms: by id, by mention, and by name."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.namesearch import NamedMember, no_answer
from db.guilds import (
    SeenGuild,
    SeenMember,
    SeenUser,
    mark_members_left,
    save_guilds,
    save_members,
    save_users,
)
from tests.web.dashboard.boats import HOME, NEW, ONE, Harbour, add
from tests.web.pages import Form, Page, errors_on, fill, submit, visit
from tests.web.support import GUILD, OTHER_GUILD, World

ANN = NamedMember(44, ("Ann", "ann"))
ANNA = NamedMember(55, ("<b>Anna</b>", "anna_b"))
OTHER_ANN = NamedMember(66, ("Ann", "lee"))


def choices_on(text: str) -> list[tuple[str, str]]:
    """Return whom a page offers, with the input that they are for."""
    tags = [tag for _, tag in Page(text).tags if tag.get("name", "").endswith("!of")]
    return [(tag["name"].removesuffix("!of"), tag["value"]) for tag in tags]


async def sent(world: World, **texts: str) -> tuple[int, str, Form]:
    answer = await add(world, **texts)
    text = await answer.text()
    return answer.status, text, Page(text).form(NEW) if answer.status != 303 else Form("", "")


@pytest.mark.parametrize("typed", ["44", "<@44>", "<@!44>", "Ann", " ann ", "@ANN", "annie"])
async def test_member_is_known_by_id_mention_and_each_whole_name(
    harbour: Harbour, typed: str
) -> None:
    world, fleet = harbour
    fleet.crowd += [NamedMember(44, ("Annie", "Ann")), ANNA]
    status, _text, _form = await sent(world, crew__captain=typed)
    assert status == 303
    assert fleet.body(1).crew.captain == "44"
    assert len(fleet.asked) == (0 if "44" in typed else 1)
    assert all(guild_id == GUILD for guild_id, _ in fleet.asked)


async def test_name_of_several_comes_back_with_a_choice(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANNA, ANN, OTHER_ANN]
    status, text, form = await sent(world, crew__captain="Ann", story="<i>kept</i>")
    assert (status, fleet.done) == (400, [])
    assert errors_on(Page(text), text) == {"crew.captain": "Choose whom “Ann” means."}
    # Those who are called so come first.
    assert choices_on(text) == [
        ("crew.captain", "44 Ann"),
        ("crew.captain", "66 Ann"),
        ("crew.captain", "55 Ann"),
    ]
    assert "&lt;b&gt;Anna&lt;/b&gt; (@anna_b, 55)" in text
    assert (form.value("crew.captain"), form.value("story")) == ("Ann", "<i>kept</i>")

    # Nothing chosen is no answer, and neither is a choice for another name.
    assert (await submit(world, form)).status == 400
    other = fill(form, crew__captain="Anna").sets("crew.captain!of", "66 Ann")
    assert (await submit(world, other)).status == 400
    assert fleet.done == []
    chosen = form.sets("crew.captain!of", "66 Ann")
    assert (await submit(world, chosen)).status == 303
    assert fleet.body(1).crew.captain == "66"


async def test_display_names_of_those_who_were_met_count_too(harbour: Harbour) -> None:
    world, fleet = harbour
    now = world.clock.now()
    people = {1: "Ada Fernández", 2: "Ada%", 3: "Ada gone", 4: "Ada elsewhere"}
    async with world.services.database.write() as session:
        await save_guilds(session, [SeenGuild(one, "A", now) for one in (GUILD, OTHER_GUILD)])
        await save_users(session, [SeenUser(n, name, None, now) for n, name in people.items()])
        here = [SeenMember(OTHER_GUILD if n == 4 else GUILD, n, now) for n in people]
        await save_members(session, here)
        await mark_members_left(session, {(GUILD, 3): now})
    fleet.crowd.append(NamedMember(1, ("ada",)))
    for typed, found in (("ada fernández", "1"), ("Ada%", "2")):
        status, _text, _form = await sent(world, crew__captain=typed)
        assert status == 303
        assert fleet.done[-1][2].crew.captain == found
    _status, text, _form = await sent(world, crew__captain="Ad")
    assert [one for _, one in choices_on(text)] == ["1 Ad", "2 Ad"]


async def test_display_name_of_several_words_is_found_by_the_first(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [NamedMember(1, ("Ada Fernández", "adaf")), NamedMember(2, ("Ada L", "adal"))]
    fleet.by_user_name = True
    status, _text, _form = await sent(world, crew__captain="ada  fernández")
    assert (status, [one for _, one in fleet.asked]) == (303, ["ada fernández", "ada"])
    assert fleet.body(1).crew.captain == "1"


async def test_name_that_only_begins_so_is_asked_about(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANNA]
    status, text, _form = await sent(world, crew__captain="An")
    assert (status, choices_on(text)) == (400, [("crew.captain", "55 An")])


@pytest.mark.parametrize("typed", ["Nobody", "@", "x" * 200, "“<script>”"])
async def test_name_of_nobody_is_told_beside_the_input(harbour: Harbour, typed: str) -> None:
    world, fleet = harbour
    status, text, form = await sent(world, crew__captain=typed)
    assert (status, fleet.done) == (400, [])
    assert "Nobody here has a name that begins with" in errors_on(Page(text), text)["crew.captain"]
    assert "<script>" not in text
    assert form.value("crew.captain") == typed


async def test_all_that_is_wrong_is_told_at_once(harbour: Harbour) -> None:
    world, _fleet = harbour
    _status, text, _form = await sent(world, name="x", crew__captain="Nobody", crew__size="many")
    assert errors_on(Page(text), text).keys() == {"name", "crew.captain", "crew.size"}


async def test_discord_that_does_not_answer_is_told(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.refusal = no_answer()
    status, text, form = await sent(world, crew__captain="Ann")
    assert status == 400
    assert "Names can&#39;t be looked up right now: give the ID." in text
    assert (await submit(world, fill(form, crew__captain="44"))).status == 303


async def test_several_members_in_one_text(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN, NamedMember(77, ("Big Bo", "bo"))]
    form = (await visit(world, NEW)).form(NEW)
    typed = fill(form, name="Petrel", guests__0__friends="1 ann 2, big bo; <@3><@4>\r\nbo")
    await submit(world, typed)
    assert fleet.body(1).guests[0].friends == ["1", "44", "2", "77", "3", "4", "77"]


async def test_choice_in_a_row(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN, OTHER_ANN]
    await add(world)
    fleet.paint(1, guests=[{"bunks": 1}, {"bunks": 2}])
    form = (await visit(world, ONE)).form(ONE)
    typed = fill(form, guests__1__friends="8, Ann").sets("guests.0!remove", "true")
    answer = await submit(world, typed)
    text = await answer.text()
    assert choices_on(text) == [("guests.0.friends", "44 Ann"), ("guests.0.friends", "66 Ann")]
    assert errors_on(Page(text), text).keys() == {"guests.0.friends"}
    form = Page(text).form(ONE).sets("guests.0.friends!of", "66 Ann")
    assert (await submit(world, form)).status == 303
    [guest] = fleet.body(1).guests
    assert (guest.bunks, guest.friends) == (2, ["8", "66"])


async def test_few_names_are_looked_up_at_once(harbour: Harbour) -> None:
    world, fleet = harbour
    form = fill((await visit(world, NEW)).form(NEW), name="Petrel")
    names = ", ".join(f"n{n}" for n in range(9))
    text = await (await submit(world, fill(form, guests__0__friends=names))).text()
    assert len(fleet.asked) == 5
    assert "At most 5 names can be looked up at once." in text


async def test_name_of_who_is_there_already_changes_nothing(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN]
    await add(world, crew__captain="44")
    form = (await visit(world, ONE)).form(ONE)
    answer = await submit(world, fill(form, crew__captain="ann"))
    assert answer.headers["Location"] == f"{ONE}?done=same"


async def test_member_that_is_no_id_holds_up_no_other_change(harbour: Harbour) -> None:
    world, fleet = harbour
    await add(world)
    fleet.paint(1, crew={"size": 2, "captain": "who?"}, guests=[{"friends": ["who?"]}])
    form = (await visit(world, ONE)).form(ONE)
    assert (await submit(world, fill(form, story="new"))).status == 303
    assert (fleet.body(1).story, fleet.body(1).crew.captain) == ("new", "who?")


async def test_form_with_another_mistake_shows_who_was_found(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN]
    _status, text, form = await sent(world, name="x", crew__captain="ann")
    assert form.value("crew.captain") == "44"
    assert "<li>Ann (44)</li>" in text


async def test_form_of_an_action_takes_names(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN, OTHER_ANN]
    await add(world)
    path = f"{ONE}/do/move"
    form = (await visit(world, path)).form(path)
    typed = fill(form, berth="2", towed="true", lines="a", pilot="lee")
    assert (await submit(world, typed)).status == 303
    assert fleet.done[-1][2].pilot == "66"
    text = await (await submit(world, fill(typed, pilot="Ann"))).text()
    assert choices_on(text) == [("pilot", "44 Ann"), ("pilot", "66 Ann")]


async def test_settings_take_names(harbour: Harbour) -> None:
    world, fleet = harbour
    fleet.crowd += [ANN, OTHER_ANN, NamedMember(77, ("Bo", "bo"))]
    address = f"{HOME}/settings/antinuke"
    form = (await visit(world, address)).form(address)
    answer = await submit(world, fill(form, trusted_member_ids="bo, Ann"))
    text = await answer.text()
    assert answer.status == 400
    assert choices_on(text) == [
        ("trusted_member_ids", "44 Ann"),
        ("trusted_member_ids", "66 Ann"),
    ]
    both = Page(text).form(address).sets("trusted_member_ids!of", "44 Ann")
    assert (await submit(world, both)).headers["Location"] == f"{address}?done=saved"
    stored: Any = await (await world.client.get(f"/v1{HOME}/settings/antinuke")).json()
    assert stored["trusted_member_ids"] == ["77", "44"]
