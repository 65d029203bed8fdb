"""Messages keep their order within a channel, and channels don't wait for each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.core.outbox import Delayed, Delivery
from db import outbox as table
from db.engine import Database
from tests.bot.core.outbox.world import CHANNEL, OTHER, PERSON, World, make_world
from tests.fakes import FakeClock


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


async def test_other_subjects_do_not_wait_but_what_is_about_the_same_message_does(world: World):
    world.discord.answers = [Delayed("discord_error", after=timedelta(hours=1))]
    held = world.clock.now() + timedelta(hours=2)
    for key, not_before in (
        ("greet:1", None),
        ("greet:2", None),
        ("raid:1", held),
        ("log:1", None),
    ):
        await world.send(
            Delivery.message(CHANNEL, {"content": key}, dedupe_key=key, not_before=not_before)
        )
    edit = Delivery.edit(CHANNEL, "raid:1", {"content": "over"}, dedupe_key="log:edit")
    await world.send(edit)
    await world.send(Delivery.message(CHANNEL, {"content": "log:2"}, dedupe_key="log:2"))
    await world.outbox.run_due()
    assert world.discord.texts == ["log:1"]
    world.clock.advance(timedelta(hours=3))
    await world.outbox.run_due()
    assert world.discord.texts[1:3] in (["greet:1", "raid:1"], ["raid:1", "greet:1"])
    assert set(world.discord.texts[3:]) == {"greet:2", "over", "log:2"}
    assert world.discord.texts.index("over") < world.discord.texts.index("log:2")


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
    async with asyncio.timeout(30):
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
        async with asyncio.timeout(30):
            while len(world.discord.arrived) < 3:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(world.discord.arrived) == 3
        gate.set()
        await running

        assert len(world.discord.messages) == 10
