"""What every answer carries."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs

from tests.web.conftest import OpenWorld
from tests.web.support import FROM_OUTSIDE, World

PATHS = ["/", "/livez", "/metrics", "/api/stats", "/nope", "/static/pegasus.css", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
async def test_headers_on_every_answer(world: World, path: str) -> None:
    headers = (await world.client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Server"] == "Pegasus"
    assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])


async def test_headers_let_images_come_from_the_configured_cdn_only(open_web: OpenWorld) -> None:
    world = await open_web(cdn_base_url="https://bücher.example/cdn")
    policy = (await world.client.get("/")).headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://xn--bcher-kva.example;" in policy


@pytest.mark.parametrize("path", ["/", "/livez", "/health", "/ready", "/metrics", "/api/stats"])
async def test_headers_nothing_is_kept(world: World, path: str) -> None:
    assert (await world.client.get(path)).headers["Cache-Control"] == "no-store"


async def test_headers_versioned_files_are_kept_for_ever(world: World) -> None:
    page = await (await world.client.get("/")).text()
    [address] = re.findall(r'href="(/static/pegasus\.css\?v=\w+)"', page)
    response = await world.client.get(address)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = await world.client.get(address, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304


async def test_log_names_route_and_request_but_no_path_and_no_address(world: World) -> None:
    with capture_logs() as lines:
        response = await world.client.get("/login/very-secret-token")
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["route"] == "/login/{token}"
    assert line["request_id"] == response.headers["X-Request-Id"]
    assert "very-secret-token" not in str(lines)
    assert "client" not in line


async def test_log_names_the_address_of_who_is_refused(outside: World) -> None:
    with capture_logs() as lines:
        await outside.client.get("/metrics", headers=FROM_OUTSIDE)
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["client"] == "203.0.113.7"


async def test_requests_are_counted_by_template(world: World) -> None:
    for path in ("/login/a", "/login/b", "/no/such", "/no/other"):
        await world.client.get(path)
    world.clock.advance(2)
    text = await (await world.client.get("/metrics")).text()
    requests = 'pegasus_bot_http_requests_total{method="GET",route="%s",status="%s"}'
    assert requests % ("/login/{token}", "4xx") + " 2.0" in text
    assert requests % ("unmatched", "4xx") + " 2.0" in text
