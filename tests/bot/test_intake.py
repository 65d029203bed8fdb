"""The intake between discord.py's gateway and its listeners, on the fast lane and the ordinary way.

The client is a real one without a connection: payloads go in where the gateway would put them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
import pytest
from discord.ext import commands
from structlog.testing import capture_logs

from bot.core.contracts import MessageFacts
from bot.core.messages import MessagesDeleted, Verdict
from bot.core.supervisor import TaskSupervisor
from bot.intake import Intake
from tests import gateway_payloads as payloads
from tests.fakes import FakeClock

REJECT = Verdict(accepted=False)


class Gateway:
    """A client with an intake, and the way in for payloads."""

    def __init__(self, client: commands.AutoShardedBot, intake: Intake, clock: FakeClock) -> None:
        self.client = client
        self.intake = intake
        self.clock = clock
        self.heard: list[str] = []

    def send(self, event: str, payload: Any) -> None:
        self.client._connection.parsers[event](payload)

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    def listen(self, event: str = "on_message") -> Callable[..., Any]:
        async def listener(*arguments: Any) -> None:
            self.heard.append(getattr(arguments[0], "content", event))

        self.client.add_listener(listener, event)
        return listener


async def open_gateway(
    *, fast_lane: bool, prefix: Any = commands.when_mentioned, **options: Any
) -> AsyncIterator[Gateway]:
    intents = discord.Intents.all()
    client = commands.AutoShardedBot(
        command_prefix=prefix,
        intents=intents,
        help_command=None,
        chunk_guilds_at_startup=False,
        member_cache_flags=discord.MemberCacheFlags.none(),
        **{"max_messages": None} | options,
    )
    clock, supervisor = FakeClock(), TaskSupervisor()
    intake = Intake(clock, supervisor.spawn, fast_lane=fast_lane)
    gateway = Gateway(client, intake, clock)
    async with client:
        client._connection.user = discord.ClientUser(
            state=client._connection, data=payloads.user(payloads.BOT_ID, bot=True)
        )
        intake.attach(client)
        gateway.send("GUILD_CREATE", payloads.guild())
        yield gateway
        await supervisor.stop()


@pytest.fixture(params=[True, False], ids=["fast lane", "ordinary way"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    async for opened in open_gateway(fast_lane=request.param):
        yield opened


@pytest.fixture
async def fast(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    async for opened in open_gateway(fast_lane=True, **getattr(request, "param", {})):
        yield opened


async def test_an_accepted_message_reaches_observers_then_listeners(gateway: Gateway) -> None:
    gateway.listen()
    gateway.intake.add_observer("levels", lambda facts: gateway.heard.append("observer"))
    gateway.intake.add_gate("automod", lambda facts: gateway.heard.append("gate"), order=10)

    gateway.send("MESSAGE_CREATE", payloads.message("hello"))
    assert gateway.heard == ["gate", "observer"]
    await gateway.settle()
    assert gateway.heard == ["gate", "observer", "hello"]


async def test_a_rejected_message_reaches_neither_observer_nor_listener_nor_waiting_check(
    gateway: Gateway,
) -> None:
    gateway.listen()
    gateway.intake.add_gate("automod", lambda _: REJECT, order=10)
    gateway.intake.add_observer("levels", lambda _: gateway.heard.append("observer"))
    waiting = asyncio.ensure_future(gateway.client.wait_for("message"))
    await gateway.settle()

    gateway.send("MESSAGE_CREATE", payloads.message("spam"))
    await gateway.settle()

    assert gateway.heard == []
    assert not waiting.done()
    assert gateway.intake.snapshot().rejected == {"automod": 1}
    waiting.cancel()


async def test_a_rejected_edit_reaches_no_listener(gateway: Gateway) -> None:
    gateway.listen("on_raw_message_edit")
    edits: list[bool] = []

    def gate(facts: MessageFacts) -> Verdict | None:
        edits.append(facts.edited)
        return REJECT if facts.content == "spam" else None

    gateway.intake.add_gate("automod", gate, order=10)
    gateway.send("MESSAGE_UPDATE", payloads.edit("spam"))
    gateway.send("MESSAGE_UPDATE", payloads.edit("fine"))
    await gateway.settle()

    assert edits == [True, True]
    assert gateway.heard == ["on_raw_message_edit"]


async def test_an_effect_runs_as_a_supervised_task(gateway: Gateway) -> None:
    done = asyncio.Event()

    async def effect() -> None:
        done.set()

    gateway.intake.add_gate("automod", lambda _: Verdict(accepted=False, effect=effect), order=10)
    gateway.send("MESSAGE_CREATE", payloads.message())
    await asyncio.wait_for(done.wait(), 30)
    assert gateway.intake.snapshot().effects == 1


async def test_a_failing_gate_lets_the_message_pass(gateway: Gateway) -> None:
    gateway.listen()

    def broken(_: MessageFacts) -> Verdict | None:
        raise RuntimeError("bug")

    gateway.intake.add_gate("automod", broken, order=10)
    gateway.send("MESSAGE_CREATE", payloads.message("hello"))
    await gateway.settle()

    assert gateway.heard == ["hello"]
    assert gateway.intake.snapshot().failures == {"automod": 1}


async def test_direct_messages_are_offered_in_order_until_one_takes_them(gateway: Gateway) -> None:
    offered: list[str] = []

    def taker(name: str, *, takes: bool) -> Callable[[Any], bool]:
        return lambda payload: offered.append(f"{name}: {payload['content']}") or takes

    gateway.intake.take_directs("hint", taker("hint", takes=True), order=9)
    gateway.intake.take_directs("mail", taker("mail", takes=False))
    gateway.send("MESSAGE_CREATE", payloads.direct_message("one"))
    gateway.intake.take_directs("mail", taker("mail", takes=True))
    gateway.send("MESSAGE_CREATE", payloads.direct_message("two"))
    gateway.send("MESSAGE_CREATE", payloads.message("in a guild"))
    own = payloads.direct_message("by a bot")
    gateway.send("MESSAGE_CREATE", own | {"author": own["author"] | {"bot": True}})
    gateway.send("MESSAGE_CREATE", payloads.direct_message("pinned") | {"type": 6})
    assert offered == ["mail: one", "hint: one", "mail: two"]


async def test_direct_handler_that_fails_leaves_the_message_to_the_next(gateway: Gateway) -> None:
    offered: list[str] = []

    def fail(_: Any) -> bool:
        raise ValueError("odd")

    gateway.intake.take_directs("mail", fail)
    gateway.intake.take_directs("hint", lambda one: offered.append(one["content"]) or True, order=1)
    gateway.send("MESSAGE_CREATE", payloads.direct_message("psst"))
    assert offered == ["psst"]
    assert gateway.intake.snapshot().failures == {"mail": 1}


async def test_direct_and_system_messages_pass_unjudged(gateway: Gateway) -> None:
    gateway.listen()
    gateway.intake.add_gate("automod", lambda _: REJECT, order=10, bots=True)

    gateway.send("MESSAGE_CREATE", payloads.direct_message("psst"))
    gateway.send("MESSAGE_CREATE", payloads.message("pinned", type=6))
    await gateway.settle()

    assert gateway.heard == ["psst", "pinned"]


async def test_the_bots_own_messages_are_never_judged(gateway: Gateway) -> None:
    gateway.listen()
    gateway.intake.add_gate("automod", lambda _: REJECT, order=10, bots=True)

    gateway.send("MESSAGE_CREATE", payloads.message("mine", author_id=payloads.BOT_ID, bot=True))
    gateway.send("MESSAGE_CREATE", payloads.message("theirs", author_id=12, bot=True))
    await gateway.settle()

    assert gateway.heard == ["mine"]


async def test_deletions_reach_observers_and_listeners(gateway: Gateway) -> None:
    deleted: list[MessagesDeleted] = []
    gateway.listen("on_raw_message_delete")
    gateway.intake.add_delete_observer("log", deleted.append)
    place = {"guild_id": str(payloads.GUILD_ID), "channel_id": str(payloads.CHANNEL_ID)}

    gateway.send("MESSAGE_DELETE", place | {"id": "5"})
    gateway.send("MESSAGE_DELETE_BULK", place | {"ids": ["6", "7"]})
    gateway.send("MESSAGE_DELETE", {"channel_id": "9", "id": "8"})
    await gateway.settle()

    assert [one.message_ids for one in deleted] == [(5,), (6, 7)]
    assert gateway.heard == ["on_raw_message_delete"] * 2


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("MESSAGE_CREATE", {}),
        ("MESSAGE_CREATE", None),
        ("MESSAGE_CREATE", {"guild_id": "1", "author": "nobody"}),
        ("MESSAGE_UPDATE", []),
        ("MESSAGE_DELETE", {"guild_id": "x"}),
        ("GUILD_CREATE", {"id": "no number"}),
        ("GUILD_MEMBER_ADD", None),
        ("INTERACTION_CREATE", {"type": 2}),
    ],
)
async def test_a_malformed_event_is_counted_logged_and_survived(
    gateway: Gateway, event: str, payload: Any
) -> None:
    gateway.listen()
    gateway.intake.add_gate("automod", lambda _: None, order=10)

    with capture_logs() as lines:
        gateway.send(event, payload)
    gateway.send("MESSAGE_CREATE", payloads.message("still here"))
    await gateway.settle()

    assert gateway.heard == ["still here"]
    assert gateway.intake.snapshot().malformed == {event: 1}
    assert [(line["event"], line["name"]) for line in lines] == [("gateway_event_malformed", event)]


async def test_a_malformed_ready_is_left_to_the_connection(gateway: Gateway) -> None:
    with pytest.raises(KeyError):
        gateway.send("READY", {})
    assert gateway.intake.snapshot().events["READY"] == 1
    assert gateway.intake.snapshot().malformed == {}


async def test_every_event_is_counted_and_dated(gateway: Gateway) -> None:
    gateway.clock.advance(5)
    assert gateway.intake.last_event_age() == 5

    gateway.send("MESSAGE_CREATE", payloads.message())
    gateway.send("TYPING_START", {"malformed": True})

    assert gateway.intake.last_event_age() == 0
    counted = gateway.intake.snapshot()
    heard = {event: count for event, count in counted.events.items() if count}
    assert heard == {"GUILD_CREATE": 1, "MESSAGE_CREATE": 1, "TYPING_START": 1}
    # Events that may come are counted from 0: a rise from nothing is no rise to Prometheus.
    assert counted.events["GUILD_BAN_ADD"] == 0
    assert (counted.messages, counted.edits) == (1, 0)


async def test_a_gateway_listener_sees_raw_payloads_and_can_not_stop_them(
    gateway: Gateway,
) -> None:
    seen: list[Any] = []

    def fail(payload: Any) -> None:
        raise KeyError("pending")

    gateway.listen()
    gateway.intake.listen("MESSAGE_CREATE", "failing", fail)
    gateway.intake.listen("MESSAGE_CREATE", "seeing", seen.append)
    gateway.intake.listen("GUILD_MEMBER_UPDATE", "other", seen.append)

    gateway.send("MESSAGE_CREATE", payloads.message("hello"))
    await gateway.settle()

    assert [payload["content"] for payload in seen] == ["hello"]
    assert gateway.heard == ["hello"]
    assert gateway.intake.snapshot().failures == {"failing": 1}


async def test_no_event_has_no_age() -> None:
    assert Intake(FakeClock(), TaskSupervisor().spawn).last_event_age() is None


async def test_attaching_to_the_same_client_twice_is_refused(gateway: Gateway) -> None:
    with pytest.raises(RuntimeError, match="attached"):
        gateway.intake.attach(gateway.client)


# -- the fast lane only: which messages discord.py has to build ------------------------------


async def test_a_message_that_nobody_wants_is_not_built(fast: Gateway) -> None:
    fast.intake.add_gate("automod", lambda _: None, order=10)

    fast.send("MESSAGE_CREATE", payloads.message())
    fast.send("MESSAGE_UPDATE", payloads.edit())

    assert fast.intake.snapshot().built == 0


async def test_the_ordinary_way_builds_every_accepted_message() -> None:
    async for ordinary in open_gateway(fast_lane=False, max_messages=10):
        ordinary.intake.add_gate(
            "automod", lambda facts: REJECT if facts.content == "spam" else None, order=10
        )
        for content in ("one", "spam", "two"):
            ordinary.send("MESSAGE_CREATE", payloads.message(content))

        assert ordinary.intake.snapshot().built == 2
        assert [message.content for message in ordinary.client.cached_messages] == ["one", "two"]


async def test_a_waiting_check_gets_its_message(fast: Gateway) -> None:
    waiting = asyncio.ensure_future(
        fast.client.wait_for("message", check=lambda message: message.content == "yes")
    )
    await fast.settle()

    fast.send("MESSAGE_CREATE", payloads.message("no"))
    fast.send("MESSAGE_CREATE", payloads.message("yes"))

    assert (await asyncio.wait_for(waiting, 30)).content == "yes"
    fast.send("MESSAGE_CREATE", payloads.message("again"))
    assert fast.intake.snapshot().built == 2


async def test_a_listener_that_leaves_is_no_longer_waited_on(fast: Gateway) -> None:
    listener = fast.listen()
    fast.send("MESSAGE_CREATE", payloads.message("one"))
    fast.client.remove_listener(listener, "on_message")
    fast.send("MESSAGE_CREATE", payloads.message("two"))

    assert fast.intake.snapshot().built == 1


async def test_a_clients_own_handler_gets_every_message(fast: Gateway) -> None:
    heard: list[str] = []

    @fast.client.event
    async def on_message(message: discord.Message) -> None:
        heard.append(message.content)

    fast.send("MESSAGE_CREATE", payloads.message("hello"))
    await fast.settle()
    assert heard == ["hello"]


async def test_a_want_has_the_messages_of_its_channels_built(fast: Gateway) -> None:
    transcribed = {payloads.CHANNEL_ID}
    fast.intake.want("transcripts", transcribed.__contains__)

    fast.send("MESSAGE_CREATE", payloads.message())
    fast.send("MESSAGE_CREATE", payloads.message(channel_id="999"))
    assert fast.intake.snapshot().built == 1

    fast.intake.unwant("transcripts")
    fast.send("MESSAGE_CREATE", payloads.message())
    assert fast.intake.snapshot().built == 1


@pytest.mark.parametrize(
    ("fast", "content", "built"),
    [
        ({}, f"<@{payloads.BOT_ID}> echo", 1),
        ({}, "echo", 0),
        ({"prefix": "!"}, "!echo", 1),
        ({"prefix": "!"}, "echo", 0),
        ({"prefix": ["?", "!"]}, "!echo", 1),
        ({"prefix": lambda *_: ["any"]}, "whatever", 1),
        ({"prefix": lambda *_: ["any"]}, "", 0),
    ],
    indirect=["fast"],
)
async def test_what_may_be_a_prefix_command_is_built(
    fast: Gateway, content: str, built: int
) -> None:
    @fast.client.command()
    async def echo(_: commands.Context[Any]) -> None:
        """Do nothing."""

    fast.send("MESSAGE_CREATE", payloads.message(content))
    assert fast.intake.snapshot().built == built
    await fast.settle()


@pytest.mark.parametrize(
    "payload",
    [payloads.direct_message(), payloads.message(bot=True), payloads.message(webhook_id="5")],
    ids=["direct message", "bot", "webhook"],
)
async def test_direct_messages_bots_and_webhooks_are_always_built(
    fast: Gateway, payload: dict[str, Any]
) -> None:
    fast.send("MESSAGE_CREATE", payload)
    assert fast.intake.snapshot().built == 1


@pytest.mark.parametrize("event", ["on_message_edit", "on_raw_message_edit"])
async def test_an_edit_listener_gets_edits_built(fast: Gateway, event: str) -> None:
    fast.listen(event)
    fast.send("MESSAGE_UPDATE", payloads.edit())
    fast.send("MESSAGE_UPDATE", {"id": "1", "channel_id": "2", "guild_id": "3", "embeds": []})
    assert fast.intake.snapshot().built == 2


@pytest.mark.parametrize("fast", [{"max_messages": 10}], indirect=True)
async def test_a_cached_message_is_kept_up_to_date(fast: Gateway) -> None:
    fast.send("MESSAGE_CREATE", payloads.message("before", bot=True))
    fast.send("MESSAGE_UPDATE", payloads.edit("after", bot=True))
    assert [message.content for message in fast.client.cached_messages] == ["after"]
