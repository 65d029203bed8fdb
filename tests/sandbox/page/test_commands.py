"""Commands, forms and buttons of the bot, used from the page."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.sandbox.page.browser import Browser, Open


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


@pytest.mark.parametrize("hidden", [{"contexts": [0]}, {"dm_permission": False}])
async def test_direct_messages_offer_no_guild_command(
    browser: Browser, harbour: Guild, sandbox: Sandbox, hidden: dict[str, Any]
) -> None:
    await browser.arrive(harbour)
    here, elsewhere = list(sandbox.application.commands.values())[:2]
    elsewhere |= {"contexts": None, "dm_permission": True} | hidden
    path = f"/channels/{(await browser.ask('POST', '/directs'))['id']}"
    commands = (await browser.ask("GET", f"{path}/commands"))["commands"]
    listed = {entry["name"] for entry in commands}
    assert here["name"] in listed
    assert elsewhere["name"] not in listed
    refused = await browser.ask("POST", f"{path}/commands", command=elsewhere["name"], expect=409)
    assert refused["error"].endswith("can't be used in direct messages.")


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
