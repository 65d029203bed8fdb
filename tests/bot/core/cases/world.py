"""One process that orders cases on a real database, and a Discord that keeps who is under what."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.cases import (
    Case,
    CaseChanged,
    CaseKind,
    CaseOpened,
    CaseService,
    DefaultPolicy,
    Gone,
    Order,
    Target,
)
from bot.core.config import Config
from bot.core.contracts import SYSTEM, Actor, ChannelSummary, GuildSummary, MemberFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import Entry, OutboxService
from bot.core.problems import ProblemService, ProblemSolved
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general
from db.engine import Database
from db.outbox import OutboxMessage
from db.sanctions import Sanction
from tests.fakes import FakeClock

GUILD, LOG, BOT, MUTED = 1 << 40, 500, 42, 700
ANN, BOB = Target(1001, "ann"), Target(1002, "bob_*")
MOD = Actor(9, "command", "mod")
EVERYTHING = frozenset(
    {"ban_members", "kick_members", "moderate_members", "manage_roles", "view_channel"}
    | {"send_messages", "embed_links"}
)


class View(NullState):
    """One guild, in which the bot may do all that cases need."""

    permissions = EVERYTHING

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 1234)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "log", "text", bot_permissions=self.permissions)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(BOT, guild_id, "Pegasus", 10, self.permissions)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return RoleSummary(role_id, guild_id, "Muted", 2)


@dataclass
class FakeDiscord:
    """Keeps who is banned, muted and timed out; fails before or after a call as it is told."""

    clock: FakeClock
    members: set[int] = field(default_factory=lambda: {ANN.id, BOB.id})
    joins: dict[int, datetime] = field(default_factory=dict)
    bans: set[int] = field(default_factory=set)
    timeouts: dict[int, datetime] = field(default_factory=dict)
    roles: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    # Of each: what is raised before the call does anything, and what after it has.
    before: list[BaseException | None] = field(default_factory=list)
    after: list[BaseException | None] = field(default_factory=list)
    unbannable: set[int] = field(default_factory=set)
    kicked: int = 0

    def _begin(self, *call: Any, reason: str) -> None:
        assert len(reason) <= 512
        self.calls.append(call)
        self.reasons.append(reason)
        if self.before and (error := self.before.pop(0)) is not None:
            raise error

    def _end(self) -> None:
        if self.after and (error := self.after.pop(0)) is not None:
            raise error

    async def ban(
        self, guild_id: int, user_id: int, *, reason: str, delete_window: timedelta
    ) -> None:
        self._begin("ban", user_id, reason=reason)
        self._ban(user_id)
        self._end()

    def _ban(self, user_id: int) -> None:
        self.bans.add(user_id)
        self.leave(user_id)

    async def ban_many(
        self, guild_id: int, user_ids: Sequence[int], *, reason: str, delete_window: timedelta
    ) -> frozenset[int]:
        self._begin("ban_many", tuple(user_ids), reason=reason)
        failed = frozenset(user_ids) & self.unbannable
        for user_id in set(user_ids) - failed:
            self._ban(user_id)
        self._end()
        return failed

    async def unban(self, guild_id: int, user_id: int, *, reason: str) -> None:
        self._begin("unban", user_id, reason=reason)
        if user_id not in self.bans:
            raise Gone("not_banned")
        self.bans.discard(user_id)
        self._end()

    async def kick(self, guild_id: int, user_id: int, *, reason: str) -> None:
        self._begin("kick", user_id, reason=reason)
        self._need(user_id)
        self.leave(user_id)
        self.kicked += 1
        self._end()

    async def joined_at(self, guild_id: int, user_id: int) -> datetime | None:
        self._need(user_id)
        return self.joins.get(user_id)

    async def time_out(
        self, guild_id: int, user_id: int, *, until: datetime | None, reason: str
    ) -> None:
        self._begin("time_out", user_id, until, reason=reason)
        self._need(user_id)
        if until is None:
            self.timeouts.pop(user_id, None)
        else:
            assert until <= self.clock.now() + timedelta(days=28)
            self.timeouts[user_id] = until
        self._end()

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        self._begin("add_role", user_id, role_id, reason=reason)
        self._need(user_id)
        self.roles[user_id].add(role_id)
        self._end()

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        self._begin("remove_role", user_id, role_id, reason=reason)
        self._need(user_id)
        self.roles[user_id].discard(role_id)
        self._end()

    def _need(self, user_id: int) -> None:
        if user_id not in self.members:
            raise Gone("member_gone")

    def join(self, user_id: int) -> None:
        self.members.add(user_id)
        self.joins[user_id] = self.clock.now() + timedelta(milliseconds=1)

    def leave(self, user_id: int) -> None:
        self.members.discard(user_id)
        # A timeout stays with Discord, roles don't.
        self.roles.pop(user_id, None)

    def is_timed_out(self, user_id: int) -> bool:
        until = self.timeouts.get(user_id)
        return until is not None and until > self.clock.now()


class Courier:
    """Delivers into a list; direct messages of some people are refused."""

    def __init__(self, discord: FakeDiscord) -> None:
        self.delivered: list[Entry] = []
        self.discord = discord
        self.seen_before: list[int] = []
        self.refused: list[BaseException] = []

    async def deliver(self, entry: Entry) -> int | None:
        if self.refused:
            raise self.refused.pop(0)
        self.delivered.append(entry)
        self.seen_before.append(len(self.discord.calls))
        return entry.message_id or 9000 + len(self.delivered)

    async def find_sent(self, entry: Entry, since: Any) -> Sequence[int]:
        return ()


class MutePolicy(DefaultPolicy):
    async def mute_role_id(self, guild_id: int) -> int | None:
        return MUTED


class World:
    """One process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self,
        database: Database,
        clock: FakeClock,
        discord: FakeDiscord | None = None,
        farewell_seconds: float = 0.0,
    ) -> None:
        self.database, self.clock = database, clock
        self.discord = discord or FakeDiscord(clock)
        self.view = View()
        self.courier = Courier(self.discord)
        self.events: list[Any] = []
        self.bus, self.supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor, bus=self.bus)
        self.outbox = OutboxService(
            database, clock, self.supervisor, courier=self.courier, bus=self.bus
        )
        self.problems = ProblemService(
            database, clock, self.bus, registry, self.settings, state=lambda: self.view
        )
        self.cases = CaseService(
            database,
            clock,
            self.settings,
            bus=self.bus,
            jobs=self.jobs,
            outbox=self.outbox,
            problems=self.problems,
            supervisor=self.supervisor,
            state=lambda: self.view,
            farewell_seconds=farewell_seconds,
        )
        self.cases.use(self.discord)
        self.cases.use_policy(MutePolicy())
        for kind in (CaseOpened, CaseChanged):
            self.bus.subscribe(kind, self._note)
        self.bus.subscribe(ProblemSolved, self._resume)

    async def start(self, *, log: bool = True) -> World:
        await self.cases.start()
        if log:
            await self.settings.change(GUILD, "general", {"log_channel_id": LOG}, actor=SYSTEM)
        return self

    async def _note(self, event: Any) -> None:
        self.events.append(event)

    async def _resume(self, event: ProblemSolved) -> None:
        await self.jobs.resume_parked(guild_id=event.guild_id)

    async def order(
        self, kind: CaseKind, target: Target = ANN, key: str | None = None, **values: Any
    ) -> Case:
        return await self.cases.order(make_order(kind, target, key, **values))

    async def pass_time(self, span: timedelta | float = 0) -> None:
        """Move the clock and do all that is due then."""
        self.clock.advance(span)
        await self.jobs.run_due()

    async def sanctions(self) -> list[Sanction]:
        async with self.database.read() as session:
            return list((await session.scalars(select(Sanction))).all())

    async def queued(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list((await session.scalars(select(OutboxMessage).order_by("id"))).all())

    async def until_told(self, count: int) -> None:
        """Wait until so much was delivered to Ann."""
        async with asyncio.timeout(30):
            while sum(entry.user_id == ANN.id for entry in self.courier.delivered) < count:
                await asyncio.sleep(0.01)

    async def written(self) -> list[str]:
        """Return the texts that wait to be sent to members."""
        return [
            row.payload["content"]
            for row in await self.queued()
            if row.user_id and row.payload and row.state == "pending"
        ]

    async def settle(self) -> None:
        """Let tasks that were spawned come to an end."""
        for _ in range(5):
            await asyncio.sleep(0)


_COUNT = iter(range(1, 1_000_000))


def make_order(
    kind: CaseKind, target: Target = ANN, key: str | None = None, **values: Any
) -> Order:
    return Order(
        guild_id=values.pop("guild_id", GUILD),
        kind=kind,
        target=target,
        moderator=values.pop("moderator", MOD),
        source=values.pop("source", "command"),
        dedupe_key=key or f"order:{next(_COUNT)}",
        **values,
    )
