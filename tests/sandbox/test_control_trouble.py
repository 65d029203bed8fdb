"""Trouble made over the control API, each kind as the bot meets it, and what else a person does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.sandbox.conftest import Client
from tests.sandbox.test_control import Control, control

__all__ = ["control"]

ME = "/users/@me"


async def _ask(sandbox: Sandbox) -> tuple[int, dict[str, str], Any]:
    """Ask for the bot's own account as a bot does."""
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(sandbox.api_base_url + ME) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.json()


@asynccontextmanager
async def _line(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection with a session of its own, without compression."""
    identify = {"token": sandbox.token, "intents": 1, "properties": {}}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10&encoding=json") as socket,
    ):
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 2, "d": identify})
        assert (await socket.receive_json())["t"] == "READY"
        yield socket


# --- REST -----------------------------------------------------------------------------------------


async def test_status_is_answered_as_often_as_asked_for(control: Control, sandbox: Sandbox) -> None:
    await control("POST", "/faults", kind="rest", status=503, method="GET", pattern=ME, times=2)
    assert [(await _ask(sandbox))[0] for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    "fault",
    [{"status": "often"}, {"status": 999}, {"times": "x"}, {"delay": "long"}, {"scope": "mine"}],
)
async def test_trouble_that_can_not_be_made_is_refused(
    control: Control, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    await control("POST", "/faults", expect=400, kind="rest", **fault)
    assert (await _ask(sandbox))[0] == 200


async def test_numbers_may_be_texts(control: Control, sandbox: Sandbox) -> None:
    await control("POST", "/faults", kind="rest", status="503", times="1", delay="0")
    assert [(await _ask(sandbox))[0] for _ in range(2)] == [503, 200]


async def test_code_and_message_are_those_asked_for(control: Control, sandbox: Sandbox) -> None:
    fault = {"status": 403, "code": 50013, "message": "Missing Permissions"}
    await control("POST", "/faults", kind="rest", **fault)
    status, _headers, body = await _ask(sandbox)
    assert (status, body["code"], body["message"]) == (403, 50013, "Missing Permissions")


async def test_delay_comes_before_the_answer(control: Control, sandbox: Sandbox) -> None:
    await control("POST", "/faults", kind="rest", delay=0.2)
    begun = time.monotonic()
    assert (await _ask(sandbox))[0] == 200
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_rate_limit_says_how_long_and_of_whom(
    control: Control, sandbox: Sandbox, scope: str
) -> None:
    await control("POST", "/faults", kind="rest", status=429, retry_after=1.5, scope=scope)
    status, headers, body = await _ask(sandbox)
    assert (status, body["retry_after"], body["global"]) == (429, 1.5, scope == "global")
    assert headers["X-RateLimit-Scope"] == scope


async def test_bucket_takes_a_limit_of_its_own(control: Control, sandbox: Sandbox) -> None:
    await control("PUT", "/rate-limits", bucket=f"GET {ME}", limit=1, window=30)
    assert [(await _ask(sandbox))[0] for _ in range(2)] == [200, 429]


# --- the gateway ----------------------------------------------------------------------------------


async def test_op_7_is_followed_by_a_resume(client: Client, control: Control) -> None:
    assert (await control("POST", "/faults", kind="reconnect", shard_id=0))["touched"] == 1
    await client.until("RESUMED")


async def test_op_9_ends_the_session_unless_it_can_be_resumed(
    client: Client, control: Control
) -> None:
    await control("POST", "/faults", kind="invalidate", resumable=True)
    await client.until("RESUMED")
    await control("POST", "/faults", kind="invalidate")
    await client.until("READY", times=2)


async def test_trouble_of_another_shard_touches_nobody(client: Client, control: Control) -> None:
    for kind in ("drop", "reconnect", "garbage", "truncate"):
        assert (await control("POST", "/faults", kind=kind, shard_id=7))["touched"] == 0


async def test_heartbeats_go_unanswered_until_cleared(control: Control, sandbox: Sandbox) -> None:
    async with _line(sandbox) as socket:
        await control("POST", "/faults", kind="ignore-heartbeats")
        await socket.send_json({"op": 1, "d": None})
        await control("DELETE", "/faults")
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json(timeout=5))["op"] == 11
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.1)


async def test_connections_are_refused_until_cleared(control: Control, sandbox: Sandbox) -> None:
    await control("POST", "/faults", kind="refuse-connections", seconds=60)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with _line(sandbox):
            pass
    assert refused.value.status == 503
    await control("DELETE", "/faults")
    async with _line(sandbox):
        pass


@pytest.mark.parametrize("code", [4000, 4004, 4013, 4014])
async def test_connection_is_closed_with_the_code(
    control: Control, sandbox: Sandbox, code: int
) -> None:
    async with _line(sandbox) as socket:
        assert (await control("POST", "/faults", kind="close", code=code))["touched"] == 1
        await socket.receive(timeout=5)
        assert socket.close_code == code


async def test_frame_that_is_no_event_is_sent(control: Control, sandbox: Sandbox) -> None:
    async with _line(sandbox) as socket:
        await control("POST", "/faults", kind="garbage")
        frame = await socket.receive(timeout=5)
        with pytest.raises(ValueError, match="Expecting"):
            frame.json()


async def test_malformed_event_is_sent_as_it_is(
    control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    async with _line(sandbox) as socket:
        assert (await socket.receive_json(timeout=5))["t"] == "GUILD_CREATE"
        odd = {"guild_id": None, "roles": "none"}
        where = {"guild_id": str(guild.id)}
        await control("POST", "/faults", kind="dispatch", event="GUILD_UPDATE", data=odd, **where)
        frame = await socket.receive_json(timeout=5)
        assert (frame["t"], frame["d"]) == ("GUILD_UPDATE", odd)


async def test_next_frame_is_cut_in_half(control: Control, sandbox: Sandbox) -> None:
    async with _line(sandbox) as socket:
        await control("POST", "/faults", kind="truncate")
        await socket.send_json({"op": 1, "d": None})
        frame = await socket.receive(timeout=5)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            frame.json()


# --- what else a person does ----------------------------------------------------------------------


async def test_choices_come_up_menus_open_and_are_chosen_from(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    _add_commands(client)
    await client.tree.sync()
    ada = sandbox.join(guild, "ada")
    path, who = f"/channels/{guild.channel('general').id}", {"user_id": ada.id}
    found = await control(
        "POST", f"{path}/autocomplete", command="drink", option="what", typed="t", **who
    )
    assert [one["value"] for one in found["choices"]] == ["tea"]
    said = await control("POST", f"{path}/messages", content="thirsty", **who)
    menu = await control("POST", f"{path}/context-menu", name="Pour", target_id=said["id"], **who)
    assert menu["message"]["content"] == "thirsty?"
    select = f"/messages/{menu['message']['id']}/select"
    chosen = await control("POST", select, custom_id="cup", values=["mug"], **who)
    assert chosen["message"]["content"] == "mug"
    again = await control("GET", f"/interactions/{chosen['id']}")
    assert again["message"]["content"] == "mug"
    user = await control("POST", f"{path}/context-menu", name="Greet", target_id=ada.id, **who)
    assert user["message"]["content"] == "hello ada"


async def test_bot_is_written_to_directly(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @client.listen()
    async def on_message(message: discord.Message) -> None:
        if message.guild is None and not heard.done():
            heard.set_result(message.content)

    await control("POST", "/direct-messages", user_id=ada.id, content="psst")
    assert await asyncio.wait_for(heard, 30) == "psst"


def _add_commands(client: Client) -> None:
    class Cups(discord.ui.View):
        @discord.ui.select(custom_id="cup", options=[discord.SelectOption(label="mug")])
        async def cup(
            self, interaction: discord.Interaction, chosen: discord.ui.Select[Cups]
        ) -> None:
            await interaction.response.send_message(chosen.values[0])

    @client.tree.command()
    async def drink(interaction: discord.Interaction, what: str) -> None:
        """Drink something."""
        await interaction.response.send_message(what)

    @drink.autocomplete("what")
    async def offer(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        drinks = ("tea", "water")
        return [app_commands.Choice(name=one, value=one) for one in drinks if one.startswith(typed)]

    @client.tree.context_menu(name="Pour")
    async def pour(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"{message.content}?", view=Cups())

    @client.tree.context_menu(name="Greet")
    async def greet(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(f"hello {member.name}")
