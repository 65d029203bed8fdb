from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core.clock import SystemClock
from bot.core.events import EventBus
from bot.core.outbox import (
    LEASE,
    NONCE_WINDOW,
    Delayed,
    Delivery,
    Entry,
    NotPermitted,
    OutboxFailed,
    OutboxParked,
    OutboxService,
    Undeliverable,
)
from bot.core.supervisor import TaskSupervisor
from db import outbox as table
from db.engine import Database
from db.leases import Shards
from tests.fakes import FakeClock

CHANNEL, OTHER, PERSON, GUILD = 100, 200, 300, 1 << 40


class FakeDiscord:
    """Keeps what was said, drops repeats by nonce for a while, and fails when told to."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.messages: list[tuple[int, Entry, datetime]] = []
        self.nonces: dict[str, tuple[int, datetime]] = {}
        self.answers: list[BaseException | None] = []
        self.after_sending: list[BaseException | None] = []
        self.searches = 0
        self.gate: dict[int | None, asyncio.Event] = {}
        self.arrived: list[int | None] = []

    async def deliver(self, entry: Entry) -> int | None:
        self.arrived.append(entry.channel_id)
        if gate := self.gate.get(entry.channel_id):
            await gate.wait()
        if self.answers and (answer := self.answers.pop(0)) is not None:
            raise answer
        now = self.clock.now()
        known = self.nonces.get(entry.nonce)
        if known is None or now - known[1] >= NONCE_WINDOW:
            known = (1000 + len(self.messages), now)
            self.nonces[entry.nonce] = known
            self.messages.append((known[0], entry, now))
        if self.after_sending and (answer := self.after_sending.pop(0)) is not None:
            raise answer
        return known[0]

    async def find_sent(self, entry: Entry, since: datetime) -> Sequence[int]:
        self.searches += 1
        return [
            message_id
            for message_id, sent, at in self.messages
            if sent.payload == entry.payload and sent.channel_id == entry.channel_id and at >= since
        ]

    @property
    def texts(self) -> list[Any]:
        return [entry.payload.get("content") for _, entry, _ in self.messages]


class World:
    def __init__(self, database: Database, clock: Any, discord: FakeDiscord, **options: Any):
        self.database = database
        self.clock = clock
        self.discord = discord
        self.bus = EventBus()
        self.events: list[Any] = []
        self.supervisor = TaskSupervisor()
        self.outbox = OutboxService(
            database, clock, self.supervisor, courier=discord, bus=self.bus, **options
        )
        for kind in (OutboxParked, OutboxFailed):
            self.bus.subscribe(kind, self._note)

    async def _note(self, event: Any) -> None:
        self.events.append(event)

    async def say(self, text: str, channel_id: int = CHANNEL, **options: Any) -> bool:
        key = options.pop("dedupe_key", text)
        return await self.send(
            Delivery.message(
                channel_id, {"content": text}, dedupe_key=key, guild_id=GUILD, **options
            )
        )

    async def send(self, delivery: Delivery) -> bool:
        async with self.database.write() as session:
            return await self.outbox.send(session, delivery)

    async def row(self, key: str) -> table.OutboxMessage:
        async with self.database.read() as session:
            row = await table.get_message(session, key)
        assert row is not None
        return row


@asynccontextmanager
async def make_world(database: Database, clock: Any, **options: Any) -> AsyncIterator[World]:
    discord = options.pop("discord", None) or FakeDiscord(clock)
    world = World(database, clock, discord, **options)
    try:
        yield world
    finally:
        await world.outbox.stop(0.0)
        await world.supervisor.stop(0.5)


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    async with make_world(database, clock) as world:
        yield world


async def test_delivery_is_sent_once_and_its_message_id_kept(world: World):
    assert await world.say("hello")
    assert not await world.say("hello")

    await world.outbox.run_due()
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]
    async with world.database.read() as session:
        assert await world.outbox.get_message_id(session, "hello") == 1000
        assert await world.outbox.get_message_id(session, "never said") is None


async def test_delivery_rolled_back_with_its_transaction_is_not_sent(world: World):
    delivery = Delivery.message(CHANNEL, {"content": "no"}, dedupe_key="no")

    async def change_mind() -> None:
        async with world.database.write() as session:
            await world.outbox.send(session, delivery)
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_mind()

    await world.outbox.run_due()

    assert world.discord.messages == []


async def test_messages_of_a_channel_keep_their_order_while_the_first_fails(world: World):
    world.discord.answers = [Delayed("discord_error")]
    for text in ("first", "second", "third"):
        await world.say(text)
    await world.say("elsewhere", OTHER)

    await world.outbox.run_due()
    assert world.discord.texts == ["elsewhere"]
    world.clock.advance(10)
    await world.outbox.run_due()

    assert world.discord.texts == ["elsewhere", "first", "second", "third"]


async def test_blocked_messages_do_not_keep_the_loop_busy(world: World):
    world.discord.answers = [Delayed("discord_error", after=timedelta(hours=1))]
    await world.say("first")
    await world.say("second")
    await world.outbox.run_due()

    async with world.database.read() as session:
        due_at = await table.get_next_due(session)

    assert due_at == world.clock.now() + timedelta(hours=1)


async def test_direct_messages_keep_their_order_for_each_person(world: World):
    world.discord.answers = [Delayed("discord_error")]
    for text in ("first", "second"):
        await world.send(Delivery.direct(PERSON, {"content": text}, dedupe_key=text))
    await world.send(Delivery.direct(PERSON + 1, {"content": "to another"}, dedupe_key="x"))

    await world.outbox.run_due()
    assert world.discord.texts == ["to another"]
    world.clock.advance(10)
    await world.outbox.run_due()
    assert world.discord.texts == ["to another", "first", "second"]


async def test_channels_do_not_wait_for_each_other(world: World):
    world.discord.gate[CHANNEL] = asyncio.Event()
    await world.say("slow")
    await world.say("quick", OTHER)

    running = asyncio.create_task(world.outbox.run_due())
    async with asyncio.timeout(5):
        while world.discord.texts != ["quick"]:
            await asyncio.sleep(0.005)
    world.discord.gate[CHANNEL].set()
    await running

    assert world.discord.texts == ["quick", "slow"]


async def test_concurrency_is_bounded(database: Database, clock: FakeClock):
    async with make_world(database, clock, concurrency=3) as world:
        gate = asyncio.Event()
        for channel_id in range(1, 11):
            world.discord.gate[channel_id] = gate
            await world.say(f"to {channel_id}", channel_id)

        running = asyncio.create_task(world.outbox.run_due())
        async with asyncio.timeout(5):
            while len(world.discord.arrived) < 3:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(world.discord.arrived) == 3
        gate.set()
        await running

        assert len(world.discord.messages) == 10


async def test_missing_permission_parks_reports_and_resumes_in_order(world: World):
    world.discord.answers = [NotPermitted("missing_permissions")]
    await world.say("first")
    await world.say("second")
    await world.outbox.run_due()
    world.clock.advance(timedelta(days=2))
    await world.outbox.run_due()

    assert world.discord.messages == []
    [event] = world.events
    assert isinstance(event, OutboxParked)
    assert (event.guild_id, event.channel_id) == (GUILD, CHANNEL)
    assert event.reason == "missing_permissions"

    assert await world.outbox.resume_parked(guild_id=GUILD + 1) == 0
    assert await world.outbox.resume_parked(guild_id=GUILD) == 1
    await world.outbox.run_due()
    assert world.discord.texts == ["first", "second"]


async def test_undeliverable_message_fails_with_an_event_and_frees_its_channel(world: World):
    world.discord.answers = [Undeliverable("invalid_payload", "content is too long")]
    await world.say("bad")
    await world.say("good")
    await world.outbox.run_due()

    assert world.discord.texts == ["good"]
    [event] = world.events
    assert isinstance(event, OutboxFailed)
    assert (event.dedupe_key, event.reason) == ("bad", "invalid_payload")
    assert (await world.row("bad")).last_error == "invalid_payload: content is too long"


async def test_courier_that_breaks_is_tried_again(world: World):
    world.discord.answers = [TypeError("a mistake")]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(10)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]


async def test_outage_is_outlasted_for_a_day(world: World):
    await world.say("hello")
    for _ in range(400):
        world.discord.answers = [Delayed("connection", maybe_sent=True)]
        await world.outbox.run_due()
        if world.events:
            break
        world.clock.advance(timedelta(minutes=13))

    assert world.events[0].reason == "too_old"
    assert (await world.row("hello")).attempts > 20


async def test_stale_message_is_dropped(world: World):
    await world.say("welcome!", expires_at=world.clock.now() + timedelta(minutes=5))
    world.clock.advance(timedelta(minutes=6))
    await world.outbox.run_due()

    assert world.discord.messages == []
    assert world.events[0].reason == "expired"


async def test_cancelled_message_is_not_sent(world: World):
    await world.say("oops")
    async with world.database.write() as session:
        assert await world.outbox.cancel(session, "oops")
    await world.outbox.run_due()

    assert world.discord.messages == []


async def test_edit_finds_the_message_that_an_earlier_delivery_became(world: World):
    await world.say("draft")
    await world.send(
        Delivery.edit(CHANNEL, "draft", {"content": "final"}, dedupe_key="draft:final")
    )
    await world.send(Delivery.delete(CHANNEL, "draft", dedupe_key="draft:gone"))
    await world.outbox.run_due()

    targets = [entry.message_id for _, entry, _ in world.discord.messages]
    assert targets == [None, 1000, 1000]


async def test_edit_of_what_was_never_sent_fails(world: World):
    world.discord.answers = [Undeliverable("channel_gone")]
    await world.say("draft")
    await world.send(
        Delivery.edit(CHANNEL, "draft", {"content": "final"}, dedupe_key="draft:final")
    )
    await world.outbox.run_due()

    assert [event.reason for event in world.events] == ["channel_gone", "message_gone"]


async def test_lost_answer_is_not_repeated_soon_after(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(10)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]
    assert world.discord.searches == 0
    assert (await world.row("hello")).message_id == 1000


async def test_lost_answer_is_not_repeated_after_discord_forgot_the_nonce(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]
    assert world.discord.searches == 1
    assert (await world.row("hello")).message_id == 1000


async def test_unsent_message_is_sent_after_a_search_in_vain(world: World):
    world.discord.answers = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.searches == 1
    assert world.discord.texts == ["hello"]


async def test_search_does_not_take_the_same_words_of_another_delivery(world: World):
    await world.say("same", dedupe_key="one")
    await world.outbox.run_due()
    world.discord.answers = [Delayed("connection", maybe_sent=True)]
    await world.say("same", dedupe_key="two")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.texts == ["same", "same"]
    assert {(await world.row(key)).message_id for key in ("one", "two")} == {1000, 1001}


async def test_refused_attempt_leaves_no_doubt(world: World):
    """A delivery that certainly was not made needs no search, however long ago it was tried."""
    world.discord.answers = [Delayed("rate_limited", after=timedelta(hours=1))]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(timedelta(hours=1))
    await world.outbox.run_due()

    assert (world.discord.texts, world.discord.searches) == (["hello"], 0)


async def test_refused_attempt_does_not_end_the_doubt_of_an_earlier_one(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(60)
    world.discord.answers = [NotPermitted("missing_permissions")]
    await world.outbox.run_due()
    world.clock.advance(timedelta(days=1))
    await world.outbox.resume_parked()
    await world.outbox.run_due()

    assert (world.discord.texts, world.discord.searches) == (["hello"], 1)


async def test_delivery_of_a_dead_process_is_taken_over(world: World):
    await world.say("hello")
    async with world.database.write() as session:
        await table.claim_due_messages(
            session, now=world.clock.now(), owner="dead", lease=LEASE, limit=1
        )
    await world.outbox.run_due()
    assert world.discord.messages == []
    world.clock.advance(LEASE)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]


async def test_stop_releases_a_delivery_that_takes_too_long(database: Database, clock: FakeClock):
    async with make_world(database, clock) as world:
        world.discord.gate[CHANNEL] = asyncio.Event()
        await world.say("slow")
        world.supervisor.start("outbox", world.outbox.run)
        async with asyncio.timeout(5):
            while not world.discord.arrived:
                await asyncio.sleep(0.005)
            await world.outbox.stop(0.05)

        row = await world.row("slow")
        assert (row.state, row.lease_owner) == ("pending", None)


async def test_processes_share_an_outbox_without_repeats(database: Database, clock: FakeClock):
    discord = FakeDiscord(clock)
    async with (
        make_world(database, clock, discord=discord) as one,
        make_world(database, clock, discord=discord) as two,
    ):
        for number in range(30):
            await one.say(str(number), CHANNEL + number % 3)
        for _ in range(3):
            await asyncio.gather(one.outbox.run_due(), two.outbox.run_due())

        assert len(discord.arrived) == 30
        for channel in range(3):
            said = [
                int(e.payload["content"])
                for _, e, _ in discord.messages
                if e.channel_id == CHANNEL + channel
            ]
            assert said == sorted(said)


async def test_deliveries_of_other_shards_are_left_to_their_processes(
    database: Database, clock: FakeClock
):
    async with make_world(database, clock, shards=Shards(frozenset({0}), 2)) as world:
        for shard in (0, 1):
            await world.send(
                Delivery.message(
                    CHANNEL + shard,
                    {"content": f"{shard}"},
                    dedupe_key=f"{shard}",
                    guild_id=shard << 22,
                )
            )
        await world.outbox.run_due()

        assert world.discord.texts == ["0"]


async def test_deliveries_wait_for_a_courier(database: Database):
    outbox = OutboxService(database, SystemClock(), supervisor := TaskSupervisor())
    with pytest.raises(RuntimeError, match="no courier"):
        await outbox.run_due()
    supervisor.start("outbox", outbox.run)
    async with database.write() as session:
        await outbox.send(session, Delivery.message(CHANNEL, {"content": "hi"}, dedupe_key="hi"))

    discord = FakeDiscord(SystemClock())
    outbox.use(discord)
    async with asyncio.timeout(5):
        while discord.texts != ["hi"]:
            await asyncio.sleep(0.005)
    await outbox.stop(1.0)
    await supervisor.stop(0.5)


async def test_snapshot_counts_what_waits(world: World):
    world.discord.answers = [NotPermitted("missing_permissions")]
    await world.say("parked")
    await world.say("behind it")
    await world.outbox.run_due()
    world.clock.advance(60)

    snapshot = await world.outbox.snapshot()

    assert (snapshot.parked, snapshot.pending) == (1, 1)
    assert snapshot.oldest_overdue == 0.0
    assert snapshot.outcomes == {("message.send", "parked"): 1}
