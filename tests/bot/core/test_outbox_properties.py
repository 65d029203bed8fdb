"""Whatever Discord answers and whoever dies: each message is seen once, in its channel's order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.outbox import (
    LEASE,
    NONCE_WINDOW,
    Delayed,
    Delivery,
    Entry,
    NotPermitted,
    OutboxService,
)
from bot.core.supervisor import TaskSupervisor
from db import outbox as table
from db.engine import Database
from tests.fakes import FakeClock

CHANNELS = (1, 2, 3)
channels = st.sampled_from(CHANNELS)
moods = st.lists(
    st.sampled_from(["ok", "lost answer", "lost request", "busy", "forbidden", "broken"]),
    max_size=6,
)
actions = st.one_of(
    st.tuples(st.just("say"), channels),
    st.tuples(st.just("run"), moods),
    st.tuples(st.just("crash"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("advance"), st.integers(1, 700)),
    st.tuples(st.just("resume")),
)


@dataclass
class Channel:
    """What people see, by message content, and the nonces that Discord still knows."""

    seen: list[tuple[int, Any, datetime]] = field(default_factory=list)
    nonces: dict[str, tuple[int, datetime]] = field(default_factory=dict)


@dataclass
class Play:
    """Plays actions against a real outbox and a Discord that answers as it is told."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    moods: list[str] = field(default_factory=list)
    said: dict[int, list[int]] = field(default_factory=lambda: {one: [] for one in CHANNELS})
    seen: dict[int, Channel] = field(default_factory=lambda: {one: Channel() for one in CHANNELS})
    count: int = 0

    async def play(self, script: list[tuple[Any, ...]]) -> None:
        self.outbox = OutboxService(self.database, self.clock, TaskSupervisor(), courier=self)
        for name, *arguments in script:
            await getattr(self, name)(*arguments)
        for _ in range(3):
            await self.advance(1200)
            await self.resume()
            await self.run([])
        for channel_id in CHANNELS:
            assert [content for _, content, _ in self.seen[channel_id].seen] == self.said[
                channel_id
            ]

    async def deliver(self, entry: Entry) -> int | None:
        mood = self.moods.pop(0) if self.moods else "ok"
        match mood:
            case "lost request":
                raise Delayed("connection", maybe_sent=True)
            case "busy":
                raise Delayed("rate_limited", after=timedelta(seconds=400))
            case "forbidden":
                raise NotPermitted("missing_permissions")
            case "broken":
                raise LookupError("a mistake")
        message_id = self.post(entry.channel_id or 0, entry.nonce, entry.payload["content"])
        if mood == "lost answer":
            raise Delayed("connection", maybe_sent=True)
        return message_id

    def post(self, channel_id: int, nonce: str, content: Any) -> int:
        channel, now = self.seen[channel_id], self.clock.now()
        known = channel.nonces.get(nonce)
        if known is None or now - known[1] >= NONCE_WINDOW:
            self.count += 1
            known = channel.nonces[nonce] = (self.count, now)
            channel.seen.append((self.count, content, now))
        return known[0]

    async def find_sent(self, entry: Entry, since: datetime) -> list[int]:
        seen = self.seen[entry.channel_id or 0].seen
        return [one for one, text, at in seen if text == entry.payload["content"] and at >= since]

    async def say(self, channel_id: int) -> None:
        number = len(self.said[channel_id])
        self.said[channel_id].append(number)
        key = f"{channel_id}:{number}"
        async with self.database.write() as session:
            delivery = Delivery.message(channel_id, {"content": number}, dedupe_key=key)
            await self.outbox.send(session, delivery)

    async def run(self, moods: list[str]) -> None:
        self.moods = list(moods)
        await self.outbox.run_due()

    async def crash(self, limit: int, after_sending: bool) -> None:
        async with self.database.write() as session:
            rows = await table.claim_due_messages(
                session, now=self.clock.now(), owner="dead", lease=LEASE, limit=limit
            )
        # One that was claimed again long after an attempt would be searched for before it is sent.
        fresh = [row for row in rows if row.attempts == 1]
        for row in fresh if after_sending else ():
            self.post(row.channel_id or 0, row.nonce, row.payload["content"])

    async def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    async def resume(self) -> None:
        await self.outbox.resume_parked()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(actions, max_size=20))
def test_each_message_is_seen_once_and_in_order(
    sqlite_template: Path, script: list[tuple[Any, ...]]
):
    async def run(path: str) -> None:
        database = Database(f"sqlite:///{path}")
        try:
            await Play(database).play(script)
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(shutil.copy(sqlite_template, folder)))
