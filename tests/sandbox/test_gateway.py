"""The gateway as a real discord.py client meets it."""

from __future__ import annotations

import asyncio
import zlib

import aiohttp
import discord
import pytest
from discord import utils
from discord.gateway import DiscordWebSocket

from bot.sandbox import Sandbox
from bot.sandbox.events import Intent
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from tests.sandbox.conftest import Client, connected


async def test_client_connects_and_sees_its_guild(client: Client, guild: Guild) -> None:
    found = client.get_guild(guild.id)
    assert found is not None
    assert found.name == "Harbour"
    assert {channel.name for channel in found.text_channels} == {"general", "welcome"}
    assert found.me.guild_permissions.administrator


async def test_message_makes_a_round_trip(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    @client.listen()
    async def on_message(message: discord.Message) -> None:
        if message.content == "ping":
            await message.channel.send(f"pong, {message.author.display_name}")

    ada = sandbox.join(guild, "ada", global_name="Ada")
    ada.send(guild.channel("general"), "ping")
    answer = await sandbox.wait_for_message(guild.channel("general"), containing="pong")
    assert answer.content == "pong, Ada"
    assert answer.author is sandbox.application.user


@pytest.mark.parametrize("context", ["zlib", "zstd", "none"])
async def test_compression_is_understood(
    wire: Sandbox, guild: Guild, monkeypatch: pytest.MonkeyPatch, context: str
) -> None:
    if context == "zlib":
        monkeypatch.setattr(utils, "_ActiveDecompressionContext", _ZlibContext)
    if context == "none":
        connect = DiscordWebSocket.from_client.__func__

        async def plain(cls: type[DiscordWebSocket], client: discord.Client, **options: object):
            return await connect(cls, client, **{**options, "compress": False})

        monkeypatch.setattr(DiscordWebSocket, "from_client", classmethod(plain))
    async with connected(wire, Client()) as client:
        wire.join(guild, "ada").send(guild.channel("general"), "hello " * 100)
        await client.until("MESSAGE_CREATE")


class _ZlibContext:
    """discord.py's own zlib decoding, which it takes only where zstandard is missing."""

    COMPRESSION_TYPE = "zlib-stream"

    def __init__(self) -> None:
        self._context = zlib.decompressobj()

    def decompress(self, data: bytes) -> str | None:
        assert data.endswith(b"\x00\x00\xff\xff")
        return self._context.decompress(data).decode()


async def test_dropped_connection_resumes_without_loss(
    client: Client, sandbox: Sandbox, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    await client.until("GUILD_MEMBER_ADD")
    assert sandbox.faults.drop() == 1
    ada.send(guild.channel("general"), "while you were away")
    await client.until("RESUMED")
    await client.until("MESSAGE_CREATE")
    assert client.seen.count("READY") == 1


async def test_op_7_makes_the_client_resume(client: Client, sandbox: Sandbox) -> None:
    assert sandbox.faults.reconnect() == 1
    await client.until("RESUMED")
    assert client.seen.count("READY") == 1


async def test_op_9_not_resumable_makes_the_client_identify_again(
    client: Client, sandbox: Sandbox
) -> None:
    sandbox.faults.invalidate(resumable=False)
    await client.until("READY", times=2)
    assert "RESUMED" not in client.seen
    assert len(sandbox.gateway.sessions) == 1


async def test_op_9_resumable_makes_the_client_resume(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.invalidate(resumable=True)
    await client.until("RESUMED")


async def test_wrong_token_is_closed_with_4004(sandbox: Sandbox) -> None:
    assert await _close_code(sandbox, {"token": "nonsense", "intents": 1}) == 4004


async def test_disallowed_intents_are_closed_with_4014(guild: Guild, sandbox: Sandbox) -> None:
    sandbox.application.allowed_intents = Intent.ALL & ~Intent.GUILD_MEMBERS
    identify = {"token": sandbox.token, "intents": Intent.GUILD_MEMBERS}
    assert await _close_code(sandbox, identify) == 4014


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"intents": 1 << 40}, 4013),
        ({"intents": 1, "shard": [3, 2]}, 4010),
        ({"intents": None}, 4013),
    ],
)
async def test_bad_identify_is_closed(
    sandbox: Sandbox, identify: dict[str, object], code: int
) -> None:
    assert await _close_code(sandbox, {"token": sandbox.token, **identify}) == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [('{"op": 77}', 4001), ("no json", 4002), ('{"op": 3, "d": {}}', 4003), ("x" * 5000, 4002)],
)
async def test_broken_protocol_is_closed(sandbox: Sandbox, sent: str, code: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        await socket.receive()
        await socket.send_str(sent)
        await socket.receive()
        assert socket.close_code == code


async def test_too_many_messages_are_closed_with_4008(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        for _ in range(121):
            await socket.send_str('{"op": 1, "d": null}')
        async for _ in socket:
            pass
        assert socket.close_code == 4008


async def test_resume_beyond_the_known_sequence_is_closed_with_4007(
    client: Client, sandbox: Sandbox
) -> None:
    session = next(iter(sandbox.gateway.sessions.values()))
    resume = {"token": sandbox.token, "session_id": session.id, "seq": session.sequence + 10}
    assert await _close_code(sandbox, resume, op=6) == 4007


async def test_heartbeats_are_answered_unless_ignored(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        await socket.receive()
        await socket.send_str('{"op": 1, "d": null}')
        assert (await socket.receive_json())["op"] == 11
        sandbox.faults.ignore_heartbeats()
        await socket.send_str('{"op": 1, "d": null}')
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.1)


async def test_silent_client_is_closed_with_4009() -> None:
    async with (
        Sandbox(heartbeat_interval=0.05) as sandbox,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        async for _ in socket:
            pass
        assert socket.close_code == 4009


async def test_members_come_in_chunks(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    guild.fill_members(sandbox.world.add_user(f"member-{number}") for number in range(1_500))
    found = client.get_guild(guild.id)
    assert found is not None
    members = await found.chunk()
    assert len(members) == 1_502
    assert client.seen.count("GUILD_MEMBERS_CHUNK") == 2
    queried = await found.query_members("member-14", limit=5)
    assert len(queried) == 5


async def test_members_are_queried_by_id(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    ada = sandbox.join(guild, "ada")
    found = client.get_guild(guild.id)
    assert found is not None
    members = await found.query_members(user_ids=[ada.id, 1])
    assert [member.id for member in members] == [ada.id]


async def test_content_is_blank_without_the_intent(wire: Sandbox, guild: Guild) -> None:
    intents = discord.Intents.default()
    contents: list[str] = []
    client = Client(intents=intents)

    @client.listen()
    async def on_message(message: discord.Message) -> None:
        contents.append(message.content)

    async with connected(wire, client):
        ada = wire.join(guild, "ada")
        ada.send(guild.channel("general"), "secret")
        ada.send(guild.channel("general"), f"{wire.application.user.mention} hello")
        ada.send_dm("direct")
        await client.until("MESSAGE_CREATE", times=3)
        await asyncio.sleep(0)
    assert contents == ["", f"{wire.application.user.mention} hello", "direct"]
    assert "GUILD_MEMBER_ADD" not in client.seen


async def test_hidden_channels_stay_hidden(wire: Sandbox) -> None:
    guild = wire.add_guild("Quiet", channels=("open", "closed"), permissions=1 << 10 | 1 << 11)
    guild.channel("closed").set_overwrite(guild.id, 0, deny=1 << 10)
    async with connected(wire, Client()) as client:
        owner = wire.actor(wire.world.users[guild.owner_id], guild)
        owner.send(guild.channel("closed"), "not for bots")
        owner.send(guild.channel("open"), "for all")
        await client.until("MESSAGE_CREATE")
    assert client.seen.count("MESSAGE_CREATE") == 1


async def test_new_guild_arrives_and_leaves(client: Client, sandbox: Sandbox) -> None:
    other = sandbox.add_guild("Lighthouse")
    await client.until("GUILD_CREATE", times=2)
    assert client.get_guild(other.id) is not None
    other.remove_member(sandbox.application.user.id)
    await client.until("GUILD_DELETE")
    assert client.get_guild(other.id) is None


async def test_refused_connection_is_answered_with_503(sandbox: Sandbox) -> None:
    sandbox.faults.refuse_connections(30)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as failure:
            await session.ws_connect(f"{sandbox.gateway_url}?v=10")
    assert failure.value.status == 503


async def test_shards_share_the_guilds(sandbox: Sandbox) -> None:
    guilds = [sandbox.add_guild(f"Guild {number}") for number in range(8)]
    covered: set[int] = set()
    for shard_id in range(2):
        identify = {"token": sandbox.token, "intents": 1, "shard": [shard_id, 2]}
        ready = await _ready(sandbox, identify)
        ids = {int(guild["id"]) for guild in ready["guilds"]}
        assert all((guild_id >> 22) % 2 == shard_id for guild_id in ids)
        covered |= ids
    assert covered == {guild.id for guild in guilds}


async def _ready(sandbox: Sandbox, identify: dict[str, object]) -> dict[str, list[dict[str, str]]]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        await socket.receive()
        await socket.send_json({"op": 2, "d": identify})
        return (await socket.receive_json())["d"]


async def _close_code(sandbox: Sandbox, data: dict[str, object], *, op: int = 2) -> int | None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10") as socket,
    ):
        await socket.receive()
        await socket.send_json({"op": op, "d": data})
        await socket.receive()
        return socket.close_code


async def test_resume_beyond_the_replay_buffer_starts_anew(wire: Sandbox, guild: Guild) -> None:
    wire.gateway.replay_limit = 3
    async with connected(wire, Client()) as client:
        wire.faults.refuse_connections(30)
        wire.faults.drop()
        for number in range(5):
            guild.channel("general").add_message(wire.world.users[guild.owner_id], str(number))
        wire.faults.clear()
        await client.until("READY", times=2)


async def test_voice_states_are_announced(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    lounge = guild.add_channel("lounge", ChannelType.VOICE)
    ada = sandbox.join(guild, "ada")
    ada.join_voice(lounge)
    await client.until("VOICE_STATE_UPDATE")
    found = client.get_channel(lounge.id)
    assert isinstance(found, discord.VoiceChannel)
    assert list(found.voice_states) == [ada.id]
    ada.leave_voice()
    await client.until("VOICE_STATE_UPDATE", times=2)
    assert not found.voice_states
