"""Where a person is logged in: shown, ended one by one or all at once, on pages and by the API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.audit import list_audit_entries
from db.engine import Database
from db.guilds import SeenUser, save_users
from tests.fakes import FakeClock
from tests.web.pages import Page
from tests.web.support import OWNER, STRANGER, World, minutes, open_world

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
HOSTILE = "<script>alert(1)</script>" + "é" * 300


@pytest.fixture
async def closed(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world in which no network is trusted, on both databases."""
    world = await open_world(database, clock, trusted_networks=(), per_minute=1000)
    yield world
    await world.client.close()


async def _open_browser(world: World, agent: str, user_id: int = OWNER) -> dict[str, str]:
    """Log in in one more browser and return what it sends with each request."""
    world.client.session.cookie_jar.clear()
    link = await world.services.login_links.create(user_id)
    headers = SAME_SITE | {"User-Agent": agent}
    response = await world.client.post(
        "/login/" + link.rpartition("/")[2], headers=headers, allow_redirects=False
    )
    assert response.status == 303
    world.client.session.cookie_jar.clear()
    world.clock.advance(minutes(2))
    return headers | {"Cookie": f"pegasus={response.cookies['pegasus'].value}"}


async def _listed(world: World, browser: dict[str, str]) -> list[dict[str, object]]:
    response = await world.client.get("/v1/sessions", headers=browser)
    assert response.status == 200
    return await response.json()


async def test_sessions_are_listed_with_this_one_marked(closed: World) -> None:
    hostile = await _open_browser(closed, HOSTILE)
    firefox = await _open_browser(closed, FIREFOX)
    await _open_browser(closed, "curl/8.1", STRANGER)
    seen = SeenUser(OWNER, "Ada & co", None, closed.clock.now())
    async with closed.services.database.write() as session:
        await save_users(session, [seen])

    listed = await _listed(closed, firefox)
    assert listed[0]["browser"] == "Firefox on Linux"
    assert [one["current"] for one in listed] == [True, False]
    assert len(str(listed[1]["user_agent"])) <= 200
    assert len(str(listed[0]["id"])) == 16

    response = await closed.client.get("/sessions", headers=firefox)
    text = await response.text()
    assert "You are logged in as Ada &amp; co." in text
    assert "<script>" not in text
    assert text.count("this browser") == 1
    assert len(text) < 5000
    actions = {form.action for form in Page(text).forms}
    assert f"/sessions/{listed[1]['id']}/end" in actions
    assert f"/sessions/{listed[0]['id']}/end" not in actions
    start = await closed.client.get("/", headers=hostile | {"Accept-Language": "es"})
    assert "Sesión de Ada &amp; co" in await start.text()


async def test_session_is_ended_from_the_page(closed: World) -> None:
    phone, desk = [await _open_browser(closed, agent) for agent in ("phone", FIREFOX)]
    [handle] = [str(one["id"]) for one in await _listed(closed, desk) if not one["current"]]
    path = f"/sessions/{handle}/end"
    response = await closed.client.post(path, headers=desk, allow_redirects=False)
    assert response.status == 303
    assert response.headers["Location"] == "/sessions?done=logged_out"
    assert (await closed.client.get("/sessions", headers=phone)).status == 401
    page = await closed.client.get("/sessions?done=logged_out", headers=desk)
    assert "Logged out there." in await page.text()
    assert "Log out everywhere else" not in await page.text()
    again = await closed.client.post(path, headers=desk | {"Accept": "text/html"})
    assert again.status == 404
    assert "Look at the list again" in await again.text()


async def test_session_of_somebody_else_is_not_to_be_ended(closed: World) -> None:
    theirs = await _open_browser(closed, FIREFOX, STRANGER)
    mine = await _open_browser(closed, FIREFOX)
    [other] = await _listed(closed, theirs)
    for wrong in (other["id"], "%25", "_" * 16, "x" * 400):
        response = await closed.client.delete(f"/v1/sessions/{wrong}", headers=mine)
        assert response.status == 404
    assert len(await _listed(closed, theirs)) == 1


async def test_session_is_ended_by_the_api(closed: World) -> None:
    browser = await _open_browser(closed, FIREFOX)
    [own] = await _listed(closed, browser)
    response = await closed.client.delete(f"/v1/sessions/{own['id']}", headers=browser)
    assert response.status == 204
    assert (await closed.client.get("/v1/sessions", headers=browser)).status == 401


@pytest.mark.parametrize("by_page", [True, False])
async def test_all_other_sessions_are_ended(closed: World, by_page: bool) -> None:
    first, second, this_one = [await _open_browser(closed, FIREFOX) for _ in range(3)]
    stranger = await _open_browser(closed, FIREFOX, STRANGER)
    if by_page:
        response = await closed.client.post(
            "/sessions/end-others", headers=this_one, allow_redirects=False
        )
        assert response.status == 303
    else:
        response = await closed.client.delete("/v1/sessions", headers=this_one)
        assert await response.json() == {"ended": 2}
    for ended in (first, second):
        assert (await closed.client.get("/v1/sessions", headers=ended)).status == 401
    assert len(await _listed(closed, this_one)) == 1
    assert len(await _listed(closed, stranger)) == 1
    async with closed.services.database.read() as session:
        entries = await list_audit_entries(session, action="other_logins_ended")
    assert [(entry.user_id, entry.details["browsers"]) for entry in entries] == [(OWNER, 2)]


async def test_sessions_that_ended_by_themselves_are_not_listed(closed: World) -> None:
    await _open_browser(closed, FIREFOX)
    closed.clock.advance(minutes(8 * 60))
    browser = await _open_browser(closed, FIREFOX)
    assert len(await _listed(closed, browser)) == 1


async def test_sessions_of_another_site_or_of_nobody(closed: World) -> None:
    browser = await _open_browser(closed, FIREFOX)
    elsewhere = browser | {"Sec-Fetch-Site": "cross-site"}
    assert (await closed.client.delete("/v1/sessions", headers=elsewhere)).status == 403
    response = await closed.client.post("/sessions/end-others", headers=elsewhere)
    assert response.status == 403
    assert (await closed.client.get("/sessions")).status == 401
