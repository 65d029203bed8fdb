"""One process that holds giveaways on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import SYSTEM, Actor, ChannelSummary, GuildSummary, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import Job, JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import OutboxFailed
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import economy, general
from cogs.giveaways.board import Board
from cogs.giveaways.manifest import FEATURE, KEY
from cogs.giveaways.opening import END_JOB, Opening, Order
from cogs.giveaways.plan import Plan
from cogs.giveaways.series import Series
from cogs.giveaways.templates import Templates
from cogs.giveaways.upkeep import MessageWatch
from db.engine import Database
from db.giveaways import Giveaway
from tests.cogs.welcome.world import Courier
from tests.fakes import FakeClock
from tests.sidebyside import work

GUILD, CHANNEL, OTHER_CHANNEL = 1 << 40, 500, 501
HOST = Actor(77, "command", "host")


class Place(NullState):
    """One guild, in which some roles are `gone`."""

    def __init__(self) -> None:
        self.gone: set[int] = set()

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 1234)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "c", "text")

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return None if role_id in self.gone else RoleSummary(role_id, guild_id, "Sailor", 2)


class HostWorld:
    """One process; a second one can be made over the same database and clock."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock
        self.place, self.courier = Place(), Courier()
        bus, supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, economy.FEATURE, FEATURE])
        self.audit = audit = AuditLog(clock, bus, supervisor)
        self.settings = SettingsStore(database, clock, bus, registry, audit, state=self.state)
        self.problems = ProblemService(
            database, clock, bus, registry, self.settings, state=self.state
        )
        self.jobs = JobService(database, clock, Config().jobs, supervisor, bus=bus)
        self.outbox = OutboxService(database, clock, supervisor, courier=self.courier, bus=bus)
        self.watch = MessageWatch(database, self.problems)
        bus.subscribe(OutboxFailed, self.watch.delivery_failed)
        self.board = Board(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            state=self.state,
            watch=self.watch,
        )
        self.opening = Opening(
            database, clock, self.settings, jobs=self.jobs, audit=audit, board=self.board
        )
        self.series = Series(
            database,
            clock,
            settings=self.settings,
            jobs=self.jobs,
            opening=self.opening,
            problems=self.problems,
        )
        self.templates = Templates(database, clock, audit)
        self.ended: list[UUID] = []
        self.board.start()
        self.opening.start()
        self.series.start()
        self.jobs.register(END_JOB, self._end)

    def state(self) -> Place:
        return self.place

    async def _end(self, job: Job, session: AsyncSession) -> None:
        self.ended.append(UUID(job.dedupe_key.rpartition(":")[2]))

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        await self.settings.change(GUILD, KEY, changes, enabled=enabled, actor=SYSTEM)

    async def open(self, plan: Plan, **values: Any) -> Giveaway:
        given = {"guild_id": GUILD, "channel_id": CHANNEL, "host_id": HOST.user_id, "plan": plan}
        return await self.opening.open(Order(**{**given, **values}), HOST)

    async def pass_time(self, time: timedelta = timedelta(0)) -> None:
        """Do what is due, let time pass, and do what is due then."""
        await self.outbox.run_due()
        self.clock.advance(time.total_seconds())
        for _turn in range(3):
            await work(self.jobs, self.outbox)

    async def get(self, giveaway: Giveaway) -> Giveaway:
        async with self.database.read() as session:
            found = await session.get(Giveaway, giveaway.id)
        assert found is not None
        return found

    async def all(self) -> Sequence[Giveaway]:
        async with self.database.read() as session:
            return (await session.scalars(select(Giveaway).order_by(Giveaway.number))).all()

    def seen(self) -> list[tuple[str, int | None, dict[str, Any]]]:
        """Return what was delivered: kind, message and embed."""
        return [
            (one.kind.value, one.message_id, (one.payload.get("embeds") or [{}])[0])
            for one in self.courier.delivered
        ]
