"""One process with the gate on a real database, and a guild in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import discord

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM, Actor, MemberFacts, RoleSummary
from bot.core.features import FeatureRegistry
from bot.core.roles import RoleService
from bot.core.settings import SettingsChanged, SettingsStore
from cogs import general, verification
from cogs.verification.desk import KEY, Desk
from cogs.verification.gate import Gate
from cogs.verification.moving import RoleMoves
from cogs.verification.rules import Applicant
from cogs.verification.staff import StaffGate
from cogs.verification.steps import Answer, AskPicture, AskWords
from cogs.verification.timers import Timers
from cogs.verification.words import read_words
from db import verification as table
from db.engine import Database
from db.role_wishes import RoleWish, list_wishes
from tests.bot.core.cases.world import GUILD, LOG, FakeDiscord, View, World
from tests.fakes import FakeClock
from tests.simcord_env import Bench, running_bench

ANN, BOB = 1001, 1002
VERIFIED, UNVERIFIED, OTHER = 701, 702, 703
LOBBY = 501
MOD = Actor(9, "command", "mod")


class GateView(View):
    """A guild with the two roles, of which a test may take one away."""

    def __init__(self) -> None:
        super().__init__()
        self.role_ids = {VERIFIED, UNVERIFIED, OTHER}
        # Roles that stand above the bot.
        self.above: set[int] = set()

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        if role_id not in self.role_ids:
            return None
        position = 11 if role_id in self.above else 2
        return RoleSummary(role_id, guild_id, f"R{role_id}", position)


@dataclass
class GateDiscord(FakeDiscord):
    """Knows who is in screening, and what staff may do."""

    pending: set[int] = field(default_factory=set)
    powers: dict[int, frozenset[str]] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)

    async def is_pending(self, guild_id: int, user_id: int) -> bool:
        self._need(user_id)
        return user_id in self.pending

    async def look(self, guild_id: int, user_id: int) -> MemberFacts | None:
        self.looks.append(user_id)
        if user_id not in self.members:
            return None
        return MemberFacts(
            user_id,
            guild_id,
            "ann",
            permissions=self.powers.get(user_id, frozenset()),
            role_ids=frozenset(self.roles[user_id]),
            pending=user_id in self.pending,
        )


class GateWorld(World):
    """One process; a second one can be made over the same database, clock and Discord."""

    discord: GateDiscord
    view: GateView

    def __init__(
        self, database: Database, clock: FakeClock, discord: GateDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord or GateDiscord(clock))
        self.view = GateView()
        registry = FeatureRegistry([general.FEATURE, verification.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.roles = RoleService(
            database,
            clock,
            self.settings,
            bus=self.bus,
            problems=self.problems,
            supervisor=self.supervisor,
            state=lambda: self.view,
        )
        self.roles.use(self.discord)
        self.counted: list[str] = []
        desk = Desk(
            database=database,
            clock=clock,
            settings=self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            roles=self.roles,
            state=lambda: self.view,
            count=self.counted.append,
        )
        self.gate = Gate(desk, Random(1))
        self.staff = StaffGate(desk)
        self.bus.subscribe(SettingsChanged, RoleMoves(desk).settings_changed)
        self.timers = Timers(desk, self.cases, self.discord)
        self.timers.start()

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        roles = {"verified_role_id": VERIFIED, "unverified_role_id": UNVERIFIED}
        places = {"channel_id": LOBBY, "log_channel_id": LOG}
        await self.settings.change(
            GUILD, KEY, roles | places | changes, enabled=enabled, actor=SYSTEM
        )

    def person(self, user_id: int = ANN, **values: Any) -> Applicant:
        """Return somebody as an interaction of this moment would tell of them."""
        facts = {
            "name": f"ann_{user_id}",
            "role_ids": frozenset(self.discord.roles[user_id]),
            "pending": user_id in self.discord.pending,
            "locale": "en-GB",
        }
        return Applicant(GUILD, user_id, **(facts | values))

    async def press(self, user_id: int = ANN, **values: Any) -> Answer:
        return await self.gate.press(self.person(user_id), **values)

    async def ask(self, user_id: int = ANN) -> AskPicture:
        asked = await self.press(user_id)
        assert isinstance(asked, AskPicture), asked
        return asked

    async def answer(self, asked: Answer, typed: str = "", user_id: int = ANN) -> Answer:
        """Answer a question, rightly unless something else is typed."""
        assert isinstance(asked, AskPicture | AskWords), asked
        right = asked.letters if isinstance(asked, AskPicture) else solve(asked)
        return await self.gate.answer(self.person(user_id), asked.token, typed or right)

    async def join(self, user_id: int = ANN, **values: Any) -> None:
        self.discord.join(user_id)
        self.discord.roles[user_id].add(UNVERIFIED)
        joined_at = values.pop("joined_at", self.clock.now())
        await self.timers.member_joined(self.person(user_id, **values), joined_at)

    async def row(self, user_id: int = ANN) -> table.VerificationMember:
        async with self.database.read() as session:
            row = await table.get_member(session, GUILD, user_id)
        assert row is not None
        return row

    async def wishes(self) -> list[RoleWish]:
        async with self.database.read() as session:
            return list(await list_wishes(session, GUILD))

    async def wait(self, span: timedelta) -> None:
        """Let time pass, and all that is due then be done."""
        await self.pass_time(span)
        await self.settle()

    async def card(self) -> int:
        """Return the moment that the latest card's buttons name."""
        cards = [row.payload for row in await self.queued() if "components" in (row.payload or {})]
        return int(cards[-1]["components"][0]["components"][0]["custom_id"].rpartition(":")[2])

    async def logged(self) -> list[str]:
        """Return the titles of what staff were told."""
        return [
            row.payload["embeds"][0]["title"]
            for row in await self.queued()
            if row.channel_id == LOG and row.payload and "embeds" in row.payload
        ]

    async def reminders(self) -> list[str]:
        """Return what was sent into the verification channel, or taken back from there."""
        rows = [row for row in await self.queued() if row.channel_id == LOBBY]
        return [row.payload["content"] if row.payload else row.kind for row in rows]


def solve(asked: AskWords) -> str:
    """Answer a question in words as a person does: by finding the word and reckoning."""
    values = asked.text.values
    words, reckoning = values["words"].split(", "), values["sum"]
    kinds = {
        "an animal": "dog horse rabbit cow sheep",
        "a colour": "red green yellow white black",
        "a fruit": "apple banana pear cherry strawberry",
        "a piece of furniture": "table chair bed wardrobe armchair",
    }
    (word,) = [one for one in words if one in kinds[str(values["kind"])].split()]
    numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    first, *rest = str(reckoning).replace("twice ", "").split()
    match rest:
        case ["plus", second]:
            result = numbers.index(first) + numbers.index(second)
        case ["minus", second]:
            result = numbers.index(first) - numbers.index(second)
        case _:
            result = 2 * numbers.index(first)
    return read_words(f"{word} {result}")


# --- a running bot ----------------------------------------------------------------------------


@dataclass
class Yard:
    """A guild with a panel, staff, and somebody who wants in."""

    bench: Bench
    guild: Any
    lobby: Any
    log: Any
    mod: Any
    ada: Any
    role: Any
    staff: Any

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        await self.bench.kernel.settings.change(
            self.guild.id, KEY, changes, enabled=enabled, actor=SYSTEM
        )

    async def work(self) -> None:
        """Do what waits: roles, then messages."""
        await self.bench.kernel.roles.run_due()
        await self.bench.deliver()

    async def panel(self) -> Any:
        await self.mod.slash(self.lobby, "verification post")
        await self.bench.deliver()
        return self.lobby.last_message

    def has_role(self, member: Any) -> bool:
        guild = self.bench.env.backend.get_guild(self.guild.id)
        return self.role.id in guild.members[member.id].role_ids


@asynccontextmanager
async def running_yard(database: Database) -> AsyncIterator[Yard]:
    async with running_bench(database) as bench:
        guild = bench.env.create_guild("Harbour")
        rights = discord.Permissions(manage_guild=True, manage_roles=True)
        staff = guild.create_role("Staff", permissions=rights)
        role = guild.create_role("Sailor")
        lobby, log = guild.create_text_channel("lobby"), guild.create_text_channel("log")
        mod = guild.add_member(bench.env.create_user("mod"), roles=[staff])
        ada = guild.add_member(bench.env.create_user("ada"))
        await bench.env.settle()
        yard = Yard(bench, guild, lobby, log, mod, ada, role, staff)
        await yard.set(
            channel_id=str(lobby.id), log_channel_id=str(log.id), verified_role_id=str(role.id)
        )
        yield yard
