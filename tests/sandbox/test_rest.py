"""REST as discord.py uses it: answers, limits, permissions, rate limits and faults."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest

from bot.sandbox import RestFault, Sandbox
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.sandbox.conftest import Client, connected

PLAIN = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x02\x00\x00\x00"


@pytest.fixture
def general(client: Client, guild: Guild) -> discord.TextChannel:
    channel = client.get_channel(guild.channel("general").id)
    assert isinstance(channel, discord.TextChannel)
    return channel


async def _code(awaitable, kind: type[discord.HTTPException] = discord.HTTPException) -> int:
    with pytest.raises(kind) as failure:
        await awaitable
    return failure.value.code


async def test_missing_permission_is_50013(wire: Sandbox) -> None:
    guild = wire.add_guild("Strict", permissions=0, everyone=PLAIN)
    async with connected(wire, Client()) as client:
        channel = client.get_channel(guild.channel("general").id)
        assert isinstance(channel, discord.TextChannel)
        assert await _code(channel.send("hello"), discord.Forbidden) == 50013
        assert await _code(channel.edit(name="x"), discord.Forbidden) == 50013
        guild.channel("general").set_overwrite(guild.id, 0, deny=Permission.VIEW_CHANNEL)
        assert await _code(channel.fetch_message(1), discord.Forbidden) == 50001


async def test_hierarchy_is_enforced(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    high = guild.add_role("high", permissions=Permission.ADMINISTRATOR, position=50)
    ada = sandbox.join(guild, "ada")
    guild.add_member_role(ada.member, high)
    found = await _guild(client, guild).fetch_member(ada.id)
    assert await _code(found.kick(), discord.Forbidden) == 50013
    assert await _code(found.timeout(timedelta(minutes=1)), discord.Forbidden) == 50013
    assert await _code(found.edit(nick="x"), discord.Forbidden) == 50013
    await guild_role_gone(guild, ada.member)
    await found.timeout(timedelta(minutes=1), reason="calm down")
    assert ada.member.timed_out_until is not None
    assert guild.audit_log[-1]["reason"] == "calm down"


async def guild_role_gone(guild: Guild, member) -> None:
    guild.update_member(member, roles=())


def _guild(client: Client, guild: Guild) -> discord.Guild:
    found = client.get_guild(guild.id)
    assert found is not None
    return found


async def test_closed_direct_messages_are_50007(
    client: Client, sandbox: Sandbox, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    user = await client.fetch_user(ada.id)
    await user.send("welcome")
    ada.user.dms_open = False
    assert await _code(user.send("again"), discord.Forbidden) == 50007


async def test_enforced_nonce_returns_the_first_message(
    general: discord.TextChannel, guild: Guild
) -> None:
    first = await general.send("once", nonce="outbox-1")
    second = await general.send("twice", nonce="outbox-1")
    assert first.id == second.id
    assert [message.content for message in guild.channel("general").messages.values()] == ["once"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": "  "}, 50006),
        ({"content": "x", "nonce": "n" * 26}, 50035),
        ({"embeds": [discord.Embed(description="x" * 4097)]}, 50035),
        ({"embeds": [discord.Embed(description="x" * 3100)] * 2}, 50035),
        ({"embed": discord.Embed(title="t", url="javascript:1")}, 50035),
        (
            {
                "content": "x",
                "allowed_mentions": discord.AllowedMentions(users=[discord.Object(1)] * 101),
            },
            50035,
        ),
    ],
)
async def test_broken_messages_are_refused(
    general: discord.TextChannel, message: dict[str, object], code: int
) -> None:
    assert await _code(general.send(**message)) == code


async def test_components_v2_rules(client: Client, general: discord.TextChannel) -> None:
    rows = [{"type": 10, "content": "text"}]
    send = client.http.request
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=general.id)
    sent = await send(route, json={"flags": 1 << 15, "components": rows})
    assert sent["components"][0]["id"] == 1
    bad: list[dict[str, object]] = [
        {"components": rows},
        {"flags": 1 << 15, "components": rows, "content": "both"},
        {"flags": 1 << 15, "components": rows * 41},
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 2001}] * 2},
        {"content": "x", "components": [_row("a"), _row("a")]},
        {"content": "x", "components": [{"type": 1, "components": [{"type": 2, "style": 1}]}]},
    ]
    for body in bad:
        assert await _code(send(route, json=body)) == 50035, body


@pytest.mark.parametrize(
    ("before", "clears", "named"),
    [
        ({"content": "text"}, {"content": None}, "content"),
        ({"embed": discord.Embed(title="card")}, {"embeds": []}, "embeds"),
        ({"content": "text", "embed": discord.Embed(title="card")}, {"embeds": []}, "content"),
    ],
)
async def test_a_message_becomes_one_of_components_v2_only_without_what_they_bar(
    general: discord.TextChannel, before: dict[str, Any], clears: dict[str, Any], named: str
) -> None:
    sent = await general.send(**before)
    view = discord.ui.LayoutView().add_item(discord.ui.TextDisplay("instead"))
    with pytest.raises(discord.HTTPException, match=f"In {named}: The '{named}' field") as refused:
        await sent.edit(view=view)
    assert refused.value.code == 50035
    assert not (await general.fetch_message(sent.id)).flags.components_v2
    if len(before) == len(clears):
        edited = await sent.edit(view=view, **clears)
        assert edited.flags.components_v2
        plain = await edited.edit(suppress=True)
        assert plain.flags.components_v2
    else:
        with pytest.raises(discord.HTTPException, match="In content"):
            await sent.edit(view=view, **clears)


async def test_a_poll_never_becomes_a_message_of_components_v2(
    general: discord.TextChannel,
) -> None:
    poll = discord.Poll("Where to?", timedelta(hours=1)).add_answer(text="Home")
    sent = await general.send(poll=poll)
    view = discord.ui.LayoutView().add_item(discord.ui.TextDisplay("instead"))
    with pytest.raises(discord.HTTPException, match="In poll"):
        await sent.edit(view=view, content=None, embeds=[])


def _row(custom_id: str) -> dict[str, object]:
    button = {"type": 2, "style": 1, "label": "b", "custom_id": custom_id}
    return {"type": 1, "components": [button]}


async def test_files_are_kept_and_served(general: discord.TextChannel) -> None:
    embed = discord.Embed(title="card").set_image(url="attachment://card.png")
    sent = await general.send(file=discord.File(io.BytesIO(PNG), "card.png"), embed=embed)
    attachment = sent.attachments[0]
    assert (attachment.width, attachment.height) == (2, 3)
    assert sent.embeds[0].image.url == attachment.url
    assert await attachment.read() == PNG
    edited = await sent.edit(content="no file", attachments=[])
    assert edited.attachments == []


async def test_edit_delete_pin_and_react(general: discord.TextChannel, guild: Guild) -> None:
    sent = await general.send("draft")
    await sent.edit(content="final")
    await sent.add_reaction("🎉")
    await sent.pin()
    assert [pin.id async for pin in general.pins()] == [sent.id]
    fetched = await general.fetch_message(sent.id)
    assert fetched.content == "final"
    assert fetched.edited_at is not None
    assert [(str(one.emoji), one.count, one.me) for one in fetched.reactions] == [("🎉", 1, True)]
    await sent.delete()
    assert await _code(sent.delete(), discord.NotFound) == 10008


async def test_history_and_purge(
    sandbox: Sandbox, general: discord.TextChannel, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    for number in range(5):
        ada.send(guild.channel("general"), str(number))
    assert [message.content async for message in general.history(limit=2)] == ["4", "3"]
    deleted = await general.purge(limit=4)
    assert len(deleted) == 4
    assert len(guild.channel("general").messages) == 1


async def test_old_messages_are_not_deleted_in_bulk(general: discord.TextChannel) -> None:
    old = discord.utils.time_snowflake(datetime.now(UTC) - timedelta(days=15))
    request = general._state.http.delete_messages(general.id, [old, old + 1])
    assert await _code(request) == 50034


async def test_channels_roles_and_overwrites(client: Client, guild: Guild) -> None:
    found = _guild(client, guild)
    role = await found.create_role(name="crew", permissions=discord.Permissions(send_messages=True))
    hidden = discord.PermissionOverwrite(view_channel=False)
    category = await found.create_category("Docks")
    channel = await found.create_text_channel(
        "Quay One", category=category, overwrites={found.default_role: hidden}, topic="boats"
    )
    assert channel.name == "quay-one"
    await channel.set_permissions(role, view_channel=True, reason="crew only")
    model = guild.channel("quay-one")
    assert model.overwrites[role.id].allow == Permission.VIEW_CHANNEL
    await channel.edit(slowmode_delay=30)
    assert model.slowmode == 30
    assert await _code(channel.edit(slowmode_delay=30_000)) == 50035
    await channel.delete()
    await role.delete()
    assert role.id not in guild.roles
    assert {entry["action_type"] for entry in guild.audit_log} >= {10, 11, 12, 13, 30, 32}


async def test_bans(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    found = _guild(client, guild)
    ada = sandbox.join(guild, "ada")
    ada.send(guild.channel("general"), "spam")
    await found.ban(discord.Object(ada.id), delete_message_seconds=600, reason="spam")
    assert ada.id not in guild.members
    assert not guild.channel("general").messages
    assert (await found.fetch_ban(discord.Object(ada.id))).reason == "spam"
    await found.unban(discord.Object(ada.id))
    assert await _code(found.unban(discord.Object(ada.id)), discord.NotFound) == 10026
    owner = discord.Object(guild.owner_id)
    assert await _code(found.ban(owner), discord.Forbidden) == 50013


async def test_private_thread(
    client: Client, sandbox: Sandbox, general: discord.TextChannel, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    thread = await general.create_thread(
        name="ticket", type=discord.ChannelType.private_thread, invitable=False
    )
    model = sandbox.world.channels[thread.id]
    await thread.add_user(discord.Object(ada.id))
    ada.send(model, "help")
    await thread.send("on it")
    assert [message.content async for message in thread.history()] == ["on it", "help"]
    await thread.edit(archived=True, locked=True)
    assert await _code(thread.send("late")) == 50083


async def test_webhook_executes_with_its_token(
    client: Client, sandbox: Sandbox, general: discord.TextChannel, guild: Guild
) -> None:
    webhook = await general.create_webhook(name="errors")
    sent = await webhook.send("boom", username="Pegasus errors", wait=True)
    assert sent.author.display_name == "Pegasus errors"
    url = f"{sandbox.api_base_url}/webhooks/{webhook.id}/wrong"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={"content": "x"}) as answer,
    ):
        assert answer.status == 401
        assert (await answer.json())["code"] == 50027


async def test_rate_limit_is_waited_for(sandbox: Sandbox, general: discord.TextChannel) -> None:
    bucket = "POST /channels/{channel_id}/messages"
    sandbox.limits.set_rule(bucket, 2, 0.3)
    await asyncio.gather(*(general.send(str(number)) for number in range(5)))
    calls = sandbox.recorder.calls_to("POST", "/channels/*/messages")
    assert [call.status for call in calls if call.status == 200] == [200] * 5


async def test_injected_429_is_retried(sandbox: Sandbox, general: discord.TextChannel) -> None:
    sandbox.faults.add(RestFault(429, "POST", "/channels/*/messages", retry_after=0.05))
    await general.send("through")
    calls = sandbox.recorder.calls_to("POST", "/channels/*/messages")
    assert [call.status for call in calls] == [429, 200]


async def test_injected_failure_and_delay(sandbox: Sandbox, general: discord.TextChannel) -> None:
    sandbox.faults.add(RestFault(403, pattern="/channels/*/messages", code=50013))
    assert await _code(general.send("x"), discord.Forbidden) == 50013
    sandbox.faults.add(RestFault(delay=0.05, pattern="/channels/*/messages"))
    await general.send("x")
    assert sandbox.recorder.calls_to("POST", "/channels/*/messages")[-1].duration >= 0.05


async def test_server_error_is_retried(sandbox: Sandbox, general: discord.TextChannel) -> None:
    sandbox.faults.add(RestFault(503, pattern="/channels/*/messages"))
    with pytest.raises(discord.DiscordServerError):
        await general.send("x")
    sandbox.faults.add(RestFault(500, pattern="/channels/*/messages"))
    await general.send("retried")


async def test_commands_are_validated(client: Client) -> None:
    request = client.http.bulk_upsert_global_commands
    application_id = client.application_id
    assert application_id is not None
    for broken in (
        {"name": "Upper", "description": "x"},
        {"name": "ok", "description": ""},
        {"name": "ok", "description": "x" * 101},
        {"name": "ok", "description": "x", "name_localizations": {"xx": "ok"}},
        {
            "name": "ok",
            "description": "x",
            "options": [{"type": 3, "name": "A b", "description": "x"}],
        },
    ):
        assert await _code(request(application_id, [broken])) == 50035, broken
    stored = await request(application_id, [{"name": "ok", "description": "x"}])
    again = await request(application_id, [{"name": "ok", "description": "y"}])
    assert stored[0]["id"] == again[0]["id"]


async def test_unknown_things_have_their_codes(client: Client, guild: Guild) -> None:
    found = _guild(client, guild)
    assert await _code(client.fetch_channel(99), discord.NotFound) == 10003
    assert await _code(client.fetch_guild(99), discord.NotFound) == 10004
    assert await _code(client.fetch_user(99), discord.NotFound) == 10013
    assert await _code(found.fetch_member(client.application.owner.id), discord.NotFound) == 10007
    assert await _code(client.fetch_webhook(99), discord.NotFound) == 10015
    assert await _code(client.fetch_invite("nothing"), discord.NotFound) == 10006


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/users/@me", 401), ("GET", "/nothing", 404), ("PUT", "/users/@me", 405)],
)
async def test_door_is_guarded(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    async with aiohttp.ClientSession() as session:
        request = session.request(method, sandbox.api_base_url + path)
        async with request as answer:
            assert answer.status == status
            assert answer.headers["Content-Type"] == "application/json"
            assert (await answer.json())["code"] == 0


async def test_threads_and_messages_are_bounded() -> None:
    async with Sandbox(message_limit=3) as sandbox:
        channel: Channel = sandbox.add_guild("Small").channel("general")
        for number in range(5):
            channel.add_message(sandbox.application.user, str(number))
        assert [message.content for message in channel.messages.values()] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": 5}, 400, 50035),
        ({"content": "x", "flags": "many"}, 400, 50035),
        ({"content": "x", "embeds": [7]}, 400, 50035),
        ([], 400, 50109),
    ],
)
async def test_malformed_bodies_are_refused(
    sandbox: Sandbox, guild: Guild, body: object, status: int, code: int
) -> None:
    url = f"{sandbox.api_base_url}/channels/{guild.channel('general').id}/messages"
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, json=body) as answer:
            assert answer.status == status
            assert (await answer.json())["code"] == code
        async with session.post(url, data=b"{") as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, 50109)


async def test_oversized_file_is_refused(general: discord.TextChannel) -> None:
    file = discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin")
    with pytest.raises(discord.HTTPException) as failure:
        await general.send(file=file)
    assert (failure.value.status, failure.value.code) == (413, 40005)
