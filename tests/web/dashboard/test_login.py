"""Logging in and out: links that work once, cookies that can't be stolen or forged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import func, select

from db.audit import list_audit_entries
from db.engine import Database
from db.sessions import LoginLink, WebSession
from tests.fakes import FakeClock
from tests.web.conftest import OpenWorld
from tests.web.support import BEHIND_PROXY, FROM_OUTSIDE, OWNER, World, minutes, open_world

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


async def _path_of_link(world: World, user_id: int = OWNER) -> str:
    link = await world.services.login_links.create(user_id)
    return "/login/" + link.rpartition("/")[2]


@pytest.fixture
async def closed(open_web: OpenWorld) -> World:
    """A world in which no network is trusted."""
    return await open_web(trusted_networks=(), per_minute=1000)


async def test_login_looking_at_the_page_uses_nothing_up(closed: World) -> None:
    path = await _path_of_link(closed)
    for _ in range(3):
        page = await closed.client.get(path)
        assert page.status == 200
        assert '<form method="post">' in await page.text()
        assert "Set-Cookie" not in page.headers
    response = await closed.client.post(path, headers=SAME_SITE, allow_redirects=False)
    assert response.status == 303
    assert response.headers["Location"] == "/"
    assert (await closed.client.get("/api/stats")).status == 200


async def test_login_link_works_once(closed: World) -> None:
    path = await _path_of_link(closed)
    statuses = [
        (await closed.client.post(path, headers=SAME_SITE, allow_redirects=False)).status
        for _ in range(2)
    ]
    assert statuses == [303, 404]
    page = await closed.client.get(path, headers={"Accept": "text/html"})
    assert page.status == 404
    assert "used already" in await page.text()
    assert '<form method="post">' not in await page.text()
    start = await (await closed.client.get("/", headers={"Accept": "text/html"})).text()
    assert '<a href="/sessions">Logins</a>' in start


async def test_login_link_ages(closed: World) -> None:
    path = await _path_of_link(closed)
    closed.clock.advance(minutes(5))
    response = await closed.client.post(
        path, headers=SAME_SITE | {"Accept": "text/html"}, allow_redirects=False
    )
    assert response.status == 404
    assert "Ask the bot for a new one." in await response.text()


async def test_login_new_link_ends_the_one_before(closed: World) -> None:
    first = await _path_of_link(closed)
    second = await _path_of_link(closed)
    assert (await closed.client.post(first, headers=SAME_SITE)).status == 404
    assert (await closed.client.post(second, headers=SAME_SITE)).status == 200


async def test_login_one_of_many_at_once_wins(database: Database, clock: FakeClock) -> None:
    world = await open_world(database, clock, trusted_networks=())
    path = await _path_of_link(world)
    responses = await asyncio.gather(
        *(world.client.post(path, headers=SAME_SITE, allow_redirects=False) for _ in range(6))
    )
    assert sorted(response.status for response in responses) == [303, 404, 404, 404, 404, 404]
    await world.client.close()


async def test_login_guesses_are_limited(closed: World) -> None:
    statuses = [(await closed.client.get(f"/login/{n}")).status for n in range(11)]
    assert statuses == [404] * 10 + [429]


async def test_login_needs_https_or_this_machine(closed: World) -> None:
    path = await _path_of_link(closed)
    response = await closed.client.post(path, headers=SAME_SITE | {"Host": "bot.example"})
    assert response.status == 403


async def test_login_cookie_is_bound_to_the_host_under_https(open_web: OpenWorld) -> None:
    world = await open_web(
        public_url="https://bot.example", trusted_proxies=(ip_network("127.0.0.0/8"),)
    )
    path = await _path_of_link(world)
    headers = SAME_SITE | {"X-Forwarded-Proto": "https", "Host": "bot.example"}
    response = await world.client.post(path, headers=headers, allow_redirects=False)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-pegasus=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert response.headers["Strict-Transport-Security"]


async def test_login_database_holds_no_secret(closed: World) -> None:
    path = await _path_of_link(closed)
    response = await closed.client.post(path, headers=SAME_SITE, allow_redirects=False)
    cookie = response.cookies["pegasus"].value
    async with closed.services.database.read() as session:
        [stored] = await session.scalars(select(WebSession))
        [link] = await session.scalars(select(LoginLink))
    assert stored.id_hash != cookie
    assert len(stored.id_hash) == 64
    assert link.token_hash not in path
    assert stored.user_id == OWNER


async def test_login_again_gets_a_new_id_and_drops_the_old(closed: World) -> None:
    await closed.log_in()
    before = closed.client.session.cookie_jar.filter_cookies(closed.client.make_url("/"))
    old = before["pegasus"].value
    await closed.log_in()
    assert await _count_sessions(closed) == 1
    closed.client.session.cookie_jar.clear()
    response = await closed.client.get("/api/stats", headers={"Cookie": f"pegasus={old}"})
    assert response.status == 401


async def test_logout_ends_the_session_wherever_the_cookie_went(closed: World) -> None:
    await closed.log_in()
    jar = closed.client.session.cookie_jar.filter_cookies(closed.client.make_url("/"))
    stolen = {"Cookie": f"pegasus={jar['pegasus'].value}"}
    response = await closed.client.post("/logout", headers=SAME_SITE, allow_redirects=False)
    assert response.status == 303
    assert response.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert await _count_sessions(closed) == 0
    assert (await closed.client.get("/api/stats", headers=stolen)).status == 401


async def test_logout_everywhere_ends_the_sessions_of_one_person(closed: World) -> None:
    browsers = []
    for user_id in (OWNER, OWNER, OWNER + 1):
        path = await _path_of_link(closed, user_id)
        closed.client.session.cookie_jar.clear()
        response = await closed.client.post(path, headers=SAME_SITE, allow_redirects=False)
        browsers.append({"Cookie": f"pegasus={response.cookies['pegasus'].value}"})
    closed.client.session.cookie_jar.clear()
    address = "/logout/everywhere"
    first, second, other = (SAME_SITE | browser for browser in browsers)

    response = await closed.client.post(address, headers=first, allow_redirects=False)

    assert response.status == 303
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert await _count_sessions(closed) == 1
    assert (await closed.client.post(address, headers=second)).status == 401
    response = await closed.client.post("/logout", headers=other, allow_redirects=False)
    assert response.status == 303


async def test_login_and_logout_are_in_the_audit_log(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=(), **BEHIND_PROXY)
    headers = SAME_SITE | FROM_OUTSIDE | {"User-Agent": "Browser/1", "X-Forwarded-Proto": "https"}
    requests = []
    for address in ("/logout", "/logout/everywhere"):
        for path in (await _path_of_link(world), address):
            response = await world.client.post(path, headers=headers, allow_redirects=False)
            assert response.status == 303
            requests.append(response.headers["X-Request-Id"])

    async with world.services.database.read() as session:
        entries = list(reversed(await list_audit_entries(session, category="login")))
    actions = ["logged_in", "logged_out", "logged_in", "logged_out_everywhere"]
    assert sorted(entry.action for entry in entries) == sorted(actions)
    for entry in entries:
        assert (entry.user_id, entry.ip, entry.user_agent) == (OWNER, "203.0.113.7", "Browser/1")
        assert entry.details["source"] == "web"
    assert {entry.details["request_id"] for entry in entries} == set(requests)


async def test_logout_by_get_or_without_login_does_nothing(closed: World) -> None:
    assert (await closed.client.get("/logout")).status == 405
    assert (await closed.client.post("/logout", headers=SAME_SITE)).status == 401


async def test_session_ends_after_eight_idle_hours(closed: World) -> None:
    await closed.log_in()
    closed.clock.advance(timedelta(hours=7, minutes=59))
    assert (await closed.client.get("/api/stats")).status == 200
    closed.clock.advance(timedelta(hours=7, minutes=59))
    assert (await closed.client.get("/api/stats")).status == 200
    closed.clock.advance(timedelta(hours=8))
    assert (await closed.client.get("/api/stats")).status == 401


async def test_session_ends_after_seven_days_however_busy(closed: World) -> None:
    await closed.log_in()
    for _ in range(27):
        closed.clock.advance(timedelta(hours=6))
        assert (await closed.client.get("/api/stats")).status == 200
    closed.clock.advance(timedelta(hours=6))
    assert (await closed.client.get("/api/stats")).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_logout_from_another_site(
    closed: World, headers: dict[str, str], status: int
) -> None:
    await closed.log_in()
    response = await closed.client.post(
        "/logout", headers={"Host": "localhost"} | headers, allow_redirects=False
    )
    assert response.status == status


async def _count_sessions(world: World) -> int:
    async with world.services.database.read() as session:
        return await session.scalar(select(func.count()).select_from(WebSession)) or 0
