"""An outbox with a Discord that forgets, fails and waits when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from bot.core.events import EventBus
from bot.core.outbox import NONCE_WINDOW, Delivery, Entry, OutboxFailed, OutboxParked, OutboxService
from bot.core.supervisor import TaskSupervisor
from db import outbox as table
from db.engine import Database

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
