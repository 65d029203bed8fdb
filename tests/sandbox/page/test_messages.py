"""Messages as a visitor writes and sees them."""

from __future__ import annotations

import asyncio

import aiohttp

from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from bot.sandbox.page.feed import RESET, Feed
from bot.sandbox.page.message_views import safe_for_scripts
from bot.sandbox.permissions import Permission
from tests.sandbox.page.browser import HOSTILE, Browser, Open


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
    async with asyncio.timeout(30):
        await sandbox.stop()
    assert await events.ended()
    await browser.close()


def test_numbers_survive_javascript() -> None:
    assert safe_for_scripts({"id": 2**63, "small": [1, True, None]}) == {
        "id": str(2**63),
        "small": [1, True, None],
    }
