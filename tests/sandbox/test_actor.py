"""People act within the limits that Discord's own client sets them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox import NotPossibleError, Sandbox, serve
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


def test_banned_person_cannot_join(guild: Guild, ada: Actor) -> None:
    guild.ban(ada.user)
    with pytest.raises(NotPossibleError):
        ada.join()
    guild.unban(ada.id)
    assert ada.join() is ada.member


def test_timed_out_person_cannot_write(guild: Guild, ada: Actor) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)
    guild.update_member(ada.member, timed_out_until=until)
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), "hello")


def test_slowmode_holds_for_members_only(guild: Guild, ada: Actor) -> None:
    general = guild.channel("general")
    general.update(slowmode=60)
    ada.send(general, "one")
    with pytest.raises(NotPossibleError):
        ada.send(general, "two")
    helper = guild.add_role("helper", permissions=Permission.MANAGE_MESSAGES)
    guild.add_member_role(ada.member, helper)
    ada.send(general, "three")


@pytest.mark.parametrize("content", ["", "x" * 2001])
def test_message_length_is_limited(guild: Guild, ada: Actor, content: str) -> None:
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), content)


def test_only_own_messages_are_edited(sandbox: Sandbox, guild: Guild, ada: Actor) -> None:
    message = sandbox.join(guild, "bob").send(guild.channel("general"), "mine")
    with pytest.raises(NotPossibleError):
        ada.edit(message, "yours")
    with pytest.raises(NotPossibleError):
        ada.delete(message)


def test_reply_pings_its_target(sandbox: Sandbox, guild: Guild, ada: Actor) -> None:
    bob = sandbox.join(guild, "bob")
    asked = ada.send(guild.channel("general"), "anyone?")
    reply = bob.send(guild.channel("general"), "me", reply_to=asked)
    assert reply.mentions == (ada.id,)
    assert reply.type == 19


def test_nobody_pings_everyone_without_permission(guild: Guild, ada: Actor) -> None:
    assert not ada.send(guild.channel("general"), "@everyone look").mention_everyone


async def test_stranger_cannot_click(sandbox: Sandbox, guild: Guild) -> None:
    button = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}
    row = {"type": 1, "components": [button]}
    message = guild.channel("general").add_message(
        sandbox.application.user, "panel", components=[row]
    )
    stranger = sandbox.actor(sandbox.world.add_user("stranger"), guild)
    with pytest.raises(NotPossibleError):
        await stranger.click(message, "go")
    with pytest.raises(NotPossibleError):
        await stranger.click(message, "other")


async def test_sandbox_is_served_until_cancelled() -> None:
    started: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(started=started, name="Echo"))
    sandbox = await asyncio.wait_for(started, 30)
    assert sandbox.port
    assert sandbox.application.name == "Echo"
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection(sandbox.host, sandbox.port)
