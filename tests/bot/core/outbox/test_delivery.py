"""What becomes of a delivery: sent once, parked, dropped or given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.clock import SystemClock
from bot.core.outbox import (
    Delayed,
    Delivery,
    NotPermitted,
    OutboxFailed,
    OutboxParked,
    OutboxService,
    Undeliverable,
)
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.bot.core.outbox.world import CHANNEL, GUILD, PERSON, FakeDiscord, World


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


async def test_deliveries_wait_for_a_courier(database: Database):
    outbox = OutboxService(database, SystemClock(), supervisor := TaskSupervisor())
    with pytest.raises(RuntimeError, match="no courier"):
        await outbox.run_due()
    supervisor.start("outbox", outbox.run)
    async with database.write() as session:
        await outbox.send(session, Delivery.message(CHANNEL, {"content": "hi"}, dedupe_key="hi"))

    discord = FakeDiscord(SystemClock())
    outbox.use(discord)
    async with asyncio.timeout(30):
        while discord.texts != ["hi"]:
            await asyncio.sleep(0.005)
    await outbox.stop(1.0)
    await supervisor.stop(0.5)


async def test_deliveries_wait_between_two_couriers(world: World):
    later = FakeDiscord(world.clock)
    await world.say("first")
    world.outbox.leave(later)
    await world.outbox.run_due()
    assert world.discord.texts == ["first"]

    await world.say("second")
    world.outbox.leave(world.discord)
    world.supervisor.start("outbox", world.outbox.run)
    with pytest.raises(RuntimeError, match="no courier"):
        await world.outbox.run_due()
    assert (await world.row("second")).attempts == 0

    world.outbox.use(later)
    async with asyncio.timeout(30):
        while later.texts != ["second"]:
            await asyncio.sleep(0.005)
    assert world.discord.texts == ["first"]


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


async def test_edit_of_a_direct_message_waits_for_it_and_finds_it(world: World):
    async with world.database.write() as session:
        first = Delivery.direct(PERSON, {"content": "banned"}, dedupe_key="dm")
        await world.outbox.send(session, first)
        edit = Delivery.edit_direct(PERSON, "dm", {"content": "not banned"}, dedupe_key="dm:no")
        await world.outbox.send(session, edit)

    await world.outbox.run_due()

    [sent, edited] = [entry for _, entry, _ in world.discord.messages]
    assert (edited.message_id, edited.user_id, edited.is_direct) == (1000, PERSON, True)
    assert sent.payload == {"content": "banned"}


async def test_waiting_for_a_delivery_ends_with_it_or_with_patience(world: World):
    async with world.database.write() as session:
        delivery = Delivery.direct(PERSON, {"content": "hello"}, dedupe_key="dm")
        await world.outbox.send(session, delivery)

    unsettled = await world.outbox.wait_for("dm", 0)
    waiting = asyncio.ensure_future(world.outbox.wait_for("dm", 30))
    await world.outbox.run_due()
    settled = await waiting

    assert unsettled is not None
    assert unsettled.is_open
    assert settled is not None
    assert (settled.is_open, settled.message_id) == (False, 1000)
    assert await world.outbox.wait_for("unknown", 30) is None
