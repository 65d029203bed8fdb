"""One process that runs Welcome on a real database, and all that a test does to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import SYSTEM, ChannelSummary, GuildSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Entry
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general, welcome
from cogs.welcome.announcer import Announcer
from cogs.welcome.rules import Arrival, Person
from cogs.welcome.service import WelcomeService
from db.engine import Database
from db.outbox import OutboxMessage
from tests.fakes import FakeClock

GUILD, CHANNEL, LOBBY = 1 << 40, 500, 501
ANN, BOB = Person(42, "ann_b", "Ann"), Person(43, "bob", "Bob")
POSTING = frozenset({"view_channel", "send_messages", "attach_files", "embed_links"})


class Discord(NullState):
    """One guild, whose system messages go to `CHANNEL`."""

    seen = True
    permissions = POSTING
    gone: frozenset[int] = frozenset()

    def guild(self, guild_id: int) -> GuildSummary | None:
        summary = GuildSummary(guild_id, "Garden", 1, 1234, system_channel_id=CHANNEL)
        return summary if self.seen else None

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        if channel_id in self.gone:
            return None
        return ChannelSummary(channel_id, guild_id, "c", "text", bot_permissions=self.permissions)


class Courier:
    """Delivers into a list."""

    def __init__(self) -> None:
        self.delivered: list[Entry] = []

    async def deliver(self, entry: Entry) -> int | None:
        self.delivered.append(entry)
        return 9000 + len(self.delivered)

    async def find_sent(self, entry: Entry, since: Any) -> Sequence[int]:
        return ()


class World:
    """One process that runs Welcome; a second one can be made over the same database."""

    def __init__(self, database: Database, clock: FakeClock, discord: Discord) -> None:
        self.database, self.clock, self.discord = database, clock, discord
        self.courier = Courier()
        bus, supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, welcome.FEATURE])
        audit = AuditLog(clock, bus, supervisor)
        self.settings = SettingsStore(
            database, clock, bus, registry, audit, state=lambda: self.discord
        )
        self.jobs = JobService(database, clock, Config().jobs, supervisor)
        self.outbox = OutboxService(database, clock, supervisor, courier=self.courier)
        announcer = Announcer(
            clock=clock,
            settings=self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            state=lambda: self.discord,
            random=Random(1),
        )
        self.service = WelcomeService(database, clock, self.settings, self.jobs, announcer)

    async def set(self, **changes: Any) -> None:
        await self.settings.change(GUILD, "welcome", changes, enabled=True, actor=SYSTEM)

    async def join(self, person: Person = ANN, *, ago: float = 0, pending: bool = False) -> None:
        joined_at = self.clock.now() - timedelta(seconds=ago)
        await self.service.member_joined(Arrival(GUILD, person, joined_at, pending))

    async def leave(self, person: Person = ANN) -> None:
        await self.service.member_left(GUILD, person)

    async def queued(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list((await session.scalars(select(OutboxMessage).order_by("id"))).all())

    async def said(self) -> list[str]:
        return [row.payload["content"] for row in await self.queued() if row.payload]

    async def heard(self) -> list[str]:
        """Return the texts that people have seen."""
        return [entry.payload["content"] for entry in self.courier.delivered]

    async def waiting(self) -> list[str]:
        """Return the texts that nobody has taken back or seen yet."""
        return [row.payload["content"] for row in await self.queued() if row.state == "pending"]

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.jobs.run_due()


def raider(number: int) -> Person:
    return Person(1000 + number, f"raider{number}", f"Raider{number}")
