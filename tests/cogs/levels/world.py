"""One process that runs levels over the queue of role changes, on a real database."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.batches import BatchService
from bot.core.config import Config
from bot.core.contracts import SYSTEM, Actor, ChannelSummary, MessageFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService, Retry
from bot.core.leveling import LevelReached
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from cogs import general, levels
from cogs.levels import importing, reconciling
from cogs.levels.book import Book
from cogs.levels.boosts import Boosts
from cogs.levels.counting import TextCounter
from cogs.levels.gifts import Gifts
from cogs.levels.importing import Importer
from cogs.levels.plan import Plans
from cogs.levels.reconciling import Reconciler
from cogs.levels.returning import Returning
from cogs.levels.ruling import Ruling
from cogs.levels.seats import Seats
from cogs.levels.settings import KEY
from cogs.levels.staff import StaffDesk, Target
from cogs.levels.standings import Standings
from cogs.levels.talking import Talk
from db.engine import Database
from db.guilds import GuildMember
from db.levels import LevelDay
from db.outbox import OutboxMessage
from db.role_wishes import RoleWish
from db.tickets import Ticket
from tests.bot.core.roles.world import ANN, BOB, GUILD, FakeDiscord, View, World
from tests.fakes import FakeClock

ADMIN = Actor(9, "command", "boss")
CHANNEL, QUIET, CATEGORY, THREAD, HALL, AFK, PRIVATE = 500, 501, 502, 503, 600, 601, 504
STAFF = 802
POSTS = frozenset({"view_channel", "send_messages", "send_messages_in_threads"})
JOINED = "2025-03-01T10:00:00.000000+00:00"


class GuildView(View):
    """A guild with channels, and a role of staff."""

    def __init__(self) -> None:
        super().__init__()
        self.positions[STAFF] = 5
        self.rights = {STAFF: frozenset({"ban_members"})}
        self.rooms = {
            CHANNEL: ChannelSummary(CHANNEL, GUILD, "general", "text", 0, CATEGORY, POSTS),
            QUIET: ChannelSummary(QUIET, GUILD, "rules", "text"),
            CATEGORY: ChannelSummary(CATEGORY, GUILD, "talk", "category"),
            PRIVATE: ChannelSummary(
                PRIVATE, GUILD, "hush", "thread", 0, CHANNEL, POSTS, private=True
            ),
            THREAD: ChannelSummary(THREAD, GUILD, "aside", "thread", 0, CHANNEL, POSTS),
            HALL: ChannelSummary(HALL, GUILD, "hall", "voice", 0, None, POSTS),
            AFK: ChannelSummary(AFK, GUILD, "away", "voice", 0, None, POSTS),
        }

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return self.rooms.get(channel_id)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        position = self.positions.get(role_id)
        if position is None:
            return None
        rights = self.rights.get(role_id, frozenset())
        return RoleSummary(role_id, guild_id, f"R{role_id}", position, permissions=rights)


class Finder:
    """Finds the members of a FakeDiscord."""

    def __init__(self, discord: FakeDiscord) -> None:
        self.discord = discord
        self.calls = 0
        self.fails = 0

    async def find(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        self.calls += 1
        if self.fails:
            self.fails -= 1
            raise Retry(timedelta(seconds=1), "away")
        return {
            one: frozenset(self.discord.roles[one])
            for one in user_ids
            if one in self.discord.members
        }


class LevelWorld(World):
    """A process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord)
        self.view = GuildView()
        self.bus = EventBus()
        self.reached: list[LevelReached] = []
        self.bus.subscribe(LevelReached, self._hear)
        registry = FeatureRegistry([general.FEATURE, levels.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor)
        self.outbox = OutboxService(database, clock, self.supervisor)
        self.batches = BatchService(database, clock, jobs=self.jobs, outbox=self.outbox)
        self.plans, self.seats, self.boosts = Plans(), Seats(), Boosts(database, clock)
        self.book = Book(
            clock,
            self.settings,
            plans=self.plans,
            outbox=self.outbox,
            roles=self.roles,
            bus=self.bus,
            state=lambda: self.view,
        )
        self.counter = self.make_counter()
        self.finder = Finder(self.discord)
        self.hears = True
        self.talk = Talk(
            database,
            clock,
            self.settings,
            seats=self.seats,
            book=self.book,
            boosts=self.boosts,
            state=lambda: self.view,
            afk_channel=lambda _guild: AFK,
            hears=lambda _guild: self.hears,
        )
        self.returning = Returning(
            database, self.settings, book=self.book, spawn=self.supervisor.spawn
        )
        self.standings = Standings(database, clock, book=self.book, counter=self.counter)
        self.staff = StaffDesk(
            database,
            clock,
            book=self.book,
            counter=self.counter,
            boosts=self.boosts,
            audit=audit,
        )
        self.reconciler = Reconciler(
            database,
            clock,
            book=self.book,
            finder=self.finder,
            roles=self.roles,
            state=lambda: self.view,
        )
        self.importer = Importer(
            database,
            clock,
            book=self.book,
            finder=self.finder,
            audit=audit,
            state=lambda: self.view,
        )
        self.gifts = Gifts(
            database,
            clock,
            self.settings,
            book=self.book,
            finder=self.finder,
            spawn=self.supervisor.spawn,
        )
        self.gifts.start(self.jobs)
        self.batches.register(reconciling.KIND, self.reconciler)
        self.batches.register(importing.KIND, self.importer)
        self.ruling = Ruling(
            database, clock, jobs=self.jobs, batches=self.batches, state=lambda: self.view
        )
        self.end_ruling = self.ruling.start(self.bus)
        self._ids = itertools.count(1)

    def make_counter(self, **options: Any) -> TextCounter:
        return TextCounter(
            self.database,
            self.clock,
            self.settings,
            book=self.book,
            plans=self.plans,
            boosts=self.boosts,
            spawn=lambda _name, work: work.close(),
            state=lambda: self.view,
            **options,
        )

    async def _hear(self, event: LevelReached) -> None:
        self.reached.append(event)

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        """Change the settings; they are in memory then, as in a process that runs."""
        await self.settings.change(GUILD, KEY, changes, enabled=enabled, actor=SYSTEM)
        await self.settings.get(GUILD, KEY)

    # --- what members do -----------------------------------------------------------------------

    def say(self, content: str = "", user_id: int = ANN, **values: Any) -> None:
        """Write something that nobody has written before, unless it is given."""
        number = next(self._ids)
        content = content or f"{number:08b} {'abcdefgh'[number % 8] * 3} {number**7}"
        raw: dict[str, Any] = {"member": {"joined_at": JOINED}, **values.pop("raw", {})}
        values = {
            "channel_id": CHANNEL,
            "role_ids": frozenset(self.discord.roles[user_id]),
        } | values
        moment = int((self.clock.now().timestamp() - 1_420_070_400) * 1000)
        message_id = (moment << 22) + number
        self.counter.see(
            MessageFacts(message_id, GUILD, author_id=user_id, content=content, raw=raw, **values)
        )

    async def earn(self, xp: int, user_id: int = ANN) -> None:
        """Have a member earn so much by one message."""
        state = await self.settings.get(GUILD, KEY)
        least, most = state.settings.text_least, state.settings.text_most
        await self.set(text_least=min(xp, 1000), text_most=min(xp, 1000), text_cooldown=0)
        for _turn in range(-(-xp // 1000)):
            self.say(user_id=user_id)
        await self.counter.flush()
        await self.set(text_least=least, text_most=most)

    def sit(self, user_id: int, channel_id: int | None = HALL, **marks: Any) -> None:
        """Sit down in a voice channel, or leave it."""
        member = {"roles": [str(one) for one in self.discord.roles[user_id]], "joined_at": JOINED}
        member["user"] = {"id": str(user_id), "bot": marks.pop("bot", False)}
        self.seats.moved(
            {
                "guild_id": str(GUILD),
                "user_id": str(user_id),
                "channel_id": None if channel_id is None else str(channel_id),
                "member": member,
                **marks,
            }
        )

    async def minutes(self, count: int = 1) -> None:
        """Let minutes pass."""
        for _turn in range(count):
            self.clock.advance(60)
            await self.talk.tick()

    async def work(self, span: timedelta | float = 0) -> None:
        """Move the clock; do jobs and role changes until nothing is due."""
        self.clock.advance(span)
        for _turn in range(4):
            await self.jobs.run_due()
            await self.roles.run_due()

    # --- what is stored ------------------------------------------------------------------------

    async def member(self, user_id: int = ANN) -> GuildMember | None:
        async with self.database.read() as session:
            return await session.get(GuildMember, (GUILD, user_id))

    async def xp(self, user_id: int = ANN) -> int:
        found = await self.member(user_id)
        return 0 if found is None else found.xp

    async def level(self, user_id: int = ANN) -> int:
        found = await self.member(user_id)
        return 0 if found is None else found.level

    async def days(self, user_id: int = ANN) -> dict[date, tuple[int, int]]:
        query = select(LevelDay).where(LevelDay.user_id == user_id)
        async with self.database.read() as session:
            rows = (await session.scalars(query)).all()
        return {one.day: (one.xp, one.voice_minutes) for one in rows}

    async def told(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list(
                (await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))).all()
            )

    async def wishes(self) -> set[tuple[int, int, bool]]:
        async with self.database.read() as session:
            rows = (await session.scalars(select(RoleWish))).all()
        return {(one.user_id, one.role_id, one.want) for one in rows}

    def target(self, user_id: int = ANN) -> Target:
        roles = self.discord.roles[user_id] if user_id in self.discord.members else None
        return Target(GUILD, user_id, None if roles is None else frozenset(roles))


def ticket_in(channel_id: int) -> Ticket:
    """Return an open ticket with this room."""
    return Ticket(
        guild_id=GUILD,
        number=1,
        category="Help",
        user_id=ANN,
        request_id=channel_id,
        status="open",
        mode="channel",
        channel_id=channel_id,
        room_lost=False,
        name="help-1",
        renamed_at=[],
        room_state={},
        priority="normal",
        labels=[],
        staff_roles=[],
        answers=[],
        origin={},
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
        exempt=False,
        level=0,
        revision=0,
    )


__all__ = ["ANN", "BOB", "GUILD", "LevelWorld", "ticket_in"]
