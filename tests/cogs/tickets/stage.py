"""One process that runs tickets on a real database, with a Discord that makes rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.contracts import (
    SYSTEM,
    Actor,
    ChannelSummary,
    GuildSummary,
    MemberFacts,
    RoleSummary,
)
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobFailed, JobService
from bot.core.nullstate import NullState
from bot.core.outbox import DeliveryKind, Entry, OutboxService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general, levels
from cogs.tickets import FEATURE
from cogs.tickets.files import FileStore
from cogs.tickets.panel import Panel, name_key
from cogs.tickets.ports import Admitted, Applicant, Crowd, Request, RoomGone, RoomPlan, RoomRefused
from cogs.tickets.service import Outside, TicketService
from cogs.tickets.settings import KEY
from db import ticket_panels
from db.engine import Database
from db.ticket_panels import TicketPanel
from db.tickets import Ticket, TicketEvent, get_ticket

GUILD, CHANNEL, LOG = 1 << 40, 500, 501
STAFF_ROLE, STAFF, OPENER, OTHER = 70, 7, 8, 9
_EARLY = datetime(2015, 1, 1, tzinfo=UTC)


class View(NullState):
    """The one guild."""

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden *", 1, 1234)

    lost: set[int] = set()  # noqa: RUF012 - a test puts another in its place

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        if channel_id in self.lost:
            return None
        return ChannelSummary(channel_id, guild_id, "help", "text", parent_id=600)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return RoleSummary(role_id, guild_id, "Sailor", 2)


@dataclass
class Room:
    """What Discord has of a room."""

    id: int
    plan: RoomPlan
    viewers: set[int] = field(default_factory=set)
    roles: set[int] = field(default_factory=set)
    locked: bool = False
    name: str = ""


@dataclass
class FakeRooms:
    """Makes rooms in memory; `refusing` is raised for whatever is asked."""

    made: dict[int, Room] = field(default_factory=dict)
    refusing: Exception | None = None
    calls: list[tuple[str, int]] = field(default_factory=list)
    next_id: int = 10_000
    # Called between letting members into a thread and taking others out of it.
    interrupt: Callable[[], None] = lambda: None

    async def find(self, plan: RoomPlan, since: datetime) -> Sequence[int]:
        self._refuse()
        return [one.id for one in self.made.values() if one.plan.topic == plan.topic][::-1]

    async def make(self, plan: RoomPlan) -> int:
        self._refuse()
        self.next_id += 1
        viewers = set() if plan.is_thread else set(plan.viewers)
        roles = set() if plan.is_thread else set(plan.staff_roles)
        self.made[self.next_id] = Room(self.next_id, plan, viewers, roles, name=plan.name)
        self.calls.append(("make", self.next_id))
        return self.next_id

    async def align(self, channel_id: int, plan: RoomPlan, was: Admitted) -> None:
        room = self._get(channel_id, "align")
        if plan.is_thread:
            # Its members are let in and taken out one by one: who is not named stays.
            room.viewers |= plan.viewers - was.viewers
            self.interrupt()
            room.viewers -= (was.viewers | was.entering) - plan.viewers
        else:
            room.viewers = set(plan.viewers)
        room.roles, room.locked = set(plan.staff_roles), plan.locked

    async def expel(self, channel_id: int, plan: RoomPlan, crowd: Crowd) -> Crowd:
        self._get(channel_id, "expel")
        return {}

    async def rename(self, channel_id: int, plan: RoomPlan) -> None:
        self._get(channel_id, "rename").name = plan.name

    async def move(self, channel_id: int, plan: RoomPlan) -> None:
        self._get(channel_id, "move").plan = plan

    async def remove(self, channel_id: int, plan: RoomPlan) -> None:
        room = self._get(channel_id, "remove")
        if plan.is_thread:
            room.locked = True
        else:
            del self.made[channel_id]

    async def is_there(self, channel_id: int, plan: RoomPlan) -> bool:
        return channel_id in self.made

    def _get(self, channel_id: int, call: str) -> Room:
        self._refuse()
        self.calls.append((call, channel_id))
        if channel_id not in self.made:
            raise RoomGone
        return self.made[channel_id]

    def _refuse(self) -> None:
        if self.refusing is not None:
            raise self.refusing


class ListCourier:
    """Delivers into a list; whoever a message calls into a thread is in it."""

    def __init__(self, rooms: FakeRooms) -> None:
        self.delivered: list[Entry] = []
        self._rooms = rooms

    async def deliver(self, entry: Entry) -> int | None:
        self.delivered.append(entry)
        room = self._rooms.made.get(entry.channel_id or 0)
        if room is not None and room.plan.is_thread and entry.kind is DeliveryKind.SEND:
            called = entry.payload.get("allowed_mentions", {})
            room.viewers |= {int(one) for one in called.get("users", ())}
        return 9000 + len(self.delivered)

    async def find_sent(self, entry: Entry, since: Any) -> Sequence[int]:
        return ()


@dataclass(frozen=True)
class Limits:
    poll_seconds: float = 5.0
    lease_seconds: float = 60.0
    concurrency: int = 4


class FakeHistory:
    """Reads what a stage holds of channels."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def read(
        self, channel_id: int, after: int, limit: int
    ) -> Sequence[Mapping[str, Any]] | None:
        if channel_id in self._stage.unreadable:
            return None
        found = self._stage.history.get(channel_id, [])
        return [one for one in found if int(one["id"]) > after][:limit]

    async def fetch(self, channel_id: int, message_id: int) -> Mapping[str, Any] | None:
        found = self._stage.history.get(channel_id, [])
        return next((one for one in found if int(one["id"]) == message_id), None)


class FakeFetcher:
    """Fetches what a stage holds on its CDN."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def fetch(self, url: str) -> bytes | None:
        found = self._stage.cdn.get(url)
        if isinstance(found, Exception):
            raise found
        return found


class Stage:
    """The services as the bot builds them, around fakes of what is beyond them."""

    def __init__(
        self,
        database: Database,
        clock: Any,
        rooms: FakeRooms | None = None,
        *,
        files: Path | None = None,
    ) -> None:
        self.database, self.clock, self.view = database, clock, View()
        self.rooms = rooms or FakeRooms()
        self.courier = ListCourier(self.rooms)
        self.bus, self.supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, levels.FEATURE, FEATURE])
        self.audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, self.audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Limits(), self.supervisor, bus=self.bus)
        self.outbox = OutboxService(database, clock, self.supervisor, courier=self.courier)
        self.problems = ProblemService(
            database, clock, self.bus, registry, self.settings, state=lambda: self.view
        )
        self.history: dict[int, list[dict[str, Any]]] = {}
        self.unreadable: set[int] = set()
        self.cdn: dict[str, bytes | Exception] = {}
        outside = Outside(
            rooms=self.rooms,
            members=self,
            history=FakeHistory(self),
            fetcher=FakeFetcher(self),
            store=FileStore(files or Path("unused")),
        )
        self.service = TicketService.build(self, outside)
        self.bus.subscribe(JobFailed, self.service.keeper.job_failed)
        self.gone: set[int] = set()
        self.joined: dict[int, datetime] = {}
        self._requests = 0

    @classmethod
    async def make(
        cls,
        database: Database,
        clock: Any,
        rooms: FakeRooms | None = None,
        *,
        files: Path | None = None,
    ) -> Self:
        """Return one whose services have begun their work."""
        stage = cls(database, clock, rooms, files=files)
        await stage.service.start()
        return stage

    def state(self) -> View:
        return self.view

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        """Return the members, as Discord knows them; those of whom nothing is said joined early."""
        return {
            one: MemberFacts(one, guild_id, "", joined_at=self.joined.get(one, _EARLY))
            for one in user_ids
            if one not in self.gone
        }

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        await self.settings.change(GUILD, KEY, changes, enabled=enabled, actor=SYSTEM)

    async def panel(self, name: str = "Help", **values: Any) -> TicketPanel:
        """Have a panel."""
        config = Panel.model_validate({"name": name, **values}).to_json()
        async with self.database.write() as session:
            panel_id = await ticket_panels.add_panel(
                session,
                {
                    "guild_id": GUILD,
                    "name": name,
                    "name_key": name_key(name),
                    "config": config,
                    "created_at": self.clock.now(),
                },
            )
            found = await ticket_panels.get_panel(session, GUILD, panel_id or 0)
        assert found is not None
        return found

    def request(self, panel: TicketPanel, user_id: int = OPENER, **values: Any) -> Request:
        self._requests += 1
        plain: dict[str, Any] = {
            "guild_id": GUILD,
            "panel_id": panel.id,
            "applicant": Applicant(user_id=user_id, name=f"user{user_id}"),
            "actor": Actor(user_id, "command"),
            "channel_id": CHANNEL,
            "request_id": 1_000 + self._requests,
        }
        return Request(**(plain | values))

    async def open(
        self, panel: TicketPanel | None = None, user_id: int = OPENER, **values: Any
    ) -> Ticket:
        """Open a ticket and let its room be made."""
        panel = panel or await self.panel()
        ticket = await self.service.opening.open(self.request(panel, user_id, **values))
        await self.settle()
        return await self.get(ticket.id)

    async def turn(self) -> None:
        """Let what was spawned come to where it waits."""
        for _ in range(50):
            await asyncio.sleep(0.002)

    async def settle(self) -> None:
        await self.jobs.run_due()
        await self.outbox.run_due()

    async def wait(self, span: timedelta | float) -> None:
        """Let time pass, and all that follows be done: some of it waits for what was said first."""
        self.clock.advance(span)
        await self.settle()
        self.clock.advance(2)
        await self.settle()

    # --- what has come of it -------------------------------------------------------------------

    async def get(self, ticket_id: int) -> Ticket:
        async with self.database.read() as session:
            found = await get_ticket(session, ticket_id)
        assert found is not None
        return found

    async def events(self, ticket_id: int) -> list[str]:
        query = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id)
        async with self.database.read() as session:
            found = (await session.scalars(query.order_by(TicketEvent.id))).all()
        return [one.kind for one in found]

    def room_of(self, ticket: Ticket) -> Room:
        assert ticket.channel_id is not None
        return self.rooms.made[ticket.channel_id]

    def said(self, channel_id: int | None = None) -> list[str]:
        """Return what was said in channels, cards and edits left out."""
        return [
            one.payload.get("content", "")
            for one in self.courier.delivered
            if not one.is_direct
            and one.kind is DeliveryKind.SEND
            and channel_id in {None, one.channel_id}
        ]

    def letters(self, user_id: int) -> list[str]:
        """Return the private messages of a person."""
        return [one.payload["content"] for one in self.courier.delivered if one.user_id == user_id]


def refusal(text: str = "No place.") -> RoomRefused:
    return RoomRefused(text)
