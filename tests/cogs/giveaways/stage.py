"""One process that runs giveaways on a real database, with a Discord that knows who is a member."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM, GuildSummary, MemberFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService, Retry
from bot.core.nullstate import NullState
from bot.core.outbox import Entry, OutboxService
from bot.core.problems import ProblemService
from bot.core.roles import RoleService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import economy, general
from cogs.giveaways.backstage import Backstage
from cogs.giveaways.board import Board
from cogs.giveaways.counting import MessageCounter
from cogs.giveaways.drawing import END_JOB, Drawing
from cogs.giveaways.entering import Entered, Entering, Entrant
from cogs.giveaways.manifest import FEATURE, KEY
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.verify import commitment_of, digest_of, make_salt, make_tip
from cogs.giveaways.winning import Winning
from db.engine import Database
from db.giveaways import ACTIVE, Giveaway, GiveawayEntry, GiveawayRound, GiveawayWinner
from db.outbox import OutboxMessage
from db.role_wishes import RoleWish, list_wishes
from db.statements import insert_for, table_of
from tests.fakes import FakeClock
from tests.sidebyside import work

GUILD, CHANNEL, HOST = 1 << 40, 500, 9
HOUR = timedelta(hours=1)


class View(NullState):
    """The one guild; `rights` are those of its roles, of which some are `gone`."""

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.rights: dict[int, frozenset[str]] = {}

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden *", 1, 1234)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        if role_id in self.gone:
            return None
        rights = self.rights.get(role_id, frozenset())
        return RoleSummary(role_id, guild_id, "Sailor", 2, permissions=rights)


@dataclass
class FakeMembers:
    """Everybody is a member but who has gone; silent while Discord does not answer."""

    gone: set[int] = field(default_factory=set)
    roles: dict[int, set[int]] = field(default_factory=dict)
    joined: dict[int, datetime] = field(default_factory=dict)
    silent: int = 0
    asked: list[int] = field(default_factory=list)

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        if self.silent:
            self.silent -= 1
            raise Retry(timedelta(seconds=10), "Discord does not answer")
        self.asked += user_ids
        return {
            one: MemberFacts(
                one,
                guild_id,
                "",
                role_ids=frozenset(self.roles.get(one, ())),
                joined_at=self.joined.get(one),
            )
            for one in user_ids
            if one not in self.gone
        }


@dataclass
class FakeBoard:
    """Notes which messages are to be edited."""

    refreshed: list[uuid.UUID] = field(default_factory=list)

    async def refresh(
        self, session: AsyncSession, giveaway_id: uuid.UUID, guild_id: int, *, at_once: bool = False
    ) -> None:
        self.refreshed.append(giveaway_id)


@dataclass
class FakeVault:
    """Has codes, handed over once each."""

    free: list[str] = field(default_factory=list)
    handed: dict[int, str] = field(default_factory=dict)

    async def hand_over(
        self, session: AsyncSession, giveaway_id: uuid.UUID, winner_id: int
    ) -> str | None:
        if winner_id not in self.handed and self.free:
            self.handed[winner_id] = self.free.pop(0)
        return self.handed.get(winner_id)


class ListCourier:
    """Delivers into a list."""

    def __init__(self) -> None:
        self.delivered: list[Entry] = []

    async def deliver(self, entry: Entry) -> int | None:
        self.delivered.append(entry)
        return 9000 + len(self.delivered)

    async def find_sent(self, entry: Entry, since: Any) -> Sequence[int]:
        return ()


@dataclass(frozen=True)
class Limits:
    poll_seconds: float = 5.0
    lease_seconds: float = 60.0
    concurrency: int = 4


class Stage:
    """The services as the bot builds them, around fakes of what is beyond them."""

    def __init__(self, database: Database, clock: Any, members: FakeMembers | None = None) -> None:
        self.database, self.clock, self.view = database, clock, View()
        self.members, self.board, self.vault = members or FakeMembers(), FakeBoard(), FakeVault()
        self.bus, self.supervisor, self.courier = EventBus(), TaskSupervisor(), ListCourier()
        self.registry = FeatureRegistry([general.FEATURE, economy.FEATURE, FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, self.registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Limits(), self.supervisor)
        self.outbox = OutboxService(database, clock, self.supervisor, courier=self.courier)
        self.roles = RoleService(
            database,
            clock,
            self.settings,
            bus=self.bus,
            problems=None,  # pyright: ignore[reportArgumentType]
            supervisor=self.supervisor,
            state=lambda: self.view,
        )
        self.use(self.board)

    def use(self, board: Any) -> None:
        """Put the services together around what edits the messages."""
        self.backstage = Backstage(
            database=self.database,
            clock=self.clock,
            settings=self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            roles=self.roles,
            state=lambda: self.view,
            board=board,
            members=self.members,
            vault=self.vault,
        )
        self.counter = MessageCounter(self.database, spawn=lambda _name, work: work.close())
        self.winning = Winning(self.backstage)
        self.drawing = Drawing(self.backstage, self.winning)
        self.entering = Entering(self.backstage, self.counter, close=self.drawing.close)
        # The clock stands still here: whoever waits for a message waits for it in earnest.
        self.drawing.patience = 10.0
        self.winning.start()
        self.drawing.start()

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        await self.settings.change(GUILD, KEY, changes, enabled=enabled, actor=SYSTEM)

    async def add(self, **values: Any) -> uuid.UUID:
        """Have a giveaway that goes on for an hour, with its end planned."""
        giveaway = make_giveaway(self.clock.now(), **values)
        async with self.database.write() as session:
            session.add(giveaway)
            if giveaway.ends_at is not None:
                await self.jobs.schedule(
                    session,
                    END_JOB,
                    giveaway.ends_at,
                    dedupe_key=f"{END_JOB}:{giveaway.id}",
                    guild_id=giveaway.guild_id,
                )
        return giveaway.id

    async def fill(self, giveaway_id: uuid.UUID, count: int, weight: int = 1) -> None:
        """Enter people 1 to `count`, past the button."""
        await fill(self.database, giveaway_id, count, self.clock.now(), weight)

    def person(self, user_id: int, *roles: int, **values: Any) -> Entrant:
        ages = {"created_at": self.clock.now() - timedelta(days=400)}
        ages |= {"joined_at": self.clock.now() - timedelta(days=40)}
        return Entrant(GUILD, user_id, frozenset(roles), **(ages | values))

    async def enter(self, giveaway_id: uuid.UUID, user_id: int, *roles: int) -> None:
        entered = await self.entering.enter(giveaway_id, self.person(user_id, *roles))
        assert isinstance(entered, Entered), entered

    async def end(self, giveaway_id: uuid.UUID) -> bool:
        """End it as the command does, and let all that follows be done."""
        await self.drawing.get_ready(GUILD)
        async with self.database.write() as session:
            closed = await self.drawing.close(session, giveaway_id, by=HOST)
        await self.settle()
        return closed

    async def settle(self) -> None:
        await work(self.jobs, self.outbox)

    async def wait(self, span: timedelta | float) -> None:
        self.clock.advance(span)
        await self.settle()

    # --- what has come of it -------------------------------------------------------------------

    async def get(self, giveaway_id: uuid.UUID) -> Giveaway:
        async with self.database.read() as session:
            found = await session.get(Giveaway, giveaway_id)
        assert found is not None
        return found

    async def change(self, giveaway_id: uuid.UUID, **values: Any) -> None:
        async with self.database.write() as session:
            await session.execute(
                update(Giveaway).where(Giveaway.id == giveaway_id).values(**values)
            )

    async def entries(self, giveaway_id: uuid.UUID) -> list[GiveawayEntry]:
        return await self._rows(GiveawayEntry, giveaway_id, GiveawayEntry.id)

    async def rounds(self, giveaway_id: uuid.UUID) -> list[GiveawayRound]:
        return await self._rows(GiveawayRound, giveaway_id, GiveawayRound.round)

    async def drawn(self, giveaway_id: uuid.UUID) -> list[GiveawayWinner]:
        return await self._rows(
            GiveawayWinner, giveaway_id, GiveawayWinner.round, GiveawayWinner.position
        )

    async def _rows(self, table: Any, giveaway_id: uuid.UUID, *order: Any) -> list[Any]:
        query = select(table).where(table.giveaway_id == giveaway_id).order_by(*order)
        async with self.database.read() as session:
            return list(await session.scalars(query))

    async def wishes(self) -> list[RoleWish]:
        async with self.database.read() as session:
            return list(await list_wishes(session, GUILD))

    async def queued(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    def said(self) -> list[str]:
        """Return what was said in channels."""
        return [one["content"] for one in self.posts()]

    def posts(self) -> list[Any]:
        return [one.payload for one in self.courier.delivered if not one.is_direct]

    def letters(self) -> dict[int, Any]:
        """Return the last private message of each person."""
        return {one.user_id or 0: one.payload for one in self.courier.delivered if one.is_direct}


def make_giveaway(now: Any, **values: Any) -> Giveaway:
    tip = make_tip()
    plain = {
        "id": uuid.uuid4(),
        "guild_id": GUILD,
        "number": 1,
        "channel_id": CHANNEL,
        "message_id": 4711,
        "host_id": HOST,
        "created_by": HOST,
        "title": "Summer",
        "description": None,
        "prize": "A *boat*",
        "winner_count": 1,
        "status": ACTIVE,
        "starts_at": now,
        "ends_at": now + HOUR,
        "requirements": {},
        "bonus_entries": [],
        "embed_config": {},
        "seed": tip,
        "commitment": commitment_of(tip),
        "rounds": 0,
        "revision": 0,
        "created_at": now,
    }
    return Giveaway(**(plain | values))


async def fill(
    database: Database, giveaway_id: uuid.UUID, count: int, now: Any, weight: int = 1
) -> None:
    rows = []
    for user_id in range(1, count + 1):
        salt = make_salt()
        rows.append(
            {
                "giveaway_id": giveaway_id,
                "user_id": user_id,
                "salt": salt,
                "digest": digest_of(giveaway_id, user_id, salt),
                "weight": weight,
                "entered_at": now,
            }
        )
    async with database.write() as session:
        await session.execute(insert_for(session, table_of(GiveawayEntry)), rows)


def use_board(stage: Stage) -> None:
    """Have the messages of giveaways edited as the bot does."""
    view, settings = (lambda: stage.view), stage.settings
    problems = ProblemService(
        stage.database, stage.clock, stage.bus, stage.registry, settings, state=view
    )
    board = Board(
        stage.database,
        stage.clock,
        settings,
        jobs=stage.jobs,
        outbox=stage.outbox,
        state=view,
        watch=MessageWatch(stage.database, problems),
    )
    board.start()
    stage.use(board)


def make_stage(database: Database) -> Stage:
    return Stage(database, FakeClock())
