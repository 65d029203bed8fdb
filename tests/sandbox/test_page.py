"""The page for people: its JSON and events as a browser gets them, and one look with Chromium."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import aiohttp
import discord
import pytest
from discord import app_commands, ui

from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from bot.sandbox.page.feed import RESET, Feed
from bot.sandbox.page.files import load_files
from bot.sandbox.page.message_views import safe_for_scripts
from bot.sandbox.page.visitors import MOST_PAGES, FullHouseError, Visitors
from bot.sandbox.permissions import Permission
from tests.sandbox.chromium import Page, chromium, find_chromium
from tests.sandbox.conftest import Client

HOSTILE = [
    "<script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title = 'taken'\">",
    '"><svg onload="document.title = \'taken\'">',
    "[click](javascript:document.title='taken') <javascript:alert(1)>",
    "``` <b>open <iframe srcdoc='<script>parent.document.title=1</script>'>",
    "\u202egnp.exe \u2066hidden",
    "Z" + "\u0335\u0322\u0310\u0352" * 40,
    "*" * 400 + "_" * 400 + "|" * 200 + "[" * 200 + "<@" * 100 + ">" * 100,
]


class Browser:
    """A browser at the page, with a cookie jar of its own."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
        self._session = session
        self._base = sandbox.base_url
        self._streams: list[aiohttp.ClientResponse] = []

    async def close(self) -> None:
        for stream in self._streams:
            stream.close()
        await self._session.close()

    async def ask(self, method: str, path: str, *, expect: int = 200, **body: Any) -> Any:
        headers = {"Origin": self._base}
        address = f"{self._base}/page{path}"
        sent = body if method != "GET" else None
        async with self._session.request(method, address, json=sent, headers=headers) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data

    async def arrive(self, guild: Guild | None = None, name: str = "Vera") -> str:
        """Come in, join the guild and return the account's id."""
        state = await self.ask("POST", "/visitors", name=name)
        if guild is not None:
            await self.ask("POST", f"/guilds/{guild.id}/join")
        return state["visitor"]["id"]

    async def listen(self) -> Events:
        """Open the stream of events."""
        answer = await self._session.get(f"{self._base}/page/events")
        self._streams.append(answer)
        events = Events(answer)
        assert (await events.next())["kind"] == "hello"
        return events


class Events:
    """What an open page is told, in order."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                line = await self._answer.content.readline()
                assert line, "the stream has ended"
                if line.startswith(b"data: "):
                    return json.loads(line[6:])

    async def until(self, kind: str, where: Callable[[dict[str, Any]], bool] = bool) -> Any:
        while True:
            event = await self.next()
            if event["kind"] == kind and where(event):
                return event

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            while await self._answer.content.readline():
                pass
        return True


Open = Callable[[], Awaitable[Browser]]


@pytest.fixture
async def browsers(sandbox: Sandbox) -> AsyncIterator[Open]:
    """Open as many browsers as the test asks for."""
    opened: list[Browser] = []

    async def open_browser() -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)
        opened.append(Browser(aiohttp.ClientSession(cookie_jar=jar), sandbox))
        return opened[-1]

    yield open_browser
    for one in opened:
        await one.close()


@pytest.fixture
async def browser(browsers: Open) -> Browser:
    return await browsers()


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada", global_name="Ada")


# -- the files ------------------------------------------------------------------------------------


async def test_page_loads_nothing_from_elsewhere(sandbox: Sandbox, browser: Browser) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)
    assert re.findall(r'(?:src|href)="([^"#][^"]*)"', page) == [
        "/page/static/icon.svg",
        "/page/static/page.css",
        "/page/static/main.js",
    ]


def test_modules_build_no_markup_from_text() -> None:
    files = load_files()
    for name, file in files.items():
        source = file.body.decode()
        assert "https://" not in source.replace("https?:", ""), name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source
        )
        for imported in re.findall(r'from "\./([^"]+)"', source):
            assert imported in files, f"{name} imports {imported}"
        if name.endswith(".js"):
            assert source.count("\n") < 250, name


async def test_file_is_sent_once(sandbox: Sandbox) -> None:
    address = f"{sandbox.base_url}/page/static/main.js"
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            headers = {"If-None-Match": answer.headers["ETag"]}
        async with session.get(address, headers=headers) as answer:
            assert answer.status == 304
        async with session.get(f"{sandbox.base_url}/page/static/..%2fvisit.py") as answer:
            assert answer.status == 404


# -- who may ask ----------------------------------------------------------------------------------


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


# -- arriving, joining, leaving -------------------------------------------------------------------


async def test_visitor_is_known_by_cookie(browser: Browser, browsers: Open) -> None:
    account = await browser.arrive()
    assert (await browser.ask("GET", "/state"))["visitor"]["id"] == account
    renamed = await browser.ask("POST", "/visitors", name="Vera II")
    assert (renamed["visitor"]["id"], renamed["visitor"]["name"]) == (account, "Vera II")
    assert (await (await browsers()).ask("GET", "/state"))["visitor"] is None


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


# -- messages -------------------------------------------------------------------------------------


async def test_visitor_writes_edits_reacts_and_deletes(
    browser: Browser, guild: Guild, ada: Actor
) -> None:
    await browser.arrive(guild)
    general = guild.channel("general")
    said = ada.send(general, "hello?")
    path = f"/channels/{general.id}/messages"
    sent = await browser.ask("POST", path, content="hi", reply_to=str(said.id))
    message = general.messages[int(sent["id"])]
    assert (message.content, message.mentions) == ("hi", (ada.id,))
    await browser.ask("PATCH", f"{path}/{message.id}", content="hi!")
    assert message.content == "hi!"
    await browser.ask("PUT", f"{path}/{said.id}/reactions", emoji="👍")
    assert "👍" in said.reactions
    await browser.ask("DELETE", f"{path}/{said.id}/reactions", emoji="👍")
    assert not said.reactions
    await browser.ask("DELETE", f"{path}/{message.id}")
    assert message.deleted
    refused = await browser.ask("DELETE", f"{path}/{said.id}", expect=409)
    assert refused["error"] == "You may not delete messages of others in #general."


async def test_files_are_posted(browser: Browser, sandbox: Sandbox, guild: Guild) -> None:
    await browser.arrive(guild)
    path = f"/channels/{guild.channel('general').id}/messages"
    files = [{"filename": "a b.png", "data": "iVBORw0KGgo="}]
    sent = await browser.ask("POST", path, content="", files=files)
    assert sent["attachments"][0]["filename"] == "a_b.png"
    session = aiohttp.ClientSession()
    async with session, session.get(sent["attachments"][0]["url"]) as answer:
        assert await answer.read() == b"\x89PNG\r\n\x1a\n"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
    await browser.ask("POST", path, content="", files=[{"data": "?"}], expect=400)


async def test_history_comes_in_pages(browser: Browser, guild: Guild, ada: Actor) -> None:
    await browser.arrive(guild)
    general = guild.channel("general")
    written = [str(ada.send(general, f"line {number}").id) for number in range(60)]
    path = f"/channels/{general.id}/messages"
    newest = await browser.ask("GET", path)
    assert [entry["id"] for entry in newest["messages"]] == written[10:]
    assert newest["more"]
    older = await browser.ask("GET", f"{path}?before={written[10]}")
    assert [entry["id"] for entry in older["messages"]] == written[:10]
    assert not older["more"]


async def test_mentions_come_with_names(browser: Browser, guild: Guild, ada: Actor) -> None:
    account = await browser.arrive(guild)
    general = guild.channel("general")
    ada.send(general, f"<@{account}> meet {ada.mention} and <@100000000000000001>")
    answer = await browser.ask("GET", f"/channels/{general.id}/messages")
    message = answer["messages"][-1]
    assert message["names"] == {account: "Vera", str(ada.id): "Ada"}
    assert message["pings"]


async def test_events_reach_who_may_see_them(
    browser: Browser, browsers: Open, guild: Guild, ada: Actor
) -> None:
    await browser.arrive(guild)
    outsider = await browsers()
    await outsider.arrive()
    inside, outside = await browser.listen(), await outsider.listen()
    hidden = guild.add_channel("hidden")
    hidden.set_overwrite(guild.id, 0, deny=Permission.VIEW_CHANNEL)
    hidden.add_message(guild.world.users[guild.owner_id], "secret")
    said = ada.send(guild.channel("general"), "hello")
    event = await inside.until("message")
    assert event["message"]["content"] == "hello"
    ada.react(said, "🎉")
    reacted = (await inside.until("message"))["message"]["reactions"][0]
    assert (reacted["emoji"]["name"], reacted["count"], reacted["me"]) == ("🎉", 1, False)
    ada.type_in(guild.channel("general"))
    assert (await inside.until("typing"))["name"] == "Ada"
    ada.delete(said)
    assert (await inside.until("removed"))["ids"] == [str(said.id)]
    await browser.ask("GET", f"/channels/{hidden.id}/messages", expect=404)
    await outsider.ask("POST", f"/guilds/{guild.id}/join")
    assert (await outside.next())["kind"] == "changed"


async def test_direct_messages_are_private(
    browser: Browser, browsers: Open, sandbox: Sandbox
) -> None:
    account = int(await browser.arrive())
    other = await browsers()
    await other.arrive()
    events = await browser.listen()
    channel = sandbox.world.open_dm(sandbox.world.users[account], sandbox.application.user)
    channel.add_message(sandbox.application.user, "psst")
    assert (await events.until("message"))["message"]["content"] == "psst"
    assert len((await browser.ask("GET", "/directs"))["channels"]) == 1
    assert (await other.ask("GET", "/directs"))["channels"] == []
    await other.ask("GET", f"/channels/{channel.id}/messages", expect=404)


async def test_hostile_words_stay_words(browser: Browser, guild: Guild, sandbox: Sandbox) -> None:
    await browser.arrive(guild)
    general = guild.channel("general")
    for number, text in enumerate(HOSTILE):
        sandbox.join(guild, f"eve{number}", global_name=text[:32]).send(general, text[:2000])
    answer = await browser.ask("GET", f"/channels/{general.id}/messages")
    assert [entry["content"] for entry in answer["messages"]] == HOSTILE
    people = await browser.ask("GET", f"/guilds/{guild.id}/members")
    assert {text[:32] for text in HOSTILE} <= {entry["name"] for entry in people["members"]}


async def test_slow_page_is_told_to_load_anew() -> None:
    feed = Feed(limit=3)
    for number in range(4):
        feed.push({"kind": "message", "message": number})
    assert await feed.next(1) == RESET
    hint = {"kind": "changed", "what": "members", "guild_id": "1"}
    feed.push(hint)
    feed.push(dict(hint))
    assert await feed.next(1) == hint
    assert await feed.next(0.01) is None


async def test_stream_ends_with_the_sandbox() -> None:
    sandbox = await Sandbox().start()
    session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    browser = Browser(session, sandbox)
    await browser.arrive()
    events = await browser.listen()
    async with asyncio.timeout(2):
        await sandbox.stop()
    assert await events.ended()
    await browser.close()


def test_numbers_survive_javascript() -> None:
    assert safe_for_scripts({"id": 2**63, "small": [1, True, None]}) == {
        "id": str(2**63),
        "small": [1, True, None],
    }


# -- the bot --------------------------------------------------------------------------------------


class Form(ui.Modal, title="Tell us"):
    """A modal with a text field and a select."""

    name = ui.TextInput(label="Name", custom_id="name", max_length=20)
    who = ui.Label(text="Who", component=ui.UserSelect(custom_id="who"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.who.component, ui.UserSelect)
        chosen = self.who.component.values[0].display_name
        await interaction.response.send_message(f"{self.name.value}, {chosen}", ephemeral=True)


class Panel(ui.View):
    """A message with a form behind a button."""

    @ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.send_modal(Form())


@pytest.fixture
async def harbour(client: Client, guild: Guild) -> Guild:
    """A guild whose bot has registered the commands below."""
    tree = client.tree

    @tree.command()
    async def whisper(interaction: discord.Interaction, kind: Literal["join", "leave"]) -> None:
        """Tell one person."""
        await interaction.response.send_message(f"{kind}, quietly", ephemeral=True)

    @tree.command()
    async def slow(interaction: discord.Interaction) -> None:
        """Think first."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.edit_original_response(content="thought")
        await interaction.delete_original_response()

    @tree.command()
    async def mute(interaction: discord.Interaction) -> None:
        """Never answer."""

    @tree.command()
    async def panel(interaction: discord.Interaction) -> None:
        """Show the panel."""
        await interaction.response.send_message("the panel", view=Panel())

    @tree.command()
    @app_commands.default_permissions(manage_guild=True)
    async def admin(interaction: discord.Interaction) -> None:
        """For admins."""
        await interaction.response.send_message("yes")

    @tree.command()
    async def pick(interaction: discord.Interaction, thing: str) -> None:
        """Pick a thing."""
        await interaction.response.send_message(thing)

    @pick.autocomplete("thing")
    async def offer(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}!", value=typed)]

    await tree.sync()
    return guild


async def test_only_usable_commands_are_listed(browser: Browser, harbour: Guild) -> None:
    await browser.arrive(harbour)
    path = f"/channels/{harbour.channel('general').id}/commands"
    listed = {entry["name"]: entry for entry in (await browser.ask("GET", path))["commands"]}
    assert "whisper" in listed
    assert "admin" not in listed
    choices = listed["whisper"]["options"][0]["choices"]
    assert [choice["value"] for choice in choices] == ["join", "leave"]
    await browser.ask("PUT", "/identity", admin=True)
    owners = (await browser.ask("GET", path))["commands"]
    assert "admin" in {entry["name"] for entry in owners}


async def test_ephemeral_answer_is_for_its_owner_alone(
    browser: Browser, browsers: Open, harbour: Guild
) -> None:
    other = await browsers()
    await browser.arrive(harbour)
    await other.arrive(harbour, "Olga")
    mine, theirs = await browser.listen(), await other.listen()
    general = harbour.channel("general")
    body = {"command": "whisper", "options": {"kind": "join"}}
    await browser.ask("POST", f"/channels/{general.id}/commands", **body)
    shown = (await mine.until("message"))["message"]
    assert (shown["content"], shown["ephemeral"]) == ("join, quietly", True)
    general.add_message(harbour.world.users[harbour.owner_id], "and now for all")
    assert (await theirs.until("message"))["message"]["content"] == "and now for all"
    path = f"/channels/{general.id}/messages"
    assert len((await browser.ask("GET", path))["messages"]) == 2
    assert len((await other.ask("GET", path))["messages"]) == 1
    await other.ask("DELETE", f"{path}/{shown['id']}", expect=404)
    await browser.ask("DELETE", f"{path}/{shown['id']}")
    assert len((await browser.ask("GET", path))["messages"]) == 1


async def test_deferred_answer_is_followed(browser: Browser, harbour: Guild) -> None:
    await browser.arrive(harbour)
    events = await browser.listen()
    general = harbour.channel("general")
    await browser.ask("POST", f"/channels/{general.id}/commands", command="slow")
    thinking = (await events.until("message"))["message"]
    assert thinking["flags"] & 1 << 7
    thought = (await events.until("message"))["message"]
    assert (thought["id"], thought["content"]) == (thinking["id"], "thought")
    assert (await events.until("removed"))["ids"] == [thinking["id"]]


async def test_form_is_opened_and_submitted(browser: Browser, harbour: Guild) -> None:
    account = await browser.arrive(harbour)
    events = await browser.listen()
    path = f"/channels/{harbour.channel('general').id}"
    await browser.ask("POST", f"{path}/commands", command="panel")
    panel = (await events.until("message"))["message"]
    pressed = await browser.ask(
        "POST", f"{path}/messages/{panel['id']}/components", custom_id="form"
    )
    assert pressed["modal"]["title"] == "Tell us"
    form = f"/interactions/{pressed['id']}/modal"
    refused = await browser.ask("POST", form, values={"name": ""}, expect=409)
    assert refused["error"] == "Name is required."
    await browser.ask("POST", form, values={"name": "Vi", "who": [account]})
    answer = await events.until("message", lambda event: event["message"]["ephemeral"])
    assert answer["message"]["content"] == "Vi, Vera"


async def test_form_of_another_stays_closed(
    browser: Browser, browsers: Open, harbour: Guild
) -> None:
    await browser.arrive(harbour)
    path = f"/channels/{harbour.channel('general').id}"
    await browser.ask("POST", f"{path}/commands", command="panel")
    panel = next(iter(harbour.channel("general").messages))
    pressed = await browser.ask("POST", f"{path}/messages/{panel}/components", custom_id="form")
    other = await browsers()
    await other.arrive(harbour)
    form = f"/interactions/{pressed['id']}/modal"
    await other.ask("POST", form, values={"name": "x"}, expect=404)


async def test_options_are_completed_by_the_bot(browser: Browser, harbour: Guild) -> None:
    await browser.arrive(harbour)
    path = f"/channels/{harbour.channel('general').id}/autocomplete"
    answer = await browser.ask("POST", path, command="pick", option="thing", typed="buo")
    assert answer["choices"] == [{"name": "buo!", "value": "buo"}]


async def test_silence_is_told_in_words(browser: Browser, harbour: Guild, sandbox: Sandbox) -> None:
    await browser.arrive(harbour)
    sandbox.interactions.ack_window = 0.0
    path = f"/channels/{harbour.channel('general').id}/commands"
    refused = await browser.ask("POST", path, command="mute", expect=504)
    assert refused["error"] == "The application did not respond."
    refused = await browser.ask("POST", path, command="admin", expect=409)
    assert refused["error"] == "/admin is not for this member."


# -- in a browser ---------------------------------------------------------------------------------

NAME_BOX = "document.querySelector('dialog input')"
JOIN = "document.querySelector('.invitation button')"
MADE_OF_TEXT = "#messages i, #messages iframe, #messages script, #messages svg"
FOCUS_BOX = "document.querySelector('.writer textarea').focus()"
DANGEROUS_LINKS = "[...document.links].filter((a) => !/^https?:$/.test(a.protocol)).length"


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


async def come_in(page: Page, sandbox: Sandbox) -> None:
    """Give a name at the door and join the first guild."""
    await page.open(f"{sandbox.base_url}/")
    await page.until(f"{NAME_BOX} && ({NAME_BOX}.focus(), true)")
    await page.type("Vera <b>")
    await page.press("Enter")
    await page.until(f"{JOIN} && ({JOIN}.click(), true)")
    await page.until("document.querySelector('.writer textarea')")


@needs_chromium
async def test_page_shows_others_and_keeps_hostile_words_inert(
    sandbox: Sandbox, guild: Guild, tmp_path: Path
) -> None:
    general = guild.channel("general")
    for number, text in enumerate(HOSTILE):
        eve = sandbox.join(guild, f"eve{number}", global_name=text[:32])
        eve.send(general, text[:2000], files=[(f"{text[:20]}.txt", b"text")])
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.until(f"document.querySelectorAll('li.message').length === {len(HOSTILE)}")
        sandbox.join(guild, "bob").send(general, "hello from <i>elsewhere</i> **now**")
        await page.until("document.querySelector('#messages').textContent.includes('elsewhere')")
        assert await page.evaluate(f"document.querySelectorAll('{MADE_OF_TEXT}').length") == 0
        assert await page.evaluate(DANGEROUS_LINKS) == 0
        bold = "document.querySelector('.message:last-child strong').textContent"
        assert await page.evaluate(bold) == "now"
        assert await page.evaluate("document.title") == "#general"
        await page.evaluate(FOCUS_BOX)
        await page.type("good evening")
        await page.press("Enter")
        await sandbox.wait_for_message(general, containing="good evening")
        await page.resize(360, 700)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.problems == []


@needs_chromium
async def test_command_and_form_are_used_by_keyboard(
    sandbox: Sandbox, harbour: Guild, tmp_path: Path
) -> None:
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.evaluate(FOCUS_BOX)
        await page.type("/pan")
        await page.until("document.querySelector('.writer [role=option].active')")
        await page.press("Enter")
        await page.until("document.activeElement.textContent === 'Run'")
        await page.press("Enter")
        await page.until("document.querySelector('[data-key=form]')")
        await page.until("document.activeElement.matches('.writer textarea')")
        await page.evaluate("document.querySelector('[data-key=form]').focus()")
        await page.press("Enter")
        await page.until("document.activeElement.closest('dialog')")
        await page.type("Vi")
        await page.press("Tab")
        await page.press("Enter")
        await page.until("document.querySelector('.popup [role=option].active')")
        await page.type("Vera")
        await page.until("document.querySelectorAll('.popup [role=option]').length === 1")
        await page.press("Enter")
        await page.evaluate("document.querySelector('dialog [type=submit]').click()")
        await page.until("document.querySelector('.message.private')")
        shown = await page.evaluate("document.querySelector('.message.private').textContent")
        assert "Vi, Vera <b>" in shown
        assert "Only you can see this" in shown
        assert page.problems == []
