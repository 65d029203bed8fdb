"""Several processes on one outbox: takeovers, releases, and a share for each."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.core.outbox import LEASE, Delivery
from db import outbox as table
from db.engine import Database
from db.leases import Shards
from tests.bot.core.outbox.world import CHANNEL, FakeDiscord, World, make_world
from tests.fakes import FakeClock


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


async def test_killed_process_makes_no_greeting_late(world: World):
    """A welcome is stale after a minute: neither the one claimed nor the next may wait so long."""
    for text in ("ada", "bea"):
        await world.say(text, expires_at=world.clock.now() + timedelta(minutes=1))
    async with world.database.write() as session:
        await table.claim_due_messages(
            session, now=world.clock.now(), owner="killed", lease=LEASE, limit=8
        )
    for _ in range(8):
        world.clock.advance(5)
        await world.outbox.run_due()

    assert world.discord.texts == ["ada", "bea"]
    assert world.events == []


async def test_slow_delivery_keeps_its_claim(database: Database, clock: FakeClock):
    lease = timedelta(seconds=0.3)
    discord = FakeDiscord(clock)
    async with (
        make_world(database, clock, discord=discord, lease=lease) as one,
        make_world(database, clock, discord=discord) as other,
    ):
        gate = discord.gate[CHANNEL] = asyncio.Event()
        await one.say("slow")
        running = asyncio.create_task(one.outbox.run_due())
        async with asyncio.timeout(30):
            for _ in range(3):
                while (await one.row("slow")).lease_until != clock.now() + lease:
                    await asyncio.sleep(0.005)
                clock.advance(lease * 0.6)
                await other.outbox.run_due()
        gate.set()
        await running

        assert (await one.row("slow")).attempts == 1
        assert discord.texts == ["slow"]


async def test_stop_releases_a_delivery_that_takes_too_long(database: Database, clock: FakeClock):
    async with make_world(database, clock) as world:
        world.discord.gate[CHANNEL] = asyncio.Event()
        await world.say("slow")
        world.supervisor.start("outbox", world.outbox.run)
        async with asyncio.timeout(30):
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
