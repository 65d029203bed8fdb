"""One process with custom commands on a real database, and a Discord that notes what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import SYSTEM, Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import customcommand, general
from cogs.customcommand.book import KEY, CommandBook
from cogs.customcommand.evaluation import Occasion
from cogs.customcommand.registrations import Registered
from cogs.customcommand.rules import Draft, Invocation, Response
from cogs.customcommand.sync import CommandSync
from cogs.customcommand.using import CommandUse, UseCounter
from db.engine import Database
from tests.bot.core.cases.world import View
from tests.fakes import FakeClock

GUILD, ROOM = 1 << 40, 500
ROOT = Actor(9, "command", "root")
EVE = Actor(8, "command", "eve")
BUILTIN = frozenset({"help", "ping"})


class Register:
    """Discord's commands of the guild; `errors` are raised by the next calls to `put`."""

    def __init__(self) -> None:
        self.shelf: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.calls: list[tuple[str, str]] = []
        self.errors: list[Exception | None] = []
        self._ids = count(1)

    async def commands(self, guild_id: int) -> Sequence[Registered]:
        self.calls.append(("list", ""))
        return [
            Registered(
                number,
                name,
                body["description"],
                tuple((one["name"], one["description"]) for one in body.get("options", ())),
            )
            for name, (number, body) in self.shelf.items()
        ]

    async def put(self, guild_id: int, body: Mapping[str, Any]) -> None:
        self.calls.append(("put", body["name"]))
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        known = self.shelf.get(body["name"])
        self.shelf[body["name"]] = (known[0] if known else next(self._ids), body)

    async def delete(self, guild_id: int, command_id: int) -> None:
        [name] = [name for name, (number, _) in self.shelf.items() if number == command_id]
        self.calls.append(("delete", name))
        del self.shelf[name]

    def changes(self) -> list[tuple[str, str]]:
        """Return what was changed since the last call, and forget it."""
        changes = [call for call in self.calls if call[0] != "list"]
        self.calls.clear()
        return changes


class World:
    """One process; a second one can be made over the same database, clock and register."""

    def __init__(
        self, database: Database, clock: FakeClock, register: Register | None = None
    ) -> None:
        self.database, self.clock = database, clock
        self.register = register or Register()
        self.view = View()
        self.builtin: frozenset[str] = BUILTIN
        bus, supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, customcommand.FEATURE])
        audit = AuditLog(clock, bus, supervisor)
        self.settings = SettingsStore(
            database, clock, bus, registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Config().jobs, supervisor, bus=bus)
        self.problems = ProblemService(
            database, clock, bus, registry, self.settings, state=lambda: self.view
        )
        self.book = CommandBook(database, clock, audit, self.jobs, lambda: self.builtin)
        self.sync = CommandSync(
            database,
            clock,
            settings=self.settings,
            problems=self.problems,
            book=self.book,
            registrar=self.register,
            state=lambda: self.view,
            builtin=lambda: self.builtin,
        )
        self.sync.register_with(self.jobs)
        self.counter = UseCounter(database, clock, supervisor.spawn)
        self.use = CommandUse(
            database,
            clock,
            settings=self.settings,
            book=self.book,
            counter=self.counter,
            choose=lambda number: number - 1,
        )

    async def switch(self, *, enabled: bool = True, **values: Any) -> None:
        await self.settings.change(GUILD, KEY, values, enabled=enabled, actor=SYSTEM)

    async def causes(self) -> list[tuple[str, str]]:
        found = await self.problems.list(GUILD)
        return [(one.problem.cause, one.problem.subject) for one in found]


def draft(name: str = "rules", *texts: str, **values: Any) -> Draft:
    return Draft(name, Response(texts or ("Be kind.",)), **values)


def invocation(
    command: str = "rules",
    args: str = "",
    *,
    user_id: int = 1001,
    channel_id: int = ROOM,
    role_ids: Sequence[int] = (),
    parent_id: int | None = None,
) -> Invocation:
    occasion = Occasion(user_id, "ann", "Harbour", 3, channel_id, "general", command, args)
    return Invocation(GUILD, user_id, frozenset(role_ids), occasion, parent_id)
