"""Every way in which a request can go wrong, and the one shape in which it is answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web

from bot.core.errors import ConfigurationError, DiscordFailed, TimedOut
from bot.core.i18n import Message
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.conftest import OpenWorld, serve
from tests.web.support import FROM_OUTSIDE, GUILD, KEY, REGISTRY, STRANGER, World, open_world
from web.app import declared_routes

LIMIT = 64 * 1024


async def assert_problem(
    response: ClientResponse, status: int, code: str, *pointers: str
) -> dict[str, Any]:
    """Check that the answer has the shape of all errors, and return its body."""
    text = await response.text()
    assert response.status == status, text
    assert response.content_type == "application/problem+json"
    assert "Traceback" not in text
    body = json.loads(text)
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:pegasus:error:{code}"
    assert body["title"]
    assert body["error"] == body["detail"] != ""
    assert [one["pointer"] for one in body["errors"]] == list(pointers)
    assert all(one["detail"] for one in body["errors"])
    assert body["instance"] == response.headers.get("X-Request-Id", "-")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] == "Pegasus"
    return body


async def test_error_shape_unknown_path(world: World) -> None:
    await assert_problem(await world.client.get("/no/such/thing"), 404, "E006")


@pytest.mark.parametrize(
    "path", ["/%00", "/..%2f..%2fetc/passwd", "/static/..%2fapp.py", "/%ff%fe"]
)
async def test_error_shape_strange_path(world: World, path: str) -> None:
    await assert_problem(await world.client.get(path), 404, "E006")


async def test_error_shape_unknown_static_file(world: World) -> None:
    await assert_problem(await world.client.get("/static/nothing.css"), 404, "E006")


async def test_error_shape_wrong_method(world: World) -> None:
    response = await world.client.delete("/api/stats")
    await assert_problem(response, 405, "E004")
    assert response.headers["Allow"] == "GET, HEAD"


async def test_error_shape_unknown_method(world: World) -> None:
    await assert_problem(await world.client.request("PROPFIND", "/health"), 405, "E004")


MALFORMED_QUERIES = (
    ("limit=0", "/limit"),
    ("limit=201", "/limit"),
    ("limit=ten", "/limit"),
    ("limit=", "/limit"),
    ("limit=1&limit=2", "/limit"),
    ("limit=99999999999999999999999999", "/limit"),
    ("before=yesterday", "/before"),
    ("before=550e8400-e29b-41d4-a716-446655440000", "/before"),
    ("before=%00", "/before"),
    ("before=0001-01-01T00:00:00%2B23:59", "/before"),
    ("before=9999-12-31T23:59:59-23:59", "/before"),
    ("since=0001-01-01T00:00:00%2B23:59", "/since"),
    ("since=9999-12-31T23:59:59-23:59", "/since"),
    ("guild_id=-5", "/guild_id"),
    ("guild_id=99999999999999999999", "/guild_id"),
    ("user_id=%D9%A1%D9%A2", "/user_id"),
    ("action=" + "a" * 101, "/action"),
    ("action=%00", "/action"),
    ("colour=red", "/colour"),
)


async def test_error_shape_malformed_query(database: Database, clock: FakeClock) -> None:
    world = await open_world(database, clock)
    async with world.client:
        for query, pointer in MALFORMED_QUERIES:
            await assert_problem(await world.client.get(f"/api/logs?{query}"), 400, "E004", pointer)


async def test_error_shape_query_at_the_ends_of_time(database: Database, clock: FakeClock) -> None:
    world = await open_world(database, clock)
    async with world.client:
        for instant in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
            for query in (f"since={instant}", f"before={instant}", "action=%ED%A0%80"):
                response = await world.client.get(f"/api/logs?{query}")
                assert response.status == 200, query


async def test_error_shape_several_fields_at_once(world: World) -> None:
    response = await world.client.get("/api/logs?limit=0&user_id=x")
    await assert_problem(response, 400, "E004", "/limit", "/user_id")


async def test_error_shape_declared_body_too_large(world: World) -> None:
    response = await world.client.post("/logout", data=b"x" * (LIMIT + 1))
    await assert_problem(response, 413, "E004")


async def test_error_shape_streamed_body_too_large(world: World) -> None:
    async def flood() -> Any:
        for _ in range(20):
            yield b"x" * 8192

    await assert_problem(await world.client.post("/logout", data=flood()), 413, "E004")


async def test_error_shape_foreign_content_type(world: World) -> None:
    response = await world.client.post(
        "/logout", data=b"<a/>", headers={"Content-Type": "text/xml", "Sec-Fetch-Site": "none"}
    )
    await assert_problem(response, 415, "E004")


def _every_place() -> list[tuple[str, str]]:
    declared = [
        (route.method, route.path.format(**_PLACES)) for route in declared_routes(REGISTRY.all())
    ]
    return [*declared, ("GET", "/no/such/thing"), ("DELETE", "/api/stats")]


_PLACES = {
    "token": "x" * 43,
    "name": "nothing.css",
    "guild_id": GUILD,
    "feature": "welcome",
    "revision": 0,
    "session_id": "0" * 16,
    "item_id": 1,
    "resource": "custom-commands",
    "action": "x",
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_error_shape_compressed_body(
    open_web: OpenWorld, chunked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    fields = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 4"
    sent = b"4\r\nabcd\r\n0\r\n\r\n" if chunked else b"abcd"
    async with serve(await open_web(per_minute=1000)) as url:
        for method, path in _every_place():
            start = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
            start += b"Content-Encoding: gzip\r\n"
            head, body = await talk(url, start + fields + b"\r\n\r\n" + sent)
            assert head.startswith(b"HTTP/1.1 415"), (method, path, head)
            assert json.loads(body)["code"] == "E004"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_error_shape_body_that_breaks_off(served: str, world: World) -> None:
    sent = (
        b"POST /logout HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n"
    )
    head, body = await talk(served, sent)
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), head
    assert json.loads(body)["code"] == "E004"
    assert world.webhooks.reports == []


async def test_error_shape_strange_expectation(served: str) -> None:
    sent = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: a-miracle\r\n\r\n"
    head, body = await talk(served, sent)
    assert head.startswith(b"HTTP/1.1 417")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "E004"


async def test_error_shape_nobody_is_known(outside: World) -> None:
    response = await outside.client.get("/api/stats", headers=FROM_OUTSIDE)
    await assert_problem(response, 401, "E005")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_error_shape_wrong_key(outside: World) -> None:
    headers = FROM_OUTSIDE | {"Authorization": f"Bearer {KEY}"}
    await assert_problem(await outside.client.get("/metrics", headers=headers), 401, "E005")


async def test_error_shape_logged_in_but_no_owner(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in(STRANGER)
    await assert_problem(await world.client.get("/api/stats"), 403, "E005")


async def test_error_shape_other_site(world: World) -> None:
    response = await world.client.post("/logout", headers={"Origin": "https://evil.example"})
    await assert_problem(response, 403, "E005")


async def test_error_shape_too_many_requests(open_web: OpenWorld) -> None:
    world = await open_web(per_minute=1)
    await world.client.get("/api/health")
    response = await world.client.get("/api/health")
    await assert_problem(response, 429, "E003")
    assert response.headers["Retry-After"] == "60"


async def test_error_shape_database_gone(tmp_path: Path, clock: FakeClock) -> None:
    database = Database(f"sqlite:///{tmp_path}/secret-folder/gone.db")
    world = await open_world(database, clock)
    body = await assert_problem(await world.client.get("/api/logs"), 503, "E001")
    assert "secret-folder" not in json.dumps(body)
    assert world.webhooks.reports == []
    await world.client.close()
    await database.close()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DiscordFailed("Discord said no."), 502, "E002"),
        (TimedOut("Too slow."), 504, "E007"),
        (TimeoutError(), 504, "E007"),
        (ConfigurationError("Wrong key."), 500, "E008"),
        (web.HTTPForbidden(), 403, "E005"),
        (web.HTTPRequestTimeout(), 408, "E007"),
        (web.HTTPGone(), 400, "E004"),
    ],
)
async def test_error_shape_raised_by_a_handler(
    world: World, error: Exception, status: int, code: str
) -> None:
    async def fail() -> None:
        raise error

    await _fail_with(world, fail, status, code)
    assert world.webhooks.reports == []


async def test_error_shape_unexpected_error_is_reported_under_its_reference(world: World) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("secret inside")

    body = await _fail_with(world, fail, 500, "E008")
    assert "secret" not in json.dumps(body)
    assert body["instance"] in body["detail"]
    [(where, error, reference)] = world.webhooks.reports
    assert where == "GET /api/stats", "repeats are told apart by their place"
    assert reference == body["instance"]
    assert isinstance(error, ZeroDivisionError)


async def _fail_with(world: World, failure: Any, status: int, code: str) -> dict[str, Any]:
    """Have the statistics' database session fail, and return the answer's body."""

    class Failing:
        async def statistics(self) -> None:
            await failure()

    object.__setattr__(world.services, "usage", Failing())
    return await assert_problem(await world.client.get("/api/stats"), status, code)


async def test_error_shape_in_the_readers_language(world: World) -> None:
    response = await world.client.get("/nope", headers={"Accept-Language": "es-419, en;q=0.5"})
    body = await assert_problem(response, 404, "E006")
    assert body["detail"] == Message("There is nothing at this address.").render("es")
    assert body["detail"] != "There is nothing at this address."


async def test_error_shape_page_for_browsers(world: World) -> None:
    response = await world.client.get("/nope", headers={"Accept": "text/html,*/*;q=0.8"})
    text = await response.text()
    assert response.status == 404
    assert response.content_type == "text/html"
    assert "There is nothing at this address." in text
    assert f"E006 · {response.headers['X-Request-Id']}" in text


async def test_error_shape_no_page_for_the_api(world: World) -> None:
    response = await world.client.get("/api/logs?limit=0", headers={"Accept": "text/html"})
    await assert_problem(response, 400, "E004", "/limit")


@pytest.mark.parametrize(
    "sent",
    [
        b"complete nonsense\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nBad\x00Name: 1\r\n\r\n",
    ],
)
async def test_error_shape_malformed_http(served: str, sent: bytes) -> None:
    head, body = await talk(served, sent)
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), head
    assert b"application/problem+json" in head
    assert b"Server: Pegasus" in head
    assert b"aiohttp" not in head + body
    assert b"Traceback" not in body
    assert json.loads(body)["code"] == "E004"


async def talk(url: str, sent: bytes) -> tuple[bytes, bytes]:
    """Send bytes to a server and return head and body of what comes back."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body
