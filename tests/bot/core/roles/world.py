"""One process with the queue of role changes on a real database, and a Discord that keeps roles."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.core.audit import AuditLog
from bot.core.cases import Gone, NotPermitted
from bot.core.contracts import GuildSummary, MemberFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.nullstate import NullState
from bot.core.problems import ProblemService
from bot.core.roles import RoleChange, RoleChanged, RoleService, RoleSource
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general
from db import role_wishes as table
from db.engine import Database
from db.role_wishes import RoleWish
from db.sanctions import put_sanction
from tests.fakes import FakeClock

GUILD, OTHER_GUILD, BOT = 1 << 40, 2 << 40, 42
ANN, BOB = 1001, 1002
RED, BLUE, GREEN = 701, 702, 703


class View(NullState):
    """A guild in which the bot has the place and permissions that the test gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.permissions = frozenset({"manage_roles"})
        self.positions = {RED: 2, BLUE: 3, GREEN: 4}
        self.place = 10

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 1234)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(BOT, guild_id, "Pegasus", self.place, self.permissions)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        position = self.positions.get(role_id)
        return None if position is None else RoleSummary(role_id, guild_id, f"R{role_id}", position)


@dataclass
class FakeDiscord:
    """Keeps members' roles; fails before or after a call as it is told, and may stand still."""

    members: set[int] = field(default_factory=lambda: {ANN, BOB})
    pending: set[int] = field(default_factory=set)
    roles: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    gone_roles: set[int] = field(default_factory=set)
    forbidden: set[int] = field(default_factory=set)
    # About whom every call meets a mistake of ours.
    broken: set[int] = field(default_factory=set)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    # Of each call: what is raised before it does anything, and after it has.
    before: list[BaseException | None] = field(default_factory=list)
    after: list[BaseException | None] = field(default_factory=list)
    # When set, calls wait here once they have been noted, and again with their answer.
    gate: asyncio.Event | None = None

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        await self._begin("add", user_id, role_id, reason)
        self.roles[user_id].add(role_id)
        self._end()

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        await self._begin("remove", user_id, role_id, reason)
        self.roles[user_id].discard(role_id)
        self._end()

    async def is_pending(self, guild_id: int, user_id: int) -> bool:
        self.looks.append(user_id)
        if user_id not in self.members:
            raise Gone("member_gone")
        answer = user_id in self.pending
        if self.gate is not None:
            await self.gate.wait()
        return answer

    async def _begin(self, what: str, user_id: int, role_id: int, reason: str) -> None:
        self.calls.append((what, user_id, role_id))
        self.reasons.append(reason)
        if self.gate is not None:
            await self.gate.wait()
        if self.before and (error := self.before.pop(0)) is not None:
            raise error
        if user_id in self.broken:
            raise LookupError("a mistake")
        if user_id not in self.members:
            raise Gone("member_gone")
        if role_id in self.gone_roles:
            raise Gone("role_gone")
        if role_id in self.forbidden:
            raise NotPermitted("missing_permissions")

    def _end(self) -> None:
        if self.after and (error := self.after.pop(0)) is not None:
            raise error


class World:
    """One process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        self.database, self.clock = database, clock
        self.discord = discord or FakeDiscord()
        self.view = View()
        self.events: list[RoleChanged] = []
        bus, self.supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE])
        audit = AuditLog(clock, bus, self.supervisor)
        settings = SettingsStore(database, clock, bus, registry, audit, state=lambda: self.view)
        self.problems = ProblemService(
            database, clock, bus, registry, settings, state=lambda: self.view
        )
        self.roles = RoleService(
            database,
            clock,
            settings,
            bus=bus,
            problems=self.problems,
            supervisor=self.supervisor,
            state=lambda: self.view,
        )
        self.roles.use(self.discord)
        bus.subscribe(RoleChanged, self._note)

    async def _note(self, event: RoleChanged) -> None:
        self.events.append(event)

    async def want(self, *changes: RoleChange) -> None:
        await self.want_all(changes)

    async def want_all(self, changes: Iterable[RoleChange]) -> None:
        async with self.database.write() as session:
            await self.roles.want(session, changes)

    async def pass_time(self, span: timedelta | float = 0) -> None:
        """Move the clock and do all that is due then."""
        self.clock.advance(span)
        await self.roles.run_due()

    async def settle(self) -> None:
        """Let tasks that were spawned come to an end, and do what they made due."""
        await self.supervisor.stop()
        self.supervisor._stopping = False
        await self.roles.run_due()

    async def until(self, look: Callable[[], object]) -> None:
        """Let other tasks run until something is seen."""
        async with asyncio.timeout(30):
            while not look():
                await asyncio.sleep(0.001)

    async def wishes(self) -> list[RoleWish]:
        async with self.database.read() as session:
            return [
                wish
                for guild_id in (GUILD, OTHER_GUILD)
                for wish in await table.list_wishes(session, guild_id)
            ]

    async def open_problems(self) -> list[str]:
        """Return the cause and subject of each open problem."""
        found = await self.problems.list(GUILD)
        return [f"{one.problem.cause} {one.problem.subject}" for one in found]

    async def mute(self, user_id: int, role_id: int, state: str = "holding") -> None:
        """Write down that a mute holds a role, as a case does before it gives it."""
        async with self.database.write() as session:
            await put_sanction(
                session,
                guild_id=GUILD,
                user_id=user_id,
                kind="mute",
                case_id=1,
                state=state,
                ends_at=None,
                role_id=role_id,
                stamp=1,
            )


def change(
    user_id: int = ANN,
    role_id: int = RED,
    want: bool = True,
    source: RoleSource = RoleSource.AUTOMATIC,
    **values: Any,
) -> RoleChange:
    values = {"guild_id": GUILD} | values
    return RoleChange(user_id=user_id, role_id=role_id, want=want, source=source, **values)
