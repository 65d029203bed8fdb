"""The control API: everything a test in another process needs, as JSON over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from bot.sandbox.snowflake import snowflake_time
from tests.sandbox.conftest import Client


class Control:
    """A client of the control API."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def __call__(self, method: str, path: str, /, *, expect: int = 200, **body: Any) -> Any:
        async with self._session.request(method, self._base + path, json=body) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession() as session:
        yield Control(session, sandbox.control_url)


async def test_world_is_built(control: Control, sandbox: Sandbox) -> None:
    guild = await control("POST", "/guilds", name="Docks", channels=["one"], locale="es-ES")
    path = f"/guilds/{guild['id']}"
    channel = await control("POST", f"{path}/channels", name="two", topic="tea")
    role = await control("POST", f"{path}/roles", name="crew", permissions="8")
    await control("PATCH", f"{path}/roles/{role['id']}", permissions="16")
    member = await control("POST", f"{path}/members", name="ada", pending=True)
    user_id = member["user"]["id"]
    roles = [role["id"]]
    edited = await control("PATCH", f"{path}/members/{user_id}", pending=False, roles=roles)
    assert (edited["pending"], edited["roles"]) == (False, [role["id"]])
    await control("PATCH", f"/users/{user_id}", dms_open=False)
    await control("PUT", f"/channels/{channel['id']}/overwrites/{role['id']}", deny="2048")
    state = await control("GET", "/state")
    assert [entry["name"] for entry in state["guilds"][0]["channels"]] == ["one", "two"]
    sandbox.world.guilds[int(guild["id"])].update(system_channel_id=int(channel["id"]))
    assert (await control("GET", path))["system_channel_id"] == channel["id"]
    await control("DELETE", f"{path}/members/{user_id}")
    await control("DELETE", f"/channels/{channel['id']}")
    assert (await control("GET", path))["member_count"] == 2
    await control("DELETE", path)
    assert not sandbox.world.guilds


async def test_bot_is_kicked_and_invited_again(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    bot, owner = sandbox.application.user, guild.owner_id
    joined: list[int] = []

    async def on_guild_join(again: discord.Guild) -> None:
        joined.append(again.id)

    client.event(on_guild_join)
    await control("PUT", f"/guilds/{guild.id}/kicks/{bot.id}", user_id=str(owner), reason="no")
    await client.until("GUILD_DELETE")
    assert client.get_guild(guild.id) is None
    assert not [one for one in guild.roles.values() if one.managed]

    for _twice in range(2):
        await control("PUT", f"/guilds/{guild.id}/bot", permissions="8")
    await client.until("GUILD_CREATE", times=2)
    assert joined == [guild.id]
    assert client.get_guild(guild.id) is not None
    (role,) = (one for one in guild.roles.values() if one.managed)
    assert (role.bot_id, role.permissions) == (bot.id, 8)


async def test_member_acts_and_the_bot_answers(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    _add_commands(client)
    await client.tree.sync()
    channel = guild.channel("general").id
    user_id = sandbox.join(guild, "ada").id
    path = f"/channels/{channel}"
    sent = await control("POST", f"{path}/messages", user_id=user_id, content="hello")
    message = f"{path}/messages/{sent['id']}"
    await control("PATCH", message, user_id=user_id, content="hi")
    reacted = await control("PUT", f"{message}/reactions", user_id=user_id, emoji="👋")
    assert reacted["reactions"][0]["count"] == 1
    await control("DELETE", f"{message}/reactions", user_id=user_id, emoji="👋")
    await control("DELETE", message, user_id=user_id)
    options = {"text": "aye"}
    answer = await control(
        "POST", f"{path}/commands", user_id=user_id, command="echo", options=options
    )
    assert answer["ephemeral"]
    assert answer["message"]["content"] == "aye"
    shown = await control("GET", f"{path}/messages?user_id={user_id}")
    assert [entry["content"] for entry in shown["messages"]] == ["aye"]
    click = f"/messages/{answer['message']['id']}/click"
    opened = await control("POST", click, user_id=user_id, custom_id="ask")
    modal = f"/interactions/{opened['id']}/modal"
    files = [{"filename": "leaf.txt", "text": "green"}]
    values = {"what": "tea", "proof": files}
    done = await control("POST", modal, user_id=user_id, values=values)
    assert done["message"]["content"] == "tea leaf.txt 5"


def _add_commands(client: Client) -> None:
    class Question(discord.ui.Modal, title="What?"):
        what = discord.ui.TextInput(label="What", custom_id="what")
        proof = discord.ui.Label(text="Proof", component=discord.ui.FileUpload(custom_id="proof"))

        async def on_submit(self, interaction: discord.Interaction) -> None:
            upload: Any = self.proof.component
            (file,) = upload.values
            said = f"{self.what.value} {file.filename} {file.size}"
            await interaction.response.send_message(said)

    class Asker(discord.ui.View):
        @discord.ui.button(label="Ask", custom_id="ask")
        async def ask(self, interaction: discord.Interaction, _: discord.ui.Button[Asker]) -> None:
            await interaction.response.send_modal(Question())

    @client.tree.command()
    async def echo(interaction: discord.Interaction, text: str) -> None:
        """Say it again."""
        await interaction.response.send_message(text, view=Asker(), ephemeral=True)


async def test_people_sit_in_voice(control: Control, sandbox: Sandbox, guild: Guild) -> None:
    lounge, ada = guild.add_channel("lounge", ChannelType.VOICE), sandbox.join(guild, "ada")
    path, who = f"/guilds/{guild.id}/voice", str(ada.id)
    sat = await control("PUT", path, user_id=who, channel_id=str(lounge.id), self_mute=True)
    assert (sat["channel_id"], sat["self_mute"], sat["self_deaf"]) == (str(lounge.id), True, False)
    await control("PUT", path, user_id=who, channel_id=str(lounge.id))
    assert not guild.voice_states[ada.id]["self_mute"]
    await control("PUT", path, user_id=who)
    assert not guild.voice_states


async def test_waiting_for_calls_messages_and_frames(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    channel = guild.channel("general")
    path = f"/wait?for=message&channel_id={channel.id}&containing=later&timeout=5"
    waiting = asyncio.create_task(control("GET", path))
    found = client.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    await found.send("see you later")
    assert (await waiting)["content"] == "see you later"
    call = await control("GET", "/wait?for=call&method=POST&path=/channels/*/messages")
    assert call["body"]["content"] == "see you later"
    identify = await control("GET", "/wait?for=frame&op=2")
    assert identify["d"]["token"] == "***"
    assert (await control("GET", "/wait?for=connection"))["shard"] == [0, 1]
    listed = await control("GET", "/calls?method=POST&limit=1")
    assert [entry["number"] for entry in listed["calls"]] == [call["number"]]
    assert sandbox.token not in str(await control("GET", "/frames"))


async def test_faults_are_injected(client: Client, control: Control, sandbox: Sandbox) -> None:
    assert (await control("POST", "/faults", kind="drop"))["touched"] == 1
    await client.until("RESUMED")
    await control("POST", "/faults", kind="dispatch", event="NEWS", data={"odd": True})
    await client.until("NEWS")
    await control("POST", "/faults", kind="rest", status=500, pattern="/users/*", times=None)
    fault = await sandbox.faults.before_call("GET", "/users/@me")
    assert fault is not None
    assert fault[0] == 500
    await control("DELETE", "/faults")
    assert await sandbox.faults.before_call("GET", "/users/@me") is None
    await control("POST", "/faults", kind="close", code=4000)
    await client.until("RESUMED", times=2)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/guilds/1", {}, 404),
        ("POST", "/guilds", {}, 400),
        ("POST", "/faults", {"kind": "earthquake"}, 400),
        ("GET", "/wait?for=message&timeout=0.01", {}, 504),
        ("POST", "/channels/1/messages", {}, 404),
    ],
)
async def test_mistakes_are_explained(
    control: Control, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await control(method, path, expect=status, **body)
    assert answer["error"]


async def test_impossible_deed_is_a_conflict(
    control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    stranger = sandbox.world.add_user("stranger")
    path = f"/channels/{guild.channel('general').id}/messages"
    await control("POST", path, expect=409, user_id=stranger.id, content="hello")


async def test_foreign_page_may_not_ask(sandbox: Sandbox) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{sandbox.control_url}/guilds", json={"name": "x"}) as answer,
    ):
        assert answer.status == 403
    assert not sandbox.world.guilds


async def test_violations_are_listed(
    client: Client, control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    assert await control("GET", "/violations") == {"violations": [], "checked": 0}


async def test_staff_act(control: Control, sandbox: Sandbox, guild: Guild) -> None:
    path, owner = f"/guilds/{guild.id}", guild.owner_id
    ada, bob = sandbox.join(guild, "ada"), sandbox.join(guild, "bob")
    role = await control("POST", f"{path}/roles", name="crew")
    channel = guild.add_channel("old")
    deeds: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"{path}/timeouts/{ada.id}", {"seconds": 60, "reason": "calm"}),
        ("DELETE", f"{path}/timeouts/{ada.id}", {}),
        ("PUT", f"{path}/nicknames/{ada.id}", {"nick": "A"}),
        ("PUT", f"{path}/members/{ada.id}/roles/{role['id']}", {}),
        ("DELETE", f"{path}/members/{ada.id}/roles/{role['id']}", {}),
        ("PUT", f"{path}/roles/{role['id']}/permissions", {"permissions": 2}),
        ("DELETE", f"{path}/roles/{role['id']}", {}),
        ("PUT", f"{path}/kicks/{ada.id}", {}),
        ("PUT", f"{path}/bans/{bob.id}", {"delete_seconds": 60}),
        ("DELETE", f"{path}/bans/{bob.id}", {}),
        ("PUT", f"/channels/{channel.id}/overwrites/{guild.id}", {"deny": "2048"}),
        ("POST", f"/channels/{channel.id}/webhooks", {"name": "hook"}),
        ("DELETE", f"/channels/{channel.id}", {}),
        ("POST", f"{path}/prune", {"days": 7}),
    ]
    for method, where, body in deeds:
        await control(method, where, user_id=owner, **body)
    log = (await control("GET", f"{path}/audit-log"))["entries"]
    kinds = [entry["action_type"] for entry in log]
    assert kinds == [24, 24, 24, 25, 25, 31, 32, 20, 22, 23, 13, 50, 12, 21]
    assert log[0]["reason"] == "calm"
    await control(
        "PUT", f"{path}/kicks/{owner}", expect=409, user_id=sandbox.join(guild, "cleo").id
    )


async def test_messages_of_all_kinds_are_written(
    control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    general = f"/channels/{guild.channel('general').id}"
    ada = sandbox.join(guild, "ada")
    sticker = await control("POST", f"/guilds/{guild.id}/stickers", name="wave")
    files = [{"filename": "a.txt", "text": "hi"}, {"filename": "b.bin", "data": "AAE="}]
    sent = await control(
        "POST", f"{general}/messages", user_id=ada.id, files=files, stickers=[sticker["id"]]
    )
    assert [entry["size"] for entry in sent["attachments"]] == [2, 2]
    assert sent["sticker_items"][0]["name"] == "wave"
    old = await control(
        "POST", f"{general}/messages", user_id=ada.id, content="old", created_at="2026-01-01"
    )
    assert old["timestamp"].startswith("2026-01-01")
    preview = [{"type": "link", "title": "A page"}]
    shown = await control("PUT", f"{general}/messages/{sent['id']}/previews", embeds=preview)
    assert (shown["embeds"], shown["edited_timestamp"]) == (preview, None)
    welcome = guild.channel("welcome").id
    copy = await control(
        "POST",
        f"/channels/{welcome}/forwards",
        user_id=ada.id,
        **{"from": guild.channel("general").id, "message_id": old["id"]},
    )
    assert copy["message_snapshots"][0]["message"]["content"] == "old"
    many = await control("POST", f"{general}/burst", user_id=ada.id, contents=["1", "2", "3"])
    assert [entry["content"] for entry in many["messages"]] == ["1", "2", "3"]
    thread = await control("POST", f"{general}/threads", user_id=ada.id, name="t", content="x")
    assert thread["type"] == 11
    hook = await control("POST", f"{general}/webhooks", user_id=guild.owner_id, name="hook")
    embeds = [{"title": "News"}]
    posted = await control("POST", f"/webhooks/{hook['id']}/messages", embeds=embeds)
    assert posted["embeds"] == embeds


async def test_people_come_by_invite_unless_paused(
    control: Control, sandbox: Sandbox, guild: Guild
) -> None:
    path, owner = f"/guilds/{guild.id}", guild.owner_id
    theirs = await control("POST", "/elsewhere", name="Rivals", code="rivals")
    assert theirs["guild"]["name"] == "Rivals"
    general = guild.channel("general").id
    invite = await control("POST", f"/channels/{general}/invites", user_id=owner, max_uses=1)
    born = "2026-06-01T00:00:00+00:00"
    member = await control(
        "POST", f"{path}/members", name="ada", created_at=born, invite=invite["code"]
    )
    assert member["user"]["avatar"] is None
    assert snowflake_time(int(member["user"]["id"])).isoformat() == born
    await control("POST", f"{path}/members", expect=409, name="bob", invite=invite["code"])
    paused = await control("PUT", f"{path}/pauses", user_id=owner, invites=3600)
    assert paused["invites_disabled_until"]
    await control("POST", f"{path}/members", expect=409, name="cleo")
    await control("PATCH", path, non_member_ban_cap=0)
    assert guild.non_member_ban_cap == 0
