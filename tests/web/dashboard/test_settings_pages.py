"""The pages on which settings are edited: every feature's form, and everybody's mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import ChannelSummary
from bot.core.fields import describe_fields
from db.audit import list_audit_entries
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.conftest import OpenWorld
from tests.web.pages import Page, submit, visit
from tests.web.support import (
    CHANNEL,
    CHANNEL_NAME,
    GUILD,
    GUILD_NAME,
    OWNER,
    REGISTRY,
    WRITABLE,
    World,
    open_world,
)

HOME = f"/guilds/{GUILD}"
FORM = f"{HOME}/settings/welcome"
PAGES = ["/guilds", HOME, FORM, f"{FORM}/history", f"{FORM}/history/0", f"{FORM}/reset"]
API = f"/v1/guilds/{GUILD}/settings"
every_feature = pytest.mark.parametrize("key", [one.key for one in REGISTRY.all()])
every_page = pytest.mark.parametrize("path", PAGES)


@pytest.fixture
async def world(open_web: OpenWorld) -> World:
    """A world in which a test may call as often as it likes."""
    return await open_web(per_minute=10_000)


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """The same on each of the databases."""
    world = await open_world(database, clock, per_minute=10_000)
    yield world
    await world.client.close()


async def values_of(world: World, key: str = "welcome") -> dict[str, Any]:
    return await (await world.client.get(f"{API}/{key}")).json()


# --- every feature at once --------------------------------------------------------------------


@every_feature
async def test_form_sent_as_it_is_changes_nothing(world: World, key: str) -> None:
    page = await visit(world, f"{HOME}/settings/{key}")
    if not describe_fields(REGISTRY.get(key).settings):
        return
    response = await submit(world, page.form(f"{HOME}/settings/{key}"))

    assert (response.status, response.headers["Location"]) == (
        303,
        f"{HOME}/settings/{key}?done=same",
    )
    assert (await world.client.get(f"{API}/{key}")).headers["ETag"] == '"v0"'


@every_feature
@pytest.mark.parametrize("language", ["en", "es"])
async def test_form_has_every_field_with_label_and_description(
    world: World, key: str, language: str
) -> None:
    page = await visit(world, f"{HOME}/settings/{key}", **{"Accept-Language": language})
    drawn = [(kind, tag) for kind, tag in page.tags if tag.get("id", "").startswith("f-")]
    fields = {tag["id"].removeprefix("f-"): tag for _, tag in drawn}
    labelled = {tag["for"] for name, tag in page.tags if name == "label" and "for" in tag}

    assert page.language == language
    of_settings = [name for name in fields if "." not in name]
    assert of_settings == [one.name for one in describe_fields(REGISTRY.get(key).settings)]
    # A set of boxes, a list and each of its rows have a legend instead.
    assert {tag["id"] for kind, tag in drawn if kind != "fieldset"} <= labelled
    for tag in (tag for name, tag in fields.items() if not name.rpartition(".")[2].isdecimal()):
        assert tag["aria-describedby"].split()
        assert set(tag["aria-describedby"].split()) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


@every_page
async def test_pages_hold_nothing_that_a_name_could_run(world: World, path: str) -> None:
    await _save(world, join_channel_id=str(CHANNEL), join_texts="<script>alert(2)</script>")
    text = await (await world.client.get(path)).text()

    page = Page(text)
    assert GUILD_NAME not in text
    assert CHANNEL_NAME not in text
    assert "&lt;script&gt;" in text, "the name is there, and harmless"
    assert not {name for name, _ in page.tags} & {"script", "style", "iframe"}
    for _name, attributes in page.tags:
        assert not [one for one in attributes if one.startswith("on") or one == "style"]
        for link in ("href", "src", "action"):
            assert attributes.get(link, "/").startswith(("/", "#", "?"))


@every_page
async def test_pages_are_in_the_readers_language(world: World, path: str) -> None:
    response = await world.client.get(path, headers={"Accept-Language": "es"})
    assert response.headers["Content-Language"] == "es"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Servidores" in await response.text()


# --- saving -----------------------------------------------------------------------------------


async def _save(world: World, **texts: str) -> Any:
    form = (await visit(world, FORM)).form(FORM)
    for name, text in texts.items():
        form = form.sets(name, text)
    return await submit(world, form)


async def test_form_saves_what_was_edited_and_nothing_else(stored: World) -> None:
    response = await _save(
        stored,
        join_enabled="false",
        join_channel_id=str(CHANNEL),
        join_texts="Hello {member}\r\n\r\nWelcome!\r\n---\r\nHi",
        colour="#ff0000",
        order="in_turn",
        raid_window="2m",
        delete_after="1 day",
        raid_size="1 0",
    )
    assert response.headers["Location"] == f"{FORM}?done=saved"

    defaults = REGISTRY.get("welcome").settings().to_json()
    assert await values_of(stored) == defaults | {
        "join_enabled": False,
        "join_channel_id": str(CHANNEL),
        "join_texts": ["Hello {member}\n\nWelcome!", "Hi"],
        "colour": "#ff0000",
        "order": "in_turn",
        "raid_window": 120,
        "delete_after": 86400,
    }
    page = await visit(stored, FORM)
    again = await submit(stored, page.form(FORM))
    assert again.headers["Location"].endswith("done=same")
    cleared = page.form(FORM).sets("join_channel_id", "").sets("delete_after", "")
    await submit(stored, cleared)
    assert (await values_of(stored))["join_channel_id"] is None
    assert (await values_of(stored))["delete_after"] is None


async def test_form_shows_errors_beside_fields_and_keeps_what_was_typed(stored: World) -> None:
    response = await _save(stored, raid_size="<b>2</b>", raid_window="soon", embed_title="kept")
    text = await response.text()
    page = Page(text)

    assert response.status == 400
    form = page.form(FORM)
    assert (form.value("raid_size"), form.value("raid_window")) == ("<b>2</b>", "soon")
    assert form.value("embed_title") == "kept"
    wrong = {tag["name"]: tag for _, tag in page.tags if "aria-invalid" in tag}
    assert wrong.keys() == {"raid_size", "raid_window"}
    assert "e-raid_size" in wrong["raid_size"]["aria-describedby"].split()
    assert "“soon” is not a duration." in text
    assert [tag["href"] for _, tag in page.tags if tag.get("href", "").startswith("#f-")] == [
        "#f-raid_size",
        "#f-raid_window",
    ]
    assert await values_of(stored) == REGISTRY.get("welcome").settings().to_json()

    corrected = await submit(stored, form.sets("raid_size", "20").sets("raid_window", "1m"))
    assert corrected.status == 303
    assert (await values_of(stored))["embed_title"] == "kept"


async def test_form_with_a_deleted_channel_can_still_be_saved(world: World) -> None:
    await _save(world, join_channel_id=str(CHANNEL))
    world.state.rooms.clear()
    page = await visit(world, FORM)
    assert page.form(FORM).value("join_channel_id") == str(CHANNEL)
    response = await submit(world, page.form(FORM).sets("raid_size", "20"))

    assert response.status == 303
    assert (await values_of(world))["join_channel_id"] == str(CHANNEL)


async def test_form_says_where_the_bot_lacks_permissions(world: World) -> None:
    text = await (await world.client.get(FORM)).text()
    assert "I lack permissions there" not in text
    world.state.rooms = [ChannelSummary(CHANNEL, GUILD, "quiet", "text")]
    text = await (await world.client.get(FORM)).text()
    assert "#quiet (I lack permissions there)" in text


async def test_form_takes_the_longest_texts_there_can_be(world: World) -> None:
    texts = "\r\n---\r\n".join("🦆" * 1500 for _ in range(10))
    response = await _save(world, join_texts=texts, returning_texts=texts, leave_texts=texts)
    assert response.status == 303


@pytest.mark.parametrize("body", [b"", b"version=", b"version=x", b"nonsense", b"\xff=1", b"a=1"])
async def test_form_that_is_none(world: World, body: bytes) -> None:
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    response = await world.client.post(FORM, data=body, headers=headers)
    assert response.status == 400
    assert world.webhooks.reports == []


async def test_form_change_is_audited_as_made_on_the_pages(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in()
    await _save(world, raid_size="20")

    async with world.services.database.read() as session:
        [entry] = await list_audit_entries(session, limit=5, category="settings")
    assert (entry.user_id, entry.ip) == (OWNER, "127.0.0.1")
    assert entry.details["diff"] == {"raid_size": {"before": 10, "after": 20}}
    text = await (await world.client.get(f"{FORM}/history")).text()
    assert "on these pages" in text
    assert str(OWNER) in text


# --- documents --------------------------------------------------------------------------------

RULES = '[{"name": "spam", "when": {"type": "words", "words": ["buy"]}}]'


async def test_document_is_shown_in_words(world: World) -> None:
    rules = (
        '[{"name": "spam", "when": {"type": "words", "words": ["<b>buy"]},'
        f' "actions": [{{"type": "alert", "channel_id": "{CHANNEL}"}}]}}]'
    )
    world.state.rooms = [ChannelSummary(CHANNEL, GUILD, "quiet", "text", bot_permissions=WRITABLE)]
    address = f"{HOME}/settings/automod"
    form = (await visit(world, address)).form(address)
    await submit(world, form.sets("rules", rules))
    for path in (address, f"{address}/history"):
        page = await (await world.client.get(path)).text()
        assert "spam: " in page
        assert "&lt;b&gt;buy ➜ Tell staff in #quiet" in page
        assert "<b>buy" not in page
        assert ("&#34;actions&#34;" in page) == (path == address)


async def test_document_is_edited_as_json(world: World) -> None:
    address = f"{HOME}/settings/automod"
    form = (await visit(world, address)).form(address)
    response = await submit(world, form.sets("rules", RULES))

    assert response.headers["Location"] == f"{address}?done=saved"
    stored = await (await world.client.get(f"{API}/automod")).json()
    assert stored["rules"][0]["name"] == "spam"
    assert "&#34;name&#34;: &#34;spam&#34;" in await (await world.client.get(address)).text()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("[{", "look at line 1"),
        ("[" * 9_000, "This is no JSON"),
        (RULES.replace("spam", "SPAM"), "0/name: "),
        (RULES.replace("words", "nonsense", 1), "0/when"),
    ],
    ids=["cut off", "too deep", "bad name", "unknown part"],
)
async def test_document_that_can_not_be_taken_says_where(
    world: World, typed: str, told: str
) -> None:
    address = f"{HOME}/settings/automod"
    form = (await visit(world, address)).form(address)
    response = await submit(world, form.sets("rules", typed))

    assert response.status == 400
    assert told in await response.text()


# --- somebody else meanwhile ------------------------------------------------------------------


async def test_form_that_somebody_overtook_comes_back_with_both(stored: World) -> None:
    mine = (await visit(stored, FORM)).form(FORM)
    await _save(stored, raid_size="30", colour="#00ff00")
    response = await submit(stored, mine.sets("raid_size", "40").sets("embed_title", "mine"))
    text = await response.text()
    page = Page(text)

    assert response.status == 409
    assert "Somebody else set this to “30” meanwhile." in text
    form = page.form(FORM)
    assert form.value("version") == "1"
    assert (form.value("raid_size"), form.value("embed_title")) == ("40", "mine")
    assert form.value("colour") == "#00ff00", "what I did not touch is theirs"
    assert (await values_of(stored))["raid_size"] == 30

    assert (await submit(stored, form)).status == 303
    found = await values_of(stored)
    assert (found["raid_size"], found["embed_title"], found["colour"]) == (40, "mine", "#00ff00")


async def test_form_sent_by_many_at_once_has_one_winner(stored: World) -> None:
    form = (await visit(stored, FORM)).form(FORM)
    responses = await asyncio.gather(
        *(submit(stored, form.sets("raid_size", str(size))) for size in range(20, 28))
    )
    assert sorted(one.status for one in responses) == [303] + [409] * 7
    assert (await stored.client.get(f"{API}/welcome")).headers["ETag"] == '"v1"'


# --- switch, history, reset -------------------------------------------------------------------


async def test_switch_on_the_guilds_page(stored: World) -> None:
    form = (await visit(stored, HOME)).form(f"{HOME}/features/welcome")
    response = await submit(stored, form)
    assert response.headers["Location"] == f"{HOME}?done=saved"
    stale = await submit(stored, form)
    assert stale.headers["Location"] == f"{HOME}?done=stale"
    page = await visit(stored, FORM)
    off = page.form(f"{HOME}/features/welcome")
    assert off.value("enabled") == "false"
    assert (await submit(stored, off)).headers["Location"] == f"{FORM}?done=saved"


@pytest.mark.parametrize(
    ("done", "said"), [("saved", "It applies at once."), ("stale", "meanwhile"), ("<b>", "")]
)
async def test_page_says_what_was_done(world: World, done: str, said: str) -> None:
    for path in (HOME, FORM, f"{FORM}/reset"):
        text = await (await world.client.get(path, params={"done": done})).text()
        assert said in text
        assert ('role="status"' in text) == bool(said)
        assert "<b>" not in text


async def test_switch_is_not_there_for_what_is_always_on(world: World) -> None:
    page = await visit(world, HOME)
    always = {one.key for one in REGISTRY.all() if one.always_on}
    switched = {one.action.rpartition("/")[2] for one in page.forms if one.method == "post"}
    assert switched == {one.key for one in REGISTRY.all()} - always


async def test_guild_page_tells_problems_with_their_fix(world: World) -> None:
    await _save(world, join_channel_id=str(CHANNEL))
    await submit(world, (await visit(world, HOME)).form(f"{HOME}/features/welcome"))
    world.state.rooms.clear()
    for path in (HOME, FORM):
        text = await (await world.client.get(path)).text()
        assert "Choose another channel, or let me see it." in text


async def test_history_leads_back_after_a_question(stored: World) -> None:
    await _save(stored, raid_size="20")
    await _save(stored, raid_size="30")
    question = f"{FORM}/history/1"
    listing = await (await stored.client.get(f"{FORM}/history")).text()
    assert f'href="{question}"' in listing
    page = await visit(stored, question)
    form = page.forms[-1].sets("nothing")
    form.action = question
    assert (await values_of(stored))["raid_size"] == 30, "looking changes nothing"

    await _save(stored, raid_size="40")
    assert (await submit(stored, form)).headers["Location"] == f"{question}?done=stale"
    form = (await visit(stored, f"{question}?done=stale")).forms[-1]
    form.action = question
    assert (await submit(stored, form)).headers["Location"] == f"{FORM}?done=saved"
    assert (await values_of(stored))["raid_size"] == 20


async def test_reset_after_a_question(stored: World) -> None:
    await _save(stored, raid_size="20")
    form = (await visit(stored, f"{FORM}/reset")).forms[-1]
    form.action = f"{FORM}/reset"
    assert (await submit(stored, form)).headers["Location"] == f"{FORM}?done=saved"
    assert await values_of(stored) == REGISTRY.get("welcome").settings().to_json()


@pytest.mark.parametrize("revision", ["9", "x", "-1", "99999999999"])
async def test_history_of_a_revision_that_never_was(world: World, revision: str) -> None:
    response = await world.client.get(f"{FORM}/history/{revision}")
    assert response.status == 404


async def test_history_comes_in_pages(world: World) -> None:
    for size in range(11, 38):
        await _save(world, raid_size=str(size))
    text = await (await world.client.get(f"{FORM}/history")).text()
    assert 'href="?before=3"' in text
    older = await (await world.client.get(f"{FORM}/history?before=3")).text()
    assert f'href="{FORM}/history/2"' in older
    assert "?before=" not in older
    assert f'href="{FORM}/history"' in older
    between = await (await world.client.get(f"{FORM}/history?before=2&back=20.10")).text()
    assert 'href="?before=10&amp;back=20"' in between


# --- the list ---------------------------------------------------------------------------------


async def test_list_is_found_from_the_status_page_by_operators_only(
    world: World, outside: World
) -> None:
    assert 'href="/guilds"' in await (await world.client.get("/")).text()
    elsewhere = await outside.client.get("/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert 'href="/guilds"' not in await elsewhere.text()


async def test_list_is_searched_by_name(world: World) -> None:
    text = await (await world.client.get("/guilds?q=elseWHERE")).text()
    assert "Elsewhere" in text
    assert f'href="/guilds/{GUILD}"' not in text
    text = await (await world.client.get('/guilds?q="><script>')).text()
    assert "<script>" not in text
    assert "No server was found." in text
