"""The start page: what whom is shown, in which language, and without anything from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.web.conftest import OpenWorld
from tests.web.support import FROM_OUTSIDE, OWNER, STRANGER, World
from web.dashboard.static import ASSETS
from web.locale import preferred


class _Outline(HTMLParser):
    """Collects what a page loads, links to and labels."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(values)
        self.addresses += [
            value for name in ("href", "src", "action") if (value := values.get(name))
        ]
        if tag == "html":
            self.language = values.get("lang")


def _outline(page: str) -> _Outline:
    outline = _Outline()
    outline.feed(page)
    return outline


async def test_start_page_for_the_operator(world: World) -> None:
    page = await (await world.client.get("/")).text()
    assert "50,000" in page
    assert "45 ms" in page
    assert "Connection to Discord" in page


async def test_start_page_for_strangers_tells_the_state_only(outside: World) -> None:
    outside.state.disconnect(20)
    await outside.measure()
    page = await (await outside.client.get("/", headers=FROM_OUTSIDE)).text()
    assert "Degraded" in page
    assert "login link" in page
    assert "50,000" not in page
    assert "Shard 0" not in page


async def test_start_page_for_people_who_are_logged_in(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in(STRANGER)
    page = await (await world.client.get("/")).text()
    assert "You are logged in, but" in page
    assert "50,000" not in page
    await world.log_in(OWNER)
    page = await (await world.client.get("/")).text()
    assert "50,000" in page
    assert "Log out" in page


async def test_start_page_in_spanish(world: World) -> None:
    world.state.disconnect(20)
    await world.measure()
    response = await world.client.get("/", headers={"Accept-Language": "es-419,es;q=0.9"})
    page = await response.text()
    assert _outline(page).language == "es"
    assert response.headers["Content-Language"] == "es"
    assert "Conexión con Discord" in page
    assert "50.000" in page
    assert "Everything" not in page


async def test_start_page_needs_nothing_from_elsewhere_and_no_script(world: World) -> None:
    outline = _outline(await (await world.client.get("/")).text())
    assert all(re.match("/(?!/)|#", address) for address in outline.addresses)
    assert not {"script", "style", "iframe"} & set(outline.tags)
    assert "style" not in outline.attributes
    assert not any(name.startswith("on") for name in outline.attributes)
    assert outline.tags.count("h1") == 1
    assert outline.tags.count("main") == 1


async def test_start_page_links_lead_somewhere(world: World) -> None:
    outline = _outline(await (await world.client.get("/")).text())
    for address in {one for one in outline.addresses if not one.startswith("#")}:
        assert (await world.client.get(address)).status == 200, address


async def test_start_page_escapes_what_it_is_told(world: World) -> None:
    world.state.status = type(world.state.status)(fatal="<script>alert(1)</script>")
    await world.measure()
    page = await (await world.client.get("/")).text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_style_sheets_fetch_nothing() -> None:
    sheets = [one.body.decode() for one in ASSETS.values() if one.content_type == "text/css"]
    assert len(sheets) == 2
    for sheet in sheets:
        assert "url(" not in sheet
        assert "@import" not in sheet
    assert "prefers-color-scheme: dark" in ASSETS["pegasus.css"].body.decode()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", "en"),
        ("de", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.5, es;q=0.9", "es"),
        ("en, es", "en"),
        ("es;q=0, en;q=0.1", "en"),
        ("es;q=nonsense", "en"),
        ("fi, es;q=0.3", "es"),
    ],
)
def test_preferred_language(field: str, expected: str) -> None:
    assert preferred(field) == expected
