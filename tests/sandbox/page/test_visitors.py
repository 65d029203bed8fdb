"""Who may ask, and how visitors arrive, join and leave."""

from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.page.visitors import MOST_PAGES, FullHouseError, Visitors
from tests.sandbox.page.browser import Browser, Open


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
async def test_foreign_page_changes_nothing(sandbox: Sandbox, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    address = f"{sandbox.base_url}/page/visitors"
    session = aiohttp.ClientSession()
    async with session, session.post(address, json={"name": "Eve"}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", ["/", "/page/state", "/page/events"])
async def test_loopback_answers_to_no_foreign_name(sandbox: Sandbox, path: str) -> None:
    headers = {"Host": f"evil.example:{sandbox.port}"}
    session = aiohttp.ClientSession()
    async with session, session.get(f"{sandbox.base_url}{path}", headers=headers) as answer:
        assert answer.status == 403


async def test_stranger_is_asked_for_a_name(browser: Browser, guild: Guild) -> None:
    assert (await browser.ask("GET", "/state"))["visitor"] is None
    refused = await browser.ask("GET", f"/guilds/{guild.id}", expect=401)
    assert refused["error"] == "Choose a name first."
    await browser.ask("GET", "/events", expect=401)


async def test_visitor_is_known_by_cookie(browser: Browser, browsers: Open) -> None:
    account = await browser.arrive()
    assert (await browser.ask("GET", "/state"))["visitor"]["id"] == account
    renamed = await browser.ask("POST", "/visitors", name="Vera II")
    assert (renamed["visitor"]["id"], renamed["visitor"]["name"]) == (account, "Vera II")
    assert (await (await browsers()).ask("GET", "/state"))["visitor"] is None


@pytest.mark.parametrize(
    ("name", "username"),
    [("José Ñandú", "josenandu"), ("Łucja.K", "ucja.k"), ("日本", "visitor"), ("..", "visitor")],
)
async def test_name_is_kept_as_typed_and_username_is_plain(
    browser: Browser, name: str, username: str
) -> None:
    state = await browser.ask("POST", "/visitors", name=name)
    assert state["visitor"]["name"] == name
    assert state["visitor"]["username"].rpartition("_")[0] == username


@pytest.mark.parametrize("name", ["", "   ", "x" * 33, "\u202e\u0000"])
async def test_unfit_name_is_refused_in_words(browser: Browser, name: str) -> None:
    refused = await browser.ask("POST", "/visitors", name=name, expect=400)
    assert refused["error"] == "A name has 1 to 32 characters."


async def test_visitor_joins_and_leaves(browser: Browser, guild: Guild) -> None:
    account = int(await browser.arrive())
    assert (await browser.ask("GET", f"/guilds/{guild.id}"))["channels"] == []
    await browser.ask("GET", f"/guilds/{guild.id}/members", expect=404)
    await browser.ask("POST", f"/guilds/{guild.id}/join")
    assert guild.member(account).display_name == "Vera"
    shown = await browser.ask("GET", f"/guilds/{guild.id}")
    assert [entry["name"] for entry in shown["channels"]] == ["general", "welcome"]
    await browser.ask("POST", f"/guilds/{guild.id}/leave")
    assert account not in guild.members


async def test_banned_visitor_stays_outside(
    browser: Browser, sandbox: Sandbox, guild: Guild
) -> None:
    account = int(await browser.arrive(guild))
    guild.ban(sandbox.world.users[account])
    refused = await browser.ask("POST", f"/guilds/{guild.id}/join", expect=409)
    assert refused["error"] == "You can't join."


async def test_admin_is_the_owner(browser: Browser, guild: Guild) -> None:
    await browser.arrive()
    await browser.ask("PUT", "/identity", admin=True)
    shown = await browser.ask("GET", f"/guilds/{guild.id}")
    assert (shown["owner"], shown["me"]["id"]) == (True, str(guild.owner_id))
    await browser.ask("POST", f"/guilds/{guild.id}/leave", expect=409)
    await browser.ask("PUT", "/identity", admin=False)
    assert (await browser.ask("GET", f"/guilds/{guild.id}"))["joined"] is False


def test_absent_visitor_makes_room(sandbox: Sandbox, guild: Guild) -> None:
    visitors = Visitors(sandbox.world, limit=2)
    first, second = visitors.welcome("one"), visitors.welcome("two")
    guild.add_member(second.account)
    first.open_feed()
    third = visitors.welcome("three")
    assert visitors.find(second.token) is None
    assert second.account.id not in guild.members
    third.open_feed()
    with pytest.raises(FullHouseError):
        visitors.welcome("four")


def test_oldest_page_of_many_is_cut_off(sandbox: Sandbox) -> None:
    visitor = Visitors(sandbox.world).welcome("one")
    feeds = [visitor.open_feed() for _ in range(MOST_PAGES + 1)]
    assert [feed.closed for feed in feeds] == [True] + [False] * MOST_PAGES
