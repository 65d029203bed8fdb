"""The live view over discord.py's cache, filled by real payloads and asked through the protocol."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord.ext import commands

from bot.core.contracts import BotCounts, BotState, GatewayStatus, ShardStatus
from bot.core.health.rules import Limits, Verdict, judge_gateway
from bot.state import DiscordState, names_of
from tests import gateway_payloads as payloads
from tests.fakes import FakeClock

P = discord.Permissions
BOT_ROLE, HIGH_ROLE, LOW_ROLE, OTHER_BOT_ROLE = 501, 502, 503, 504
NEWS, VOICE, FORUM, CATEGORY, THREAD, INSIDE = 201, 202, 203, 204, 205, 206


def guild_payload() -> dict[str, Any]:
    send = P(view_channel=True, send_messages=True, manage_roles=True)
    return payloads.guild(
        roles=[
            payloads.role(payloads.GUILD_ID, "@everyone", position=0, permissions=P.text().value),
            payloads.role(BOT_ROLE, "Pegasus", position=2, permissions=send.value, managed=True),
            payloads.role(HIGH_ROLE, "Boss", position=4),
            payloads.role(LOW_ROLE, "Fan", position=1, colour=0xFF8800),
            payloads.role(OTHER_BOT_ROLE, "Other", position=1, managed=True),
        ],
        channels=[
            payloads.channel(CATEGORY, "Community", kind=4, position=0),
            payloads.channel(VOICE, "talk", kind=2, position=1, bitrate=64_000, user_limit=0),
            payloads.channel(
                payloads.CHANNEL_ID,
                "general",
                position=3,
                permission_overwrites=[
                    {"id": str(BOT_ROLE), "type": 0, "allow": "0", "deny": str(1 << 11)}
                ],
            ),
            payloads.channel(NEWS, "news", kind=5, position=2, parent_id=str(CATEGORY)),
            payloads.channel(FORUM, "help", kind=15, position=1, parent_id=str(CATEGORY)),
        ],
        threads=[payloads.thread(THREAD, "talk about it", parent_id=payloads.CHANNEL_ID)],
        members=[payloads.member(payloads.BOT_ID, (BOT_ROLE,), bot=True)],
        member_count=40,
    )


class Shards:
    """Stands where discord.py keeps its connections; the sandbox tests the real ones."""

    def __init__(self) -> None:
        self.open = {0: True, 1: True}
        self.latency = 0.04
        self.acknowledged_at = time.perf_counter()

    def get(self, shard_id: int) -> Any:
        if shard_id not in self.open:
            return None
        heartbeat = SimpleNamespace(_last_ack=self.acknowledged_at)
        return SimpleNamespace(
            is_closed=lambda: not self.open[shard_id],
            latency=self.latency,
            _parent=SimpleNamespace(ws=SimpleNamespace(_keep_alive=heartbeat)),
        )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client() -> AsyncIterator[commands.AutoShardedBot]:
    client = commands.AutoShardedBot(
        "!",
        intents=discord.Intents.all(),
        chunk_guilds_at_startup=False,
        member_cache_flags=discord.MemberCacheFlags.none(),
        max_messages=None,
        shard_ids=[0, 1],
        shard_count=2,
    )
    async with client:
        connection = client._connection
        connection.user = discord.ClientUser(
            state=connection, data=payloads.user(payloads.BOT_ID, bot=True)
        )
        connection.parsers["GUILD_CREATE"](guild_payload())
        yield client


@pytest.fixture
def state(client: commands.AutoShardedBot, clock: FakeClock) -> DiscordState:
    return DiscordState(client, clock, lambda: 1.5)


@pytest.fixture
def shards(client: commands.AutoShardedBot, monkeypatch: pytest.MonkeyPatch) -> Shards:
    shards = Shards()
    monkeypatch.setattr(client, "get_shard", shards.get)
    return shards


async def tell(client: commands.AutoShardedBot, event: str, *arguments: Any) -> None:
    client.dispatch(event, *arguments)
    await asyncio.sleep(0)


def test_the_state_answers_the_whole_protocol(state: DiscordState) -> None:
    asked: BotState = state
    assert all(hasattr(asked, name) for name in vars(BotState) if not name.startswith("_"))


async def test_gateway_before_the_first_connection_counts_the_time_since_start(
    state: DiscordState, clock: FakeClock
) -> None:
    clock.advance(7)
    status = state.gateway()
    assert not status.first_ready
    assert status.shards == (
        ShardStatus(0, connected=False, disconnected_for=7),
        ShardStatus(1, connected=False, disconnected_for=7),
    )


async def test_gateway_tells_of_each_open_connection(
    client: commands.AutoShardedBot, state: DiscordState, shards: Shards
) -> None:
    shards.acknowledged_at -= 12
    for shard_id in (0, 1):
        await tell(client, "shard_connect", shard_id)
    await tell(client, "ready")

    status = state.gateway()

    assert status.first_ready
    assert status.last_event_age == 1.5
    assert [shard.connected for shard in status.shards] == [True, True]
    assert status.shards[0].latency == 0.04
    assert status.shards[0].ack_age == pytest.approx(12, abs=1)


async def test_gateway_of_the_next_client_goes_on_where_the_last_one_ended(
    client: commands.AutoShardedBot, clock: FakeClock
) -> None:
    clock.advance(100)
    earlier = GatewayStatus(
        shards=(ShardStatus(0, connected=True), ShardStatus(1, False, disconnected_for=20)),
        first_ready=True,
        identify_remaining=7,
    )
    unknown = commands.AutoShardedBot("!", intents=discord.Intents.none())
    for following in (client, unknown):
        state = DiscordState(following, clock, earlier=earlier)
        clock.advance(5)
        status = state.gateway()
        assert status.first_ready
        assert status.identify_remaining == 7
        assert [(shard.id, shard.disconnected_for) for shard in status.shards] == [(0, 5), (1, 25)]


async def test_gateway_hands_on_a_latency_that_is_not_measured_for_health_to_judge(
    client: commands.AutoShardedBot, state: DiscordState, shards: Shards
) -> None:
    shards.latency, shards.acknowledged_at = math.inf, time.perf_counter() - 20
    await tell(client, "shard_connect", 0)
    status = state.gateway().shards[0]
    assert status.latency == math.inf
    checks = judge_gateway(GatewayStatus((status,), first_ready=True), Limits())
    assert checks.verdict is Verdict.DEGRADED


async def test_gateway_with_an_open_socket_but_no_session_is_not_connected(
    client: commands.AutoShardedBot, state: DiscordState, shards: Shards, clock: FakeClock
) -> None:
    clock.advance(4)
    assert state.gateway().shards[0] == ShardStatus(0, connected=False, disconnected_for=4)
    await tell(client, "shard_connect", 0)
    assert state.gateway().shards[0].connected

    # The next socket is open, but Discord does not answer the attempt to resume.
    await tell(client, "shard_disconnect", 0)
    clock.advance(30)
    assert state.gateway().shards[0] == ShardStatus(0, connected=False, disconnected_for=30)
    await tell(client, "shard_resumed", 0)
    assert state.gateway().shards[0].connected


async def test_gateway_counts_an_outage_from_the_disconnect(
    client: commands.AutoShardedBot, state: DiscordState, shards: Shards, clock: FakeClock
) -> None:
    await tell(client, "shard_connect", 1)
    clock.advance(100)
    shards.open[1] = False
    await tell(client, "shard_disconnect", 1)
    clock.advance(20)
    await tell(client, "shard_disconnect", 1)
    clock.advance(5)

    lost = state.gateway().shards[1]
    assert (lost.connected, lost.disconnected_for, lost.latency) == (False, 25, None)

    shards.open[1] = True
    await tell(client, "shard_resumed", 1)
    assert state.gateway().shards[1].connected
    shards.open[1] = False
    await tell(client, "shard_disconnect", 1)
    clock.advance(2)
    assert state.gateway().shards[1].disconnected_for == 2


async def test_gateway_counts_a_closed_socket_from_now_until_the_disconnect_is_told(
    client: commands.AutoShardedBot, state: DiscordState, shards: Shards, clock: FakeClock
) -> None:
    await tell(client, "shard_connect", 0)
    clock.advance(3600)
    shards.open[0] = False
    assert state.gateway().shards[0].disconnected_for == 0
    clock.advance(3)
    await tell(client, "shard_disconnect", 0)
    assert state.gateway().shards[0].disconnected_for == 3


def test_gateway_remembers_sessions_left(state: DiscordState) -> None:
    assert state.gateway().identify_remaining is None
    state.set_identify_remaining(1)
    assert state.gateway().identify_remaining == 1


def test_counts_sum_guilds_and_are_kept_for_a_second(
    client: commands.AutoShardedBot, state: DiscordState, clock: FakeClock
) -> None:
    kinds = {"text": 1, "voice": 1, "news": 1, "forum": 1, "category": 1}
    assert state.counts() == BotCounts(guilds=1, users=40, channels=kinds)

    parsers = client._connection.parsers
    parsers["GUILD_CREATE"](payloads.guild(101, member_count=60))
    parsers["GUILD_DELETE"]({"id": "101", "unavailable": True})
    assert state.counts().guilds == 1
    clock.advance(1)
    assert state.counts() == BotCounts(2, 1, 100, kinds | {"text": 2})


def test_guild_tells_what_the_bot_may_do(state: DiscordState) -> None:
    guild = state.guild(payloads.GUILD_ID)
    assert guild is not None
    assert (guild.name, guild.owner_id, guild.member_count) == ("Guild", payloads.OWNER_ID, 40)
    assert guild.locale == "es-ES"
    assert {"manage_roles", "send_messages"} <= guild.bot_permissions
    assert "ban_members" not in guild.bot_permissions
    assert [one.id for one in state.guilds()] == [payloads.GUILD_ID]


def test_guild_that_is_not_there_is_none_everywhere(state: DiscordState) -> None:
    assert state.guild(9) is None
    assert list(state.channels(9)) == list(state.roles(9)) == []
    assert state.channel(9, 1) is state.role(9, 1) is state.member(9, 1) is state.me(9) is None


def test_an_unavailable_guild_is_left_out_of_the_list(
    client: commands.AutoShardedBot, state: DiscordState
) -> None:
    client._connection.parsers["GUILD_DELETE"]({"id": str(payloads.GUILD_ID), "unavailable": True})
    assert state.guilds() == []


def test_channels_stand_in_the_clients_order(state: DiscordState) -> None:
    shown = [(one.name, one.kind, one.parent_id) for one in state.channels(payloads.GUILD_ID)]
    assert shown == [
        ("general", "text", None),
        ("talk", "voice", None),
        ("Community", "category", None),
        ("help", "forum", CATEGORY),
        ("news", "news", CATEGORY),
    ]


def test_channel_permissions_follow_the_overwrites(state: DiscordState) -> None:
    general = state.channel(payloads.GUILD_ID, payloads.CHANNEL_ID)
    news = state.channel(payloads.GUILD_ID, NEWS)
    assert general is not None
    assert news is not None
    assert "send_messages" not in general.bot_permissions
    assert {"view_channel", "read_messages"} <= general.bot_permissions
    assert "send_messages" in news.bot_permissions


def test_in_a_thread_its_own_sending_permission_counts(state: DiscordState) -> None:
    thread = state.channel(payloads.GUILD_ID, THREAD)
    assert thread is not None
    assert (thread.kind, thread.parent_id) == ("thread", payloads.CHANNEL_ID)
    assert "send_messages" in thread.bot_permissions


def test_a_thread_whose_parent_is_unknown_grants_nothing(
    client: commands.AutoShardedBot, state: DiscordState
) -> None:
    client._connection.parsers["THREAD_CREATE"](payloads.thread(INSIDE, "lost", parent_id=999))
    thread = state.channel(payloads.GUILD_ID, INSIDE)
    assert thread is not None
    assert thread.bot_permissions == frozenset()


def test_roles_are_highest_first_and_say_which_the_bot_may_give(state: DiscordState) -> None:
    roles = [(one.name, one.assignable) for one in state.roles(payloads.GUILD_ID)]
    assert roles == [("Boss", False), ("Pegasus", False), ("Fan", True), ("Other", False)]
    fan = state.role(payloads.GUILD_ID, LOW_ROLE)
    assert fan is not None
    assert (fan.colour, fan.position, fan.managed) == (0xFF8800, 1, False)


def test_no_role_is_assignable_without_the_permission(
    client: commands.AutoShardedBot, state: DiscordState
) -> None:
    client._connection.parsers["GUILD_ROLE_UPDATE"](
        {
            "guild_id": str(payloads.GUILD_ID),
            "role": payloads.role(BOT_ROLE, "Pegasus", position=2, permissions=0, managed=True),
        }
    )
    assert not any(role.assignable for role in state.roles(payloads.GUILD_ID))


def test_me_is_the_bots_membership(state: DiscordState) -> None:
    me = state.me(payloads.GUILD_ID)
    assert me is not None
    assert (me.id, me.top_role_position, me.is_bot) == (payloads.BOT_ID, 2, True)
    assert me.role_ids == {BOT_ROLE}
    assert me.joined_at is not None
    assert me.joined_at.tzinfo is not None
    assert state.member(payloads.GUILD_ID, payloads.PERSON_ID) is None


def test_permission_names_include_both_spellings_and_no_unset_one() -> None:
    assert names_of(P(view_channel=True).value) == {"view_channel", "read_messages"}
    assert names_of(0) == frozenset()
