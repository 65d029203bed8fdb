"""What Pegasus uses of discord.py's private parts still is what it was written against.

A failure here after an update of discord.py means: read the named module of Pegasus again.
"""

from __future__ import annotations

import inspect
import re

import discord
import pytest
from discord import gateway, shard
from discord.ext import commands

MESSAGE_EVENTS = ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"]

# The library's own: bot.reconnects puts another into its place once a bot is made.
SHARD = next(one for one in shard.Shard.__mro__ if one.__module__ == shard.__name__)


@pytest.fixture
def client() -> commands.AutoShardedBot:
    return commands.AutoShardedBot("!", intents=discord.Intents.none())


def test_discord_py_is_the_pinned_version() -> None:
    assert discord.__version__ == "2.7.1"


@pytest.mark.parametrize("event", MESSAGE_EVENTS)
def test_the_parser_table_holds_the_message_parsers(
    client: commands.AutoShardedBot, event: str
) -> None:
    # bot.intake replaces these entries.
    parser = client._connection.parsers[event]
    assert list(inspect.signature(parser).parameters) == ["data"]


def test_every_parser_takes_the_payload_alone(client: commands.AutoShardedBot) -> None:
    # bot.intake wraps every entry in a function of one argument.
    for event, parser in client._connection.parsers.items():
        assert len(inspect.signature(parser).parameters) == 1, event


def test_the_gateway_looks_every_event_up_in_that_same_table() -> None:
    opened = inspect.getsource(gateway.DiscordWebSocket.from_client)
    received = inspect.getsource(gateway.DiscordWebSocket.received_message)
    assert "ws._discord_parsers = client._connection.parsers" in opened
    assert "func = self._discord_parsers[event]" in received
    assert "func(data)" in received


async def test_the_store_of_views_is_asked_as_it_asks_itself(
    client: commands.AutoShardedBot,
) -> None:
    # bot.unhandled looks there for what a press will find.
    store = client._connection._view_store
    view = discord.ui.View(timeout=None)
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(custom_id="thing:1")
    store.add_view(view.add_item(button), message_id=7)
    assert store._views == {7: {(2, "thing:1"): button}}
    asked = inspect.getsource(type(store).dispatch_view)
    assert "self._views.get(message_id, {}).get(key)" in asked
    assert "self._views.get(None, {}).get(key)" in asked
    assert "self._dynamic_items.items()" in inspect.getsource(type(store).dispatch_dynamic_items)
    assert "self._modals.get(custom_id)" in inspect.getsource(type(store).dispatch_modal)


def test_an_item_is_told_its_view() -> None:
    # bot.panels keeps the components of an earlier drawing alive until the next is shown.
    view = discord.ui.LayoutView()
    button: discord.ui.Button[discord.ui.LayoutView] = discord.ui.Button()
    row: discord.ui.ActionRow[discord.ui.LayoutView] = discord.ui.ActionRow(button)
    row._update_view(view)
    assert button.view is view


def test_a_reconnect_leaves_the_table_alone(client: commands.AutoShardedBot) -> None:
    table = client._connection.parsers
    client._connection.parsers["MESSAGE_CREATE"] = mark = lambda _: None
    client._connection.clear()
    assert client._connection.parsers is table
    assert table["MESSAGE_CREATE"] is mark


def test_waiting_checks_are_listed_by_event(client: commands.AutoShardedBot) -> None:
    # bot.intake looks there for whoever waits for a message.
    assert client._listeners == {}
    source = inspect.getsource(discord.Client.wait_for)
    assert re.search(r"listeners = self\._listeners\[ev\]", source)


def test_the_librarys_own_message_handler_only_looks_for_commands() -> None:
    # bot.intake takes it for no listener.
    source = inspect.getsource(commands.AutoShardedBot.on_message)
    assert source.split("\n", 1)[1].strip() == "await self.process_commands(message)"


async def test_a_shard_leads_to_its_last_heartbeat_ack() -> None:
    # bot.state reads shard._parent.ws._keep_alive._last_ack, a time.perf_counter().
    assert "_parent" in discord.ShardInfo.__slots__
    assert "self.ws" in inspect.getsource(SHARD.__init__)
    assert "self._keep_alive" in inspect.getsource(gateway.DiscordWebSocket.__init__)
    acknowledge = inspect.getsource(gateway.KeepAliveHandler.ack)
    assert "ack_time = time.perf_counter()" in acknowledge
    assert "self._last_ack = ack_time" in acknowledge


def test_a_session_waits_for_its_turn_within_identify_and_a_beat_is_measured_from_then() -> None:
    # bot.websocket measures the latency anew after the wait.
    assert "before_identify" in inspect.getsource(gateway.DiscordWebSocket.identify)
    assert "self._last_send = " in inspect.getsource(gateway.KeepAliveHandler.beat)


def test_the_websocket_drops_its_heartbeat_when_it_closes() -> None:
    # bot.state then has no age to tell.
    assert "self._keep_alive = None" in inspect.getsource(gateway.DiscordWebSocket.poll_event)


def test_a_shard_waits_as_its_backoff_says_and_is_made_of_the_class_that_the_module_names() -> None:
    # bot.reconnects puts its own there, and shortens what both log.
    lost = inspect.getsource(SHARD._handle_disconnect)
    assert "retry = self._backoff.delay()" in lost
    assert "_log.error(" in lost
    assert "self._handle_disconnect(e)" in inspect.getsource(SHARD.worker)
    launched = inspect.getsource(shard.AutoShardedClient.launch_shard)
    assert "= Shard(ws, self, self.__queue.put_nowait)" in launched
    assert shard._log.name == shard.__name__


def test_every_shard_opens_the_class_that_the_module_names() -> None:
    # bot.websocket puts its own there.
    for opens in (
        shard.AutoShardedClient.launch_shard,
        shard.Shard.reidentify,
        shard.Shard.reconnect,
    ):
        assert "DiscordWebSocket.from_client(" in inspect.getsource(opens)
    assert "ws = cls(socket, loop=client.loop)" in inspect.getsource(
        gateway.DiscordWebSocket.from_client
    )


def test_the_websocket_takes_text_as_it_is_and_is_steered_by_what_it_raises() -> None:
    # bot.websocket unpacks first, and raises these to resume or to begin another session.
    received = inspect.getsource(gateway.DiscordWebSocket.received_message)
    assert (
        "if type(msg) is bytes:\n            msg = self._decompressor.decompress(msg)" in received
    )
    assert "self.sequence = seq" in received
    worker = inspect.getsource(SHARD.worker)
    assert worker.index("ReconnectWebSocket") < worker.index("self._handled_exceptions")
    assert "OSError" in inspect.getsource(SHARD.__init__)
