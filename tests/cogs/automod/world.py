"""One process that runs Automod on a real database, and a Discord that notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.cases import CaseService, Target
from bot.core.config import Config
from bot.core.contracts import SYSTEM, MessageFacts
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.overwrites import SEND_MESSAGES, TALKING, Overwrite, as_json
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import automod, general
from cogs.automod.blocklist import Blocklist
from cogs.automod.calls import Gone, NotAllowed
from cogs.automod.directory import Membership
from cogs.automod.engines import Engines
from cogs.automod.gate import Gate
from cogs.automod.needs import NeedsResolver
from cogs.automod.service import AutomodService
from cogs.automod.states import State
from db import automod as table
from db.cases import Case
from db.engine import Database
from db.outbox import OutboxMessage
from db.statements import table_of
from tests.bot.core.cases.world import EVERYTHING, Courier, FakeDiscord, View
from tests.fakes import FakeClock

GUILD, ROOM, LOG = 1 << 40, 500, 501
ANN, BOB = Target(1001, "ann"), Target(1002, "bob_*")
STAFF, OWNER = 77, 7
BOT = 42
# What a lock knows of the guild: one role of staff, who may write, and the bot, which may, too.
WHO = {
    "everyone": GUILD,
    "bot": BOT,
    "staff": {str(STAFF): SEND_MESSAGES},
    "bits": TALKING,
    "bot_bits": TALKING,
}


def overwrite(target_id: int, allow: int = 0, deny: int = 0, *, member: bool = False) -> Any:
    """Return an overwrite as a lock's state has it."""
    return as_json(Overwrite(target_id, member, allow, deny))


class Everything(View):
    permissions = EVERYTHING | {"manage_messages", "manage_channels", "manage_guild"}


class Bridge:
    """All of Automod's ways to Discord; what is deleted twice is an error."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []
        self.deleted: set[int] = set()
        self.errors: list[Exception] = []
        self.states: dict[tuple[str, int], State] = {}
        self.writes: list[tuple[str, int, State]] = []
        self.refusing = False
        self.invites: dict[str, int] = {}
        self.asked: list[str] = []
        self.files: dict[str, str] = {}
        self.members: dict[int, Membership] = {}
        self.threads: dict[int, str] = {}
        self.former_names: dict[int, str] = {}

    async def delete(self, guild_id: int, channel_id: int, message_id: int) -> None:
        self._delete([message_id])

    async def delete_many(self, guild_id: int, channel_id: int, ids: Sequence[int]) -> None:
        assert 2 <= len(ids) <= 100
        self._delete(ids)

    def _delete(self, ids: Sequence[int]) -> None:
        self.calls.append(tuple(ids))
        if self.errors:
            raise self.errors.pop(0)
        assert not self.deleted & set(ids)
        self.deleted |= set(ids)

    async def read(self, kind: str, guild_id: int, channel_id: int) -> State:
        if self.errors:
            raise self.errors.pop(0)
        default: dict[str, State] = {
            "slowmode": {"rate": 0},
            "pause_invites": {"until": None},
            "lock": {"overwrites": []},
        }
        state = dict(self.states.get((kind, channel_id), default[kind]))
        return state | {"who": WHO} if "overwrites" in state else state

    async def write(self, kind: str, guild_id: int, channel_id: int, state: State) -> None:
        if self.refusing:
            raise NotAllowed
        self.writes.append((kind, channel_id, state))
        if "overwrites" in state:
            self._put_overwrites(channel_id, state["overwrites"])
        else:
            self.states[kind, channel_id] = dict(state)

    def _put_overwrites(self, channel_id: int, listed: Sequence[Any]) -> None:
        before = self.states.get(("lock", channel_id), {"overwrites": []})["overwrites"]
        merged = {one["id"]: one for one in [*before, *listed]}
        left = [one for one in merged.values() if one["allow"] != "0" or one["deny"] != "0"]
        self.states["lock", channel_id] = {"overwrites": left}

    def denied(self, channel_id: int, target_id: int = GUILD) -> int:
        """Return what an overwrite of a channel denies."""
        listed = self.states.get(("lock", channel_id), {"overwrites": []})["overwrites"]
        return sum(int(one["deny"]) for one in listed if one["id"] == str(target_id))

    async def guild_of_invite(self, code: str) -> int | None:
        self.asked.append(code)
        await asyncio.sleep(0)
        return self.invites.get(code)

    async def read_text(self, url: str, most_bytes: int) -> str:
        return self.files.get(url, "")

    async def member(self, guild_id: int, user_id: int) -> Membership | None:
        return self.members.get(user_id)

    def thread_name(self, guild_id: int, thread_id: int) -> str | None:
        return self.threads.get(thread_id)

    async def former_name(self, guild_id: int, thread_id: int, name: str) -> str | None:
        return self.former_names.get(thread_id)

    async def rename_thread(self, guild_id: int, thread_id: int, name: str) -> None:
        self.threads[thread_id] = name

    async def delete_thread(self, guild_id: int, thread_id: int) -> None:
        if self.threads.pop(thread_id, None) is None:
            raise Gone

    def owner_id(self, guild_id: int) -> int:
        return OWNER

    def staff_role_ids(self, guild_id: int) -> frozenset[int]:
        return frozenset({STAFF})

    def parent_id(self, guild_id: int, channel_id: int) -> int:
        return 0


class World:
    """One process; a second one can be made over the same database, clock and Discord."""

    def __init__(self, database: Database, clock: FakeClock, other: World | None = None) -> None:
        self.database, self.clock = database, clock
        self.discord = other.discord if other else FakeDiscord(clock)
        self.bridge = other.bridge if other else Bridge()
        self.view = Everything()
        self.bus, self.supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, automod.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor, bus=self.bus)
        self.outbox = OutboxService(
            database, clock, self.supervisor, courier=Courier(self.discord), bus=self.bus
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
            farewell_seconds=0.0,
        )
        self.cases.use(self.discord)
        self.acted: list[tuple[str, str]] = []
        self.service = AutomodService(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            cases=self.cases,
            problems=self.problems,
            supervisor=self.supervisor,
            state=lambda: self.view,
            remover=self.bridge,
            changer=self.bridge,
            acted=lambda rule, action: self.acted.append((rule, action)),
            gather_seconds=0.0,
            log_pause=0.0,
            acts_per_second=1e9,
        )
        self.needs = NeedsResolver(self.bridge, clock, self.supervisor)
        self.blocklist = Blocklist(None, self.supervisor)
        self.engines = Engines(
            self.settings,
            clock,
            self.supervisor,
            surroundings=self.bridge,
            troubles=self.service.troubles,
            invites=self.needs.book,
            blocklist=self.blocklist,
        )
        self.gate = Gate(
            self.engines,
            self.needs,
            self.service,
            directory=self.bridge,
            clock=clock,
            supervisor=self.supervisor,
        )
        self._next_id = 0

    async def start(self, *rules: dict[str, Any], **changes: Any) -> World:
        await self.cases.start()
        self.service.start()
        if rules:
            values = {"rules": list(rules), "log_channel_id": str(LOG), **changes}
            await self.settings.change(GUILD, "automod", values, enabled=True, actor=SYSTEM)
        await self.compile()
        return self

    async def compile(self) -> None:
        """Wait until the rules that are set now judge."""
        await self.engines.renew(await self.settings.get(GUILD, "automod"))

    def message(
        self,
        content: str,
        author: Target = ANN,
        *,
        channel_id: int = ROOM,
        roles: Sequence[int] = (),
        message_id: int | None = None,
        edited: bool = False,
        **raw: Any,
    ) -> MessageFacts:
        self._next_id += 1
        made_at = round(self.clock.now().timestamp() * 1000) - 1_420_070_400_000
        number = message_id or (made_at << 22) + self._next_id
        user = {"id": str(author.id), "username": author.name}
        payload = {"id": str(number), "author": user, "content": content, **raw}
        return MessageFacts(
            number, GUILD, channel_id, author.id, content, frozenset(roles), payload, edited=edited
        )

    async def say(self, content: str, author: Target = ANN, **options: Any) -> bool:
        """Have a message judged and all that follows done; returns whether it may pass."""
        verdict = self.gate.judge(self.message(content, author, **options))
        if verdict is not None and verdict.effect is not None:
            await verdict.effect()
        await self.rest()
        return verdict is None or verdict.accepted

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(20):
            while self.supervisor._brief:
                await asyncio.wait(set(self.supervisor._brief))

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.jobs.run_due()
        await self.rest()

    async def rows(self, kind: Any) -> list[Any]:
        async with self.database.read() as session:
            ordered = select(kind).order_by(*table_of(kind).primary_key)
            return list((await session.scalars(ordered)).all())

    async def incidents(self) -> list[table.Incident]:
        return sorted(await self.rows(table.Incident), key=lambda one: one.id)

    async def all_cases(self) -> list[Case]:
        return sorted(await self.rows(Case), key=lambda one: one.id)

    async def log(self) -> list[OutboxMessage]:
        rows = [one for one in await self.rows(OutboxMessage) if one.channel_id == LOG]
        return sorted(rows, key=lambda one: one.id)

    async def shown(self) -> str:
        """Return the log message as it stands, as text."""
        return str((await self.log())[-1].payload)


def rule(name: str, when: dict[str, Any], *actions: Any, **more: Any) -> dict[str, Any]:
    listed = [{"type": one} if isinstance(one, str) else one for one in actions]
    return {"name": name, "when": when, "actions": listed or [{"type": "delete"}], **more}


def words(*listed: str, **more: Any) -> dict[str, Any]:
    return {"type": "words", "words": list(listed), **more}
